"""Which label file belongs to which image of a YOLO data set."""

from collections import defaultdict
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

from ..names import folded, without_converted
from .folders import DEEPEST, IMAGE_FOLDERS, all_files, all_images
from .pairing import can_be_meant, of_another_split
from .yolo_files import NAMES

LABEL_FOLDERS = ("labels", "label")
OUTPUTS = ("runs", "predict", "predictions")  # left there by programs: not ground truth


class Labels:
    """The text files of a data set, found by image.

    A label file is in labels/ if the image is in images/, with the same folders around; or beside it. Otherwise it is
    the only one of that name, in a folder that can belong to the image's, and no other image has that name. Case is
    ignored.

    Args:
        home: the folder of the data set.
        images: the folder of its images, if they are elsewhere.
        split: the split of the images, if their folder does not show it.
    """

    def __init__(self, home: Path, images: Path | None = None, split: str = "") -> None:
        self.home, self.root, self.split = home, home, split
        if images is not None and home not in (images, *images.parents):
            self.root = images
        self.by_place: dict[str, Path] = {}
        self.by_stem: dict[str, list[Path]] = defaultdict(list)
        self.folders: set[str] = set()
        for path in all_files(home, ".txt"):
            inside = path.relative_to(home)
            if path.name.lower() not in NAMES and not {part.lower() for part in inside.parts[:-1]} & {*OUTPUTS}:
                self.by_place[_place(inside)] = path
                self.by_stem[folded(path.stem)].append(inside)
                self.folders.add(_folder(inside))

    def of(self, image: Path, name: str = "") -> Path | None:
        """The label file of an image; None if there is none, or it is unclear which.

        Args:
            name: of an image that is elsewhere, as a list has it, with the folders that it once had.
        """
        if self.root not in image.parents:
            return _beside(image)
        inside = image.relative_to(self.root)
        places = mirrors(inside)
        # Folders are searched to a certain depth, and labels may be one deeper than their images.
        if (self.root != self.home or len(inside.parts) >= DEEPEST) and (near := _beside(image)) is not None:
            return near
        if self.root != self.home:
            places += [Path(labels) / inside for labels in LABEL_FOLDERS]
            places = [*_ends(name), *places]
        for place in places:
            if (found := self.by_place.get(_place(place))) is not None:
                return found
        return _beside(image) or self._elsewhere(inside)  # through a link, which is not followed back into the folder

    def _elsewhere(self, image: Path) -> Path | None:
        """The only label file that can belong to an image, by its name, if it can belong to no other."""
        folder, stem = _folder(image), folded(image.stem)
        split = folder if self.root == self.home else f"{self.split}/{folder}"
        found = [path for path in self.by_stem.get(stem, []) if not of_another_split(_folder(path), split)]
        if len(found) != 1:
            return None
        theirs = _folder(found[0])
        if theirs != folder and folder in self.folders:  # where it would be, not in labels_old/, for example
            return None
        rivals = [each for each in self.images[stem] if not of_another_split(theirs, _folder(each))]
        if len(rivals) > 1 or not can_be_meant(theirs, folder, self.folders, self.image_folders):
            return None
        return self.home / found[0]

    @cached_property
    def images(self) -> dict[str, list[Path]]:
        """All images by their names without suffix."""
        index: dict[str, list[Path]] = defaultdict(list)
        for path in without_converted(all_images(self.root)):
            index[folded(path.stem)].append(path.relative_to(self.root))
        return index

    @cached_property
    def image_folders(self) -> set[str]:
        return {_folder(image) for images in self.images.values() for image in images}

    def without_image(self, used: Collection[Path]) -> list[Path]:
        """Label files in the folders of those that are used, which belong to no image."""
        folders = {path.parent for path in used}
        return sorted(path for path in self.by_place.values() if path.parent in folders and path not in used)


def _beside(image: Path) -> Path | None:
    return next((path for place in mirrors(image) if (path := place.with_suffix(".txt")).is_file()), None)


def mirrors(image: Path) -> list[Path]:
    """Where the labels of an image may be: with labels/ in place of its folder of images, or beside it.

    The innermost folder of images comes first.
    """
    parts = image.parts
    at = [i for i in reversed(range(len(parts) - 1)) if parts[i].lower() in IMAGE_FOLDERS]
    swapped = [Path(*parts[:i], labels, *parts[i + 1 :]) for i in at for labels in LABEL_FOLDERS]
    return [*swapped, image, *(image.parent / labels / image.name for labels in LABEL_FOLDERS)]


def _ends(name: str) -> list[Path]:
    """Where the labels of an image may be that was once at data/images/train/a.jpg: also without the first folders."""
    places = [place for place in mirrors(Path(name.replace("\\", "/"))) if len(place.parts) > 1]
    return [Path(*place.parts[i:]) for place in places for i in range(len(place.parts) - 1)]


def _folder(path: Path) -> str:
    """The folders around a file, without those named after their content: images/a and labels/a are the same."""
    parts = (part.lower() for part in path.parts[:-1])
    return "/".join(part for part in parts if part not in (*IMAGE_FOLDERS, *LABEL_FOLDERS))


def _place(path: Path) -> str:
    return folded(path.with_suffix("").as_posix())
