"""What data sets of image files share: annotations checked once, when the data set is made, and one kind of item."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from .box_numbers import BoxNumbers
from .collecting import collect
from .findings import Findings, in_words
from .formats.annotated import Annotated, Item
from .formats.finder import ImageFinder
from .formats.layout import Format, Part
from .images import load_image
from .locating import locate
from .names import choose_classes, counted, readable
from .splits import every_fifth

Transforms = Callable[[Tensor, dict[str, Any]], tuple[Tensor, dict[str, Any]]]


class TooFewImagesError(ValueError):
    """A data set of one image cannot be divided: that image is for "val", and none is left for "train"."""


class RecordDataset(Dataset[tuple[Tensor, dict[str, Any]]]):
    """A data set of image files whose annotations are in memory; the base of the file formats.

    Attributes:
        classes: the names of the labels; label 0 is "background".
        records: one for each image, in the order of the indices.
        findings: what was left out or repaired, and where.
        spoken_of: all image files that the annotations name, including those left out.
        box_numbers: counts of the boxes as written, for doubts about their format.

    An item is (image, target): the image float32 (3, H, W) in 0–1, the target a dict of `boxes` float32 (N, 4) xyxy in
    pixels, right and bottom edges exclusive; `labels` int64 (N,); `image_id` int; `area` float32 (N,), in pixels;
    `iscrowd` int64 (N,), where 1 means "to be ignored". An image that is damaged in the middle, or was deleted since,
    raises an `ImageFileError` (a ValueError) that names it; `train` and `evaluate` continue without such images.

    Args:
        source: its name in messages.
        format, part: the annotation format, and the part to read.
        classes: the names of the labels from 1 on, with or without a leading "background"; boxes of other classes are
            left out. By default all that the part names.
        transforms: a function that maps (image, target) to both, changed.
        strict: whether to raise an error if anything has to be left out.

    Raises:
        TooFewImagesError: a ValueError; the data set has to be divided, but has one image.
        ValueError: it has to be divided, but all its images are copies of one; there is no image, or no object of a
            known class; with `strict`, an image or an object had to be left out.
    """

    def __init__(
        self,
        source: str | Path,
        format: Format,
        part: Part,
        classes: Sequence[str] | None = None,
        transforms: Transforms | None = None,
        strict: bool = False,
    ) -> None:
        findings, self.box_numbers = Findings(), BoxNumbers()
        # What is wrong with a divided data set as a whole is reported once, with the training part.
        reading = format.read(part, findings if part.share != "val" else Findings())
        images = reading.images
        if part.share is not None:
            images = every_fifth(images, part.share, source, name=lambda image: image.name)
            if reading.images and not images:
                raise _cannot_divide(source, [image.name for image in reading.images], part.share)
            findings.note("images divided into train and val here, 80:20", Path(source).name, len(images))
        self.classes = choose_classes(source, reading.classes, classes, first_reason(images))
        located = locate(images, reading, findings, part.within)
        self.records, self.spoken_of = collect(located, self.classes, findings, self.box_numbers)
        if self.box_numbers.doubt() is not None:  # then clipping boxes is not a repair
            for what in [what for what in findings.repaired if what.startswith("boxes clipped")]:
                findings.noted[what].update(findings.repaired.pop(what))
        self.findings, self.transforms = findings, transforms
        if strict and findings.left_out:
            raise ValueError(f"{source}: with strict, nothing may be left out; found {in_words(findings.left_out)}")
        if not self.records:
            raise ValueError(f"{source} has no usable image: {_why_none(images, reading.finder, self.summary)}")

    @property
    def summary(self) -> str:
        """One line with the number of images and boxes, and the findings."""
        boxes = sum(len(record.boxes) for record in self.records)
        counts = f"{counted(len(self.records), 'image')}, {counted(boxes, 'box')}"
        return "; ".join(filter(None, (counts, self.findings.summary())))

    def leave_out_thin(self, longest: int) -> None:
        """Leave out images of which nothing is left after resizing to a longer side of at most `longest` pixels.

        Raises:
            ValueError: no image is left.
        """
        thin = [record for record in self.records if min(record.size) * longest < max(record.size)]
        for record in thin:
            self.findings.leave_out("images left out, too thin for the model", record.path.name)
        self.records = [record for record in self.records if record not in thin]
        if not self.records:
            raise ValueError(f"no image can be used: {self.summary}")

    @classmethod
    def of(cls, *arguments: Any) -> "RecordDataset":
        """Make a data set of this class from the arguments of `RecordDataset`, whatever its own constructor takes."""
        dataset = cls.__new__(cls)
        RecordDataset.__init__(dataset, *arguments)
        return dataset

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


def _cannot_divide(source: str | Path, names: Sequence[str], share: str) -> ValueError:
    """The error for a data set that has images, but none for a share: it has one, or all count as one."""
    advice = "(To overfit a model to one image, save its annotations twice, as train and as val.)"
    if len(names) == 1:
        return TooFewImagesError(f"{source} has only 1 image, too few to divide: none is left for {share}. {advice}")
    some = ", ".join(map(readable, names[:2])) + (", …" if len(names) > 2 else "")
    return ValueError(
        f"{source} cannot be divided: all {len(names):,} images are copies of one ({some}): nothing is left for {share}. "
        f"{advice}"
    )


def _why_none(images: Sequence[Annotated], finder: ImageFinder | None, summary: str) -> str:
    sought = [image.name for image in images if not image.problem and image.path is None]
    if finder is None or not sought or any(finder.as_written(name) or finder.by_name(name) for name in sought):
        return summary
    return (
        f"none of the {len(sought)} files was found; {readable(sought[0])}, for example, was looked for in "
        f"{finder.looked_in()}. "
        "Name their folder with --images FOLDER"
    )


def first_reason(images: Sequence[Annotated]) -> str:
    """The first problem that the reader noted for the images and objects; empty if there is none."""
    problems = ((image.problem or item.problem) for image in images for item in [*image.items, Item("")])
    return next(filter(None, problems), "")
