"""Turn images and objects as annotated into those that can be used, with notes on all others."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .box_numbers import BoxNumbers
from .findings import Findings
from .formats.annotated import Annotated, Form, Item
from .images import check_end, image_size
from .unreadable import ImageFileError

MIN_SIDE = 0.1  # pixels; float32 could round a thinner box to zero width
Box = tuple[float, float, float, float]


@dataclass
class Record:
    """An image file and its objects."""

    path: Path
    image_id: int
    upright: bool  # whether to rotate it as its EXIF orientation says
    boxes: list[Box] = field(default_factory=list)  # xyxy in pixels
    labels: list[int] = field(default_factory=list)
    area: list[float] = field(default_factory=list)
    iscrowd: list[int] = field(default_factory=list)
    refused: int = 0  # annotated objects that cannot be used
    size: tuple[int, int] = (1, 1)  # (width, height) in pixels, as the boxes refer to it

    def drop_repeated(self) -> int:
        """Remove duplicates (objects of the same class with the same box) and return how many there were."""
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


def collect(
    images: Sequence[tuple[Annotated, Path | None]],
    classes: tuple[str, ...],
    findings: Findings,
    box_numbers: BoxNumbers,
) -> tuple[list[Record], set[Path]]:
    """Return the usable images with their usable objects, and all image files; note the others.

    An image that is listed several times, even under several ids, becomes one image with all their objects.
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
            findings.repair("images listed several times, merged into one", path.name)
        else:
            number = len(records) if image.image_id is None else image.image_id
            records.append(Record(path, number, upright, size=size))
        record = known.setdefault(path, records[-1])
        for item in image.items:
            box_numbers.add(item.numbers, image.form, size)
            record.refused += not add_item(record, item, image, size, classes, findings)
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
) -> bool:
    """Append an object to the record of its image of the given (width, height); return False if it cannot be used.

    An object of the background, or of a class that was not asked for, is left out but does not count as unusable.
    """
    where = image.where or record.path.name
    if item.problem or item.name in ("", "background"):
        what = item.problem or f"boxes refused, {'the class is background' if item.name else 'no class name'}"
        findings.leave_out(what, where)
        return item.name == "background"
    if item.name not in classes:
        findings.note("boxes of other classes left out", item.name)
        return True
    try:
        corners = corners_of([float(number) for number in item.numbers], image.form, size)
    except (TypeError, ValueError, OverflowError):
        findings.leave_out("boxes refused, not four numbers", where)
        return False
    if (ordered := order_corners(corners, findings, where)) is None:
        return False
    if image.from_one:
        ordered = ordered[0] - 1, ordered[1] - 1, *ordered[2:]
    if (box := clip_box(ordered, size, findings, where)) is None:
        return False
    if item.remark:
        findings.repair(item.remark, where)
    # No outline is larger than its image.
    usable = item.area is not None and 0 < item.area <= size[0] * size[1]
    record.add(box, classes.index(item.name), item.ignore, item.area if usable else None)
    return True


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
    """Return the (width, height) that an image's boxes refer to, and whether that is the upright image.

    Some annotation tools show photographs as stored and some rotate them as their EXIF orientation says; the size that
    they recorded, `annotated`, shows which. None, with a note, if it fits neither, or if the image cannot be read to
    its end.
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
        findings.repair("images not rotated, because they were annotated as stored", path.name)
        return stored, False
    findings.leave_out("images left out, of a different size than annotated", path.name)
    return None


def order_corners(box: Sequence[float], findings: Findings, where: str) -> Box | None:
    """A box (x0, y0, x1, y1) with x0 < x1 and y0 < y1, swapped if necessary; None, with a note, if it has no area."""
    if not all(math.isfinite(coordinate) for coordinate in box):
        findings.leave_out("boxes refused, not finite", where)
        return None
    x0, x1 = sorted((float(box[0]), float(box[2])))
    y0, y1 = sorted((float(box[1]), float(box[3])))
    if min(x1 - x0, y1 - y0) < MIN_SIDE:
        findings.leave_out("boxes refused, zero area", where)
        return None
    if (x0, y0) != (box[0], box[1]):
        findings.repair("boxes corrected, swapped corners", where)
    return x0, y0, x1, y1


def clip_box(box: Box, size: tuple[int, int], findings: Findings, where: str) -> Box | None:
    """A box clipped to an image of the given (width, height); None, with a note, if next to nothing is left."""
    width, height = size
    clipped = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(width)), min(box[3], float(height)))
    if min(clipped[2] - clipped[0], clipped[3] - clipped[1]) < MIN_SIDE:
        findings.leave_out("boxes refused, no area inside the image", where)
        return None
    if clipped != box:
        overhang = max(abs(new - old) for new, old in zip(clipped, box))
        findings.repair(f"boxes clipped to the image{', by up to a pixel' if overhang <= 1 else ''}", where)
    return clipped
