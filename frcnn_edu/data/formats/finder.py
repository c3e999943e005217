"""Find the image file on this disk for a file name in an annotation."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from ..findings import Findings
from ..names import find_file, folded, leaves_folder, without_heic
from ..splits import says_only_a_split, split_of, split_of_path
from .folders import ANNOTATION_FOLDERS, all_images
from .pairing import splits_in

# Label Studio puts eight characters of a random number in front of the names of uploaded files.
_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")


class ImageFinder:
    """Finds image files in a folder by names that were written on other machines.

    The name is first tried unchanged, in each of the likely folders. Otherwise the whole folder is searched for a file
    of that name: without its leading folders, in upper or lower case, with %20 decoded, or without the number that
    Label Studio puts in front. Only files inside the folder are found, whatever a name says.

    Args:
        root: the folder to search.
        likely: folders that are tried first, in this order; by default `root` itself.
        split: the split of the annotations, if they have one: files in folders of other splits are excluded.
    """

    def __init__(self, root: Path, likely: Sequence[Path] = (), split: str | None = None) -> None:
        self.root, self.likely, self.split = root, tuple(likely) or (root,), split

    def find(self, name: str, findings: Findings, taken: Collection[Path] = ()) -> Path | None:
        """The file; None, with a note, if there is none, or if several match.

        Args:
            taken: files that other annotations name exactly: they are excluded.
        """
        if path := self.as_written(name):
            return path
        candidates = [path for path in self.by_name(name) if path not in taken]
        if len(candidates) == 1:
            found = candidates[0].as_posix()
            if not f"/{found}".endswith((f"/{name}", f"/{name}{candidates[0].suffix}")):
                findings.repair("images found in a different folder or spelling than named", name)
            return candidates[0]
        if candidates:
            findings.leave_out("images left out, several files of that name", name)
        else:
            reason = "the name leads out of the folder" if leaves_folder(name) else "no file"
            findings.leave_out(f"images left out, {reason}", name)
        return None

    def as_written(self, name: str) -> Path | None:
        """The file of exactly that name in the first of the likely folders that has it."""
        return next((path for folder in self.likely if (path := find_file(folder, name))), None)

    def by_name(self, name: str) -> list[Path]:
        """The candidate files: those that agree best with the folders in the name and with the split.

        If an image exists in HEIC and in the format it was converted to, the latter is used.
        """
        parts = _parts(name)
        if not parts:
            return []
        last = parts[-1]
        names = (last, _UPLOADED.sub("", last))
        found = next(
            (paths for index in (self._index, self._by_stem) for each in names if (paths := index.get(each))), []
        )
        candidates = [path for path in found if not self.is_of_another_split(path)]
        if len(candidates) < 2:
            return candidates
        scores = [self._agreement(path, parts) for path in candidates]
        return without_heic([path for path, score in zip(candidates, scores) if score == max(scores)])

    def agreement(self, path: Path, name: str) -> tuple[int, bool, int]:
        """How well a file agrees with a name that leads to it: larger is better."""
        return self._agreement(path, _parts(name))

    def is_of_another_split(self, path: Path) -> bool:
        """Whether a file is in a folder whose name means a different split than that of the annotations."""
        splits = splits_in(path.relative_to(self.root).parent)
        return self.split is not None and bool(splits) and self.split not in splits

    def may_be_of_another_split(self, path: Path) -> bool:
        """The same; or whether the images of all splits are together, so that a file's split is unknown."""
        apart = bool(splits_in(path.relative_to(self.root).parent)) or says_only_a_split(self.root.name)
        return self.is_of_another_split(path) or (self.split is not None and not apart)

    def looked_in(self) -> str:
        """Where files were looked for, for a message."""
        folders = [str(folder) for folder in self.likely]
        return f"{', '.join(folders)} and the folders in {self.root}"

    def _agreement(self, path: Path, parts: list[str]) -> tuple[int, bool, int]:
        own = [folded(part) for part in path.relative_to(self.root).parts]
        common = 0
        if parts and Path(own[-1]).stem == parts[-1]:  # a name without a suffix
            own[-1] = parts[-1]
        while common < min(len(own), len(parts)) and own[-1 - common] == parts[-1 - common]:
            common += 1
        rank = self.likely.index(path.parent) if path.parent in self.likely else len(self.likely)
        return common, self.split in splits_in(path.relative_to(self.root).parent), -rank

    @cached_property
    def _index(self) -> dict[str, list[Path]]:
        index: dict[str, list[Path]] = defaultdict(list)
        for path in all_images(self.root):
            index[folded(path.name)].append(path)
        return index

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        """For tables that name images without a suffix."""
        index: dict[str, list[Path]] = defaultdict(list)
        for paths in self._index.values():
            for path in paths:
                index[folded(path.stem)].append(path)
        return index


def _parts(name: str) -> list[str]:
    return [folded(part) for part in re.split(r"[\\/]+", unquote(name)) if part]


def home_of(annotations: Path) -> Path:
    """The folder to search for the images of annotations: their own, or the one above annotations/."""
    folder = annotations if annotations.is_dir() else annotations.parent
    above = folder.absolute().parent
    if folder.absolute().name.lower() in ANNOTATION_FOLDERS:
        return above
    in_split = above.name.lower() in ANNOTATION_FOLDERS and split_of(folder.name) is not None
    return above.parent if in_split else folder  # annotations/train/


def likely_folders(annotations: Path) -> list[Path]:
    """Where the images of an annotation file usually are, the most usual place first.

    In images/ beside it, beside it, and where COCO's archives put them: annotations/instances_val2017.json and val2017/;
    or in a folder of the split's name in images/ or beside it, or in images/default/, or in data/.
    """
    folder, home = annotations.parent, home_of(annotations)
    year = annotations.stem.split("_")[-1]  # "val2017" of instances_val2017.json
    stem = annotations.stem.removeprefix("instances_")
    places = [
        folder / "images", folder, home / "images", home / year, home / "images" / year, home / "images" / stem,
        home / "images" / folder.name, home / stem, home / "images" / "default", home / "data", home / "JPEGImages", home,
    ]  # fmt: skip
    return [place for place in dict.fromkeys(places) if place.is_dir()]


def finder_for(annotations: Path, images: Path | None, subset: str | None = None) -> ImageFinder:
    """A finder for the images of annotations, a file or a folder: in the given folder, or around the annotations.

    Args:
        subset: the annotations' name for the part that is read, which may be that of a split.
    """
    file = annotations / "any" if annotations.is_dir() else annotations
    split = split_of_path(file) if subset is None or (found := split_of(subset)) is None else found[0]
    if images is not None:
        return ImageFinder(images, split=split)
    return ImageFinder(home_of(annotations), likely_folders(file), split)
