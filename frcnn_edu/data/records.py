"""What data sets of image files share: annotations checked once, when the data set is made, and one kind of item."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from .findings import Findings, in_words
from .images import check_end, image_size, load_image

MIN_SIDE = 0.1  # pixels; float32 could turn a thinner box into one of no width
Box = tuple[float, float, float, float]
Transforms = Callable[[Tensor, dict[str, Any]], tuple[Tensor, dict[str, Any]]]


@dataclass
class Record:
    """An image file and its objects."""

    path: Path
    image_id: int
    upright: bool  # whether to turn it as its EXIF orientation says
    boxes: list[Box] = field(default_factory=list)  # xyxy in pixels
    labels: list[int] = field(default_factory=list)
    area: list[float] = field(default_factory=list)
    iscrowd: list[int] = field(default_factory=list)

    def add(self, box: Box, label: int, ignore: bool, area: float | None = None) -> None:
        """Append an object; `area` is the box's unless given."""
        self.boxes.append(box)
        self.labels.append(label)
        self.iscrowd.append(int(ignore))
        self.area.append((box[2] - box[0]) * (box[3] - box[1]) if area is None else area)


class RecordDataset(Dataset[tuple[Tensor, dict[str, Any]]]):
    """A data set of image files whose annotations are in memory; the base of the file formats.

    Attributes:
        classes: the names of the labels; label 0 is "background".
        records: one for each image, in the order of the indices.
        findings: what was left out or repaired, and where.
        summary: one line on how much there is, and on the findings.

    An item is (image, target): the image float32 (3, H, W) in 0–1, the target a dict of `boxes` float32 (N, 4) xyxy in
    pixels, right and bottom edges exclusive; `labels` int64 (N,); `image_id` int; `area` float32 (N,), in pixels;
    `iscrowd` int64 (N,), where 1 means "to be ignored".

    Raises:
        ValueError: there is no image; with `strict`, an image or an object had to be left out.
    """

    def __init__(
        self,
        source: str | Path,
        classes: tuple[str, ...],
        records: list[Record],
        findings: Findings,
        transforms: Transforms | None,
        strict: bool = False,
    ) -> None:
        self.classes, self.records, self.findings, self.transforms = classes, records, findings, transforms
        counts = f"{len(records)} images, {sum(len(record.boxes) for record in records)} boxes"
        self.summary = "; ".join(filter(None, (counts, findings.summary())))
        if strict and findings.left_out:
            raise ValueError(f"{source}: strict allows nothing to be left out; there are {in_words(findings.left_out)}")
        if not records:
            raise ValueError(f"{source} has no image to use: {self.summary}")

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        record = self.records[index]
        image = load_image(record.path, record.upright)
        target = {
            "boxes": torch.tensor(record.boxes, dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor(record.labels, dtype=torch.int64),
            "image_id": record.image_id,
            "area": torch.tensor(record.area, dtype=torch.float32),
            "iscrowd": torch.tensor(record.iscrowd, dtype=torch.int64),
        }
        return (image, target) if self.transforms is None else self.transforms(image, target)


def find_frame(
    path: Path, annotated: tuple[int, int] | None, findings: Findings
) -> tuple[tuple[int, int], bool] | None:
    """The (width, height) an image's boxes refer to, and whether that is the image turned upright.

    Some annotation tools show photographs as stored and some turn them as their EXIF orientation says; the size they
    wrote down, `annotated`, tells which. None, with a note, where it fits neither, or the image cannot be read to its end.
    """
    try:
        upright, stored = image_size(path), image_size(path, upright=False)
    except ValueError:
        findings.leave_out("images left out, unreadable", path.name)
        return None
    try:
        check_end(path)
    except ValueError:
        findings.leave_out("images left out, the file ends too soon", path.name)
        return None
    if annotated is None or annotated == upright:
        return upright, True
    if annotated == stored:
        findings.repair("images kept as stored, since they were annotated so", path.name)
        return stored, False
    findings.leave_out("images left out, not of the annotated size", path.name)
    return None


def order_corners(box: Sequence[float], findings: Findings, where: str) -> Box | None:
    """A box (x0, y0, x1, y1) with x0 < x1 and y0 < y1, swapped if need be; None, with a note, if it has no area."""
    if not all(math.isfinite(coordinate) for coordinate in box):
        findings.leave_out("boxes refused, not finite", where)
        return None
    x0, x1 = sorted((float(box[0]), float(box[2])))
    y0, y1 = sorted((float(box[1]), float(box[3])))
    if min(x1 - x0, y1 - y0) < MIN_SIDE:
        findings.leave_out("boxes refused, zero area", where)
        return None
    if (x0, y0) != (box[0], box[1]):
        findings.repair("boxes put right, swapped corners", where)
    return x0, y0, x1, y1


def clip_box(box: Box, size: tuple[int, int], findings: Findings, where: str) -> Box | None:
    """A box clipped to an image of the given (width, height); None, with a note, where next to nothing is left."""
    width, height = size
    clipped = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(width)), min(box[3], float(height)))
    if min(clipped[2] - clipped[0], clipped[3] - clipped[1]) < MIN_SIDE:
        findings.leave_out("boxes refused, no area inside the image", where)
        return None
    if clipped != box:
        overhang = max(abs(new - old) for new, old in zip(clipped, box))
        findings.repair(f"boxes clipped to the image{', up to a pixel' if overhang <= 1 else ''}", where)
    return clipped
