"""`open_dataset` opens the data set that a user names; `collate` turns items into a batch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from .coco import CocoDetection
from .formats.coco import COCO
from .formats.layout import ALL
from .formats.recognise import PENN_FUDAN
from .formats.voc import VOC
from .names import class_names
from .penn_fudan import PennFudanDetection
from .records import RecordDataset, Transforms
from .shapes import ShapesDetection
from .sources import SHAPES, layout_of
from .splits import SPLITS
from .voc import VOCDetection

CLASSES: dict[str, type[RecordDataset]] = {
    VOC.name: VOCDetection,
    COCO.name: CocoDetection,
    PENN_FUDAN.name: PennFudanDetection,
}  # formats with their own class


def collate(batch: Sequence[tuple[Tensor, dict[str, Any]]]) -> tuple[list[Tensor], list[dict[str, Any]]]:
    """For `DataLoader(collate_fn=collate)`: a list of images, which may differ in size, and a list of their targets."""
    images, targets = zip(*batch)
    return list(images), list(targets)


def open_dataset(
    source: str | Path,
    split: str,
    *,
    classes: Sequence[str] | None = None,
    images: str | Path | None = None,
    transforms: Transforms | None = None,
    strict: bool = False,
) -> ShapesDetection | RecordDataset:
    """Open the data set that `--data`, `--images` and `--split` mean on the command line.

    Args:
        source: "shapes", or a file or folder as an annotation tool exports it: Pascal VOC, COCO, YOLO, CSV tables, labelme,
            VGG Image Annotator, Label Studio, CVAT, or the folder PennFudanPed. The format is recognised from the
            files. A data set that comes without splits is divided: every fifth image is for "val", the others for
            "train".
        split: "train", "val" or "test"; or "all" for everything in a file, or in a data set that comes without splits.
        classes: the names of the labels, such as another data set's `classes`; a leading "background" may be omitted.
            By default the data set's own.
        images: the folder of the images, if they are not with the annotations.
        transforms: a function that maps (image, target) to both, changed.
        strict: whether to raise an error for files and objects that cannot be used, instead of leaving them out with a
            note. Repairs, and classes that were not asked for, do not count.

    Raises:
        ValueError: the source is none of these, or lacks the split or the classes; with `strict`, something would be
            left out.
    """
    if split not in (*SPLITS, ALL):
        raise ValueError(f"split must be one of {', '.join(SPLITS)}; got {split!r}")
    if str(source) == SHAPES:
        _same_classes(SHAPES, ShapesDetection.classes, classes)
        return ShapesDetection(split, transforms=transforms)
    layout = layout_of(source, images)
    part = layout.part(split)
    kind = CLASSES.get(layout.format.name, RecordDataset)
    if kind is PennFudanDetection:
        _same_classes(source, PennFudanDetection.classes, classes)
        classes = PennFudanDetection.classes
    return kind.of(source, layout.format, part, classes, transforms, strict)


def _same_classes(source: str | Path, own: Sequence[str], wanted: Sequence[str] | None) -> None:
    if wanted is not None and class_names(wanted) != tuple(own):
        raise ValueError(f"{source} has the classes {', '.join(own)}, not {', '.join(wanted)}")
