"""`open_dataset`: from what a user names to a data set; `collate`: from items to a batch."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from .coco import CocoDetection
from .names import class_names
from .penn_fudan import PennFudanDetection
from .records import RecordDataset, Transforms
from .shapes import ShapesDetection
from .voc import VOCDetection, image_sets

SPLITS = ("train", "val", "test")


def collate(batch: Sequence[tuple[Tensor, dict[str, Any]]]) -> tuple[list[Tensor], list[dict[str, Any]]]:
    """For `DataLoader(collate_fn=collate)`: a list of images, which may differ in size, and a list of their targets."""
    images, targets = zip(*batch)
    return list(images), list(targets)


def open_dataset(
    source: str | Path,
    split: str,
    *,
    classes: Sequence[str] | None = None,
    transforms: Transforms | None = None,
    strict: bool = False,
) -> ShapesDetection | RecordDataset:
    """The data set that a command line's `--data` and `--split` mean.

    Args:
        source: "shapes"; a Pascal VOC folder; a COCO json file (see `coco_split` for how it is divided); or the folder
            PennFudanPed.
        split: "train", "val" or "test".
        classes: the names of the labels, such as another data set's `classes`; a leading "background" may be missing.
            By default the data set's own.
        transforms: called with (image, target), returns both, changed.
        strict: stop at files and objects that cannot be used, instead of leaving them out with a note. What can be
            repaired, and classes that were not asked for, are no reason to stop.

    Raises:
        ValueError: the source is none of these, or lacks the split or the classes; with `strict`, something would be
            left out.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}; got {split!r}")
    if source == "shapes":
        _same_classes("shapes", ShapesDetection.classes, classes)
        return ShapesDetection(split, transforms=transforms)
    path = Path(source)
    if path.is_file() and path.suffix.lower() == ".json":
        file, part = coco_split(path, split)
        return CocoDetection(file, classes=classes, transforms=transforms, part=part, strict=strict)
    if (path / "JPEGImages").is_dir():
        return VOCDetection(path, split, classes, transforms, strict)
    if (path / "PedMasks").is_dir():
        _same_classes(path, PennFudanDetection.classes, classes)
        return PennFudanDetection(path, split, transforms=transforms, strict=strict)
    raise ValueError(_nothing_at(path))


def existing_splits(source: str | Path) -> list[str]:
    """Which of "train", "val" and "test" a source of `open_dataset` has.

    Raises:
        ValueError: the source is none.
    """
    path = Path(source)
    if source == "shapes":
        return list(SPLITS)
    if path.is_file() and path.suffix.lower() == ".json":
        splits = []
        for split in SPLITS:
            with suppress(ValueError):
                coco_split(path, split)
                splits.append(split)
        return splits
    if (path / "JPEGImages").is_dir():
        return [split for split in SPLITS if split in image_sets(path)]
    if (path / "PedMasks").is_dir():
        return ["train", "val"]
    raise ValueError(_nothing_at(path))


def _nothing_at(path: Path) -> str:
    hint = "" if path.exists() else "; nothing of that name exists"
    if path.is_dir() and (inside := [str(folder.parent) for folder in sorted(path.glob("*/JPEGImages"))]):
        hint = f"; did you mean {' or '.join(inside)}?"
    return (
        f'no data set at {str(path)!r}: it is neither "shapes", nor a folder with JPEGImages and Annotations '
        f"(Pascal VOC), nor a .json file (COCO), nor the folder PennFudanPed{hint}"
    )


def coco_split(file: Path, split: str) -> tuple[Path, str | None]:
    """Which COCO file holds a split, and which part of it ("train", "val", or None for all).

    The split's own file is the one whose name differs in the split's name alone: instances_val2017.json beside
    instances_train2017.json. A file without such a companion for validation is divided: every fifth image is for "val".

    Raises:
        ValueError: there is no file for this split.
    """
    words = list(re.finditer("(?<![a-z])(train|val|test)(?![a-z])", file.stem, re.IGNORECASE))
    files = {"train": file}  # which splits have a file of their own; without a split's name, one to be divided
    wanted = file
    if words:
        head, tail = file.stem[: words[-1].start()], file.stem[words[-1].end() :]
        companions = {name: file.with_name(f"{head}{name}{tail}{file.suffix}") for name in SPLITS}
        companions[words[-1].group().lower()] = file
        files = {name: path for name, path in companions.items() if path.is_file()}
        wanted = companions[split]
    if "train" in files and "val" not in files and split != "test":
        return files["train"], split
    if split not in files:
        raise ValueError(f"{file} has no split {split!r}" + (f": there is no {wanted}" if words else ""))
    return files[split], None


def _same_classes(source: str | Path, own: Sequence[str], wanted: Sequence[str] | None) -> None:
    if wanted is not None and class_names(wanted) != tuple(own):
        raise ValueError(f"{source} has the classes {', '.join(own)}; asked for were {', '.join(wanted)}")
