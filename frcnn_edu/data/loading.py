"""`open_dataset`: from what a user names to a data set; `collate`: from items to a batch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from .coco import CocoDetection
from .names import class_names
from .penn_fudan import PennFudanDetection
from .records import RecordDataset, Transforms
from .shapes import ShapesDetection
from .sources import kind_of
from .splits import SPLITS, coco_split
from .voc import VOCDetection


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
    match kind_of(source):
        case "shapes":
            _same_classes("shapes", ShapesDetection.classes, classes)
            return ShapesDetection(split, transforms=transforms)
        case "coco":
            file, part = coco_split(Path(source), split)
            return CocoDetection(file, classes=classes, transforms=transforms, part=part, strict=strict)
        case "voc":
            return VOCDetection(source, split, classes, transforms, strict)
    _same_classes(source, PennFudanDetection.classes, classes)
    return PennFudanDetection(source, split, transforms=transforms, strict=strict)


def _same_classes(source: str | Path, own: Sequence[str], wanted: Sequence[str] | None) -> None:
    if wanted is not None and class_names(wanted) != tuple(own):
        raise ValueError(f"{source} has the classes {', '.join(own)}; asked for were {', '.join(wanted)}")
