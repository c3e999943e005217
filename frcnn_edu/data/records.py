"""What data sets of image files share: annotations checked once, when the data set is made, and one kind of item."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from .box_numbers import BoxNumbers
from .findings import Findings, in_words
from .formats.annotated import Annotated, Form, Item, Reading
from .formats.finder import ImageFinder
from .formats.layout import Format, Part
from .images import check_end, image_size, load_image
from .names import choose_classes, readable
from .splits import every_fifth
from .unreadable import ImageFileError

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

    def drop_repeated(self) -> int:
        """Take out objects that are there once more, of the same class with the same box; returns how many."""
        first: dict[tuple[Box, int], int] = {}
        for place, key in enumerate(zip(self.boxes, self.labels, strict=True)):
            first.setdefault(key, place)
        repeated = len(self.boxes) - len(first)
        if repeated:
            kept = list(first.values())
            self.boxes, self.labels = [self.boxes[i] for i in kept], [self.labels[i] for i in kept]
            self.area, self.iscrowd = [self.area[i] for i in kept], [self.iscrowd[i] for i in kept]
        return repeated

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
        spoken_of: all image files that the annotations speak of, those left out as well.
        box_numbers: what the boxes look like as they are written, for doubts about their format.

    An item is (image, target): the image float32 (3, H, W) in 0–1, the target a dict of `boxes` float32 (N, 4) xyxy in
    pixels, right and bottom edges exclusive; `labels` int64 (N,); `image_id` int; `area` float32 (N,), in pixels;
    `iscrowd` int64 (N,), where 1 means "to be ignored".

    Args:
        source: what to call it in messages.
        format, part: whose annotations to read, and which.
        classes: the names of the labels from 1 on, with or without a leading "background"; boxes of other classes are
            left out. By default all that the part speaks of.
        transforms: called with (image, target), returns both, changed.
        strict: stop at anything that has to be left out.

    Raises:
        ValueError: there is no image, or no object of a known class; with `strict`, an image or an object had to be left out.
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
        # What is wrong with a divided data set as a whole is told once, with the part for training.
        reading = format.read(part, findings if part.share != "val" else Findings())
        images = reading.images
        if part.share is not None:
            images = every_fifth(images, part.share, source, name=lambda image: image.name)
            if reading.images and not images:
                raise ValueError(
                    f"{source} has too few images to be divided: {len(reading.images)}, and none of them for {part.share}. "
                    "(To let a model learn one image by heart, save its annotations twice, as train and as val.)"
                )
            findings.note("images divided into train and val here, 80:20", Path(source).name, len(images))
        self.classes = choose_classes(source, reading.classes, classes, first_reason(images))
        located = locate(images, reading, findings)
        self.records, self.spoken_of = collect(located, self.classes, findings, self.box_numbers)
        if self.box_numbers.doubt() is not None:  # then cutting boxes at the edge is no repair
            for what in [what for what in findings.repaired if what.startswith("boxes clipped")]:
                findings.noted[what].update(findings.repaired.pop(what))
        self.findings, self.transforms = findings, transforms
        counts = f"{len(self.records)} images, {sum(len(record.boxes) for record in self.records)} boxes"
        self.summary = "; ".join(filter(None, (counts, findings.summary())))
        if strict and findings.left_out:
            raise ValueError(f"{source}: strict allows nothing to be left out; there are {in_words(findings.left_out)}")
        if not self.records:
            raise ValueError(f"{source} has no image to use: {_why_none(images, reading.finder, self.summary)}")

    @classmethod
    def of(cls, *arguments: Any) -> "RecordDataset":
        """A data set of this class by the arguments of `RecordDataset`, whatever those of its own constructor are."""
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


def _why_none(images: Sequence[Annotated], finder: ImageFinder | None, summary: str) -> str:
    sought = [image.name for image in images if not image.problem and image.path is None]
    if finder is None or not sought or any(finder.as_written(name) or finder.by_name(name) for name in sought):
        return summary
    return (
        f"none of the {len(sought)} files was found; {readable(sought[0])}, for one, was sought in {finder.looked_in()}. "
        "--images FOLDER says where they are"
    )


def first_reason(images: Sequence[Annotated]) -> str:
    """The first of what the annotations themselves say against their images and objects; empty where they say nothing."""
    problems = ((image.problem or item.problem) for image in images for item in [*image.items, Item("")])
    return next(filter(None, problems), "")


def locate(images: Sequence[Annotated], reading: Reading, findings: Findings) -> list[tuple[Annotated, Path | None]]:
    """Each image with its file, if it has one; notes on the others.

    A file that an annotation names as it is, is that annotation's: no other one gets it because its own is missing.
    """
    finder = reading.finder
    exact = {
        image.name: image.path or (finder.as_written(image.name) if finder is not None else None)
        for image in reading.images
    }
    taken = {path for path in exact.values() if path is not None}
    located: list[tuple[Annotated, Path | None]] = []
    searched: set[Path] = set()
    for image in images:
        path = exact[image.name]
        if path is None and finder is not None and not image.problem:
            path = finder.find(image.name, findings, taken)
            if path in searched:
                findings.leave_out("images left out, their file is another one's", image.name)
                path = None
            elif path is not None:
                searched.add(path)
        located.append((image, path))
    return located


def collect(
    images: Sequence[tuple[Annotated, Path | None]],
    classes: tuple[str, ...],
    findings: Findings,
    box_numbers: BoxNumbers,
) -> tuple[list[Record], set[Path]]:
    """The images that can be used, with those of their objects that can be, and all image files; notes on the others.

    An image that is listed several times, under several ids, is one image with the objects of all.
    """
    records: list[Record] = []
    known: dict[Path, Record] = {}
    files: set[Path] = set()
    for image, path in images:
        where = image.where or image.name
        if path is not None:
            files.add(path)
        if image.problem:
            findings.leave_out(image.problem, where)
            continue
        if path is None or (frame := find_frame(path, image.size, findings)) is None:
            continue
        size, upright = frame
        if path in known:
            findings.repair("images listed several times, taken as one", path.name)
        else:
            records.append(Record(path, len(records) if image.image_id is None else image.image_id, upright))
        record = known.setdefault(path, records[-1])
        for item in image.items:
            box_numbers.add(item.numbers, image.form, size)
            add_item(record, item, image, size, classes, findings)
    for record in records:
        if repeated := record.drop_repeated():
            findings.leave_out("objects annotated twice, used once", record.path.name, repeated)
    return records, files


def add_item(
    record: Record,
    item: Item,
    image: Annotated,
    size: tuple[int, int],
    classes: tuple[str, ...],
    findings: Findings,
) -> None:
    """Append an object, if it can be used, to the record of its image, which has the given (width, height)."""
    where = image.where or record.path.name
    if item.problem or item.name in ("", "background"):
        what = item.problem or f"boxes refused, {'the class is background' if item.name else 'no class name'}"
        findings.leave_out(what, where)
        return
    if item.name not in classes:
        findings.note("boxes of other classes left out", item.name)
        return
    try:
        corners = corners_of([float(number) for number in item.numbers], image.form, size)
    except (TypeError, ValueError, OverflowError):
        findings.leave_out("boxes refused, not four numbers", where)
        return
    if (ordered := order_corners(corners, findings, where)) is None:
        return
    if image.from_one:
        ordered = ordered[0] - 1, ordered[1] - 1, *ordered[2:]
    if (box := clip_box(ordered, size, findings, where)) is None:
        return
    if item.remark:
        findings.repair(item.remark, where)
    # No outline is larger than its image.
    usable = item.area is not None and 0 < item.area <= size[0] * size[1]
    record.add(box, classes.index(item.name), item.ignore, item.area if usable else None)


def corners_of(numbers: Sequence[float], form: Form, size: tuple[int, int]) -> Box:
    """Four numbers as x0, y0, x1, y1 in pixels of an image of the given (width, height)."""
    a, b, c, d = numbers
    width, height = size
    match form:
        case Form.SIDES:
            return a, b, a + c, b + d
        case Form.SHARES:
            return a * width, b * height, c * width, d * height
    return a, b, c, d


def find_frame(
    path: Path, annotated: tuple[int, int] | None, findings: Findings
) -> tuple[tuple[int, int], bool] | None:
    """The (width, height) an image's boxes refer to, and whether that is the image turned upright.

    Some annotation tools show photographs as stored and some turn them as their EXIF orientation says; the size they
    wrote down, `annotated`, tells which. None, with a note, where it fits neither, or the image cannot be read to its end.
    """
    try:
        upright, stored = image_size(path), image_size(path, upright=False)
        check_end(path)
    except ImageFileError as error:
        findings.leave_out(f"images left out, {error.reason}", path.name)
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
