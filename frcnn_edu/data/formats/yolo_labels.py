"""Which file of labels belongs to which image of a YOLO data set."""

import unicodedata
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from ..splits import split_of
from .folders import IMAGE_FOLDERS, all_files
from .yolo_files import NAMES

LABEL_FOLDERS = ("labels", "label")
OUTPUTS = ("runs", "predict", "predictions")  # what programs leave there: no ground truth


class Labels:
    """The text files of a data set, found by image.

    A file of labels is in labels/ where the image is in images/, with the same folders around; or beside it. Where it is
    neither, it is the only one of that name, unless it lies in a folder of another split. Upper and lower case do not matter.

    Args:
        home: the folder of the data set.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.by_place: dict[str, Path] = {}
        self.by_stem: dict[str, list[Path]] = defaultdict(list)
        for path in all_files(home, ".txt"):
            folders = [part.lower() for part in path.relative_to(home).parts[:-1]]
            if path.name.lower() not in NAMES and not {*folders} & {*OUTPUTS}:
                self.by_place[_place(path.relative_to(home))] = path
                self.by_stem[_folded(path.stem)].append(path)

    def of(self, image: Path, name: str = "") -> Path | None:
        """The file of an image's labels; None if there is none, or nothing tells which.

        Args:
            name: of an image outside the data set, as it is written there, with the folders that it once had.
        """
        outside = self.home not in image.parents
        if outside and (path := next(filter(Path.is_file, _beside(image)), None)):
            return path
        inside = Path(name.replace("\\", "/")) if outside else image.relative_to(self.home)
        for place in mirrors(inside):
            if (found := self.by_place.get(_place(place))) is not None:
                return found
        splits = _splits(inside)
        others = [
            path
            for path in self.by_stem.get(_folded(inside.stem), [])
            if not (theirs := _splits(path.relative_to(self.home))) or not splits or theirs & splits
        ]
        return others[0] if len(others) == 1 else None

    def without_image(self, used: Collection[Path]) -> list[Path]:
        """Files of labels in the folders of those that are used, which no image has asked for."""
        folders = {path.parent for path in used}
        return sorted(path for path in self.by_place.values() if path.parent in folders and path not in used)


def mirrors(image: Path) -> list[Path]:
    """Where the labels of an image may be: with labels/ in the place of its folder of images, the innermost first; beside it."""
    parts = image.parts
    at = [i for i in reversed(range(len(parts) - 1)) if parts[i].lower() in IMAGE_FOLDERS]
    swapped = [Path(*parts[:i], labels, *parts[i + 1 :]) for i in at for labels in LABEL_FOLDERS]
    return [*swapped, image, *(image.parent / labels / image.name for labels in LABEL_FOLDERS)]


def _beside(image: Path) -> list[Path]:
    return [place.with_suffix(".txt") for place in mirrors(image)]


def _place(path: Path) -> str:
    return _folded(path.with_suffix("").as_posix())


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _splits(path: Path) -> set[str]:
    return {found[0] for part in path.parts[:-1] if (found := split_of(part))}
