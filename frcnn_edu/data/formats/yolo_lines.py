"""The lines of YOLO's labels: boxes, outlines, or boxes with key points, which look alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from .annotated import FROM_OUTLINES, NO_CLASS_OF_THAT_NUMBER, Item, around, number

INSIDE = 0.02  # how far a key point may be outside its box, as a share of the image
MIDDLE = 0.6  # how far the centre of key points may be from that of their box, as a share of half a side
CLEAR = 0.3  # share of lines that must rule out an outline: next to no outline does, but a fifth of the triangles
FEWEST = 3  # lines needed to decide


@dataclass(frozen=True)
class Line:
    """The class number of a line and the numbers after it."""

    label: float
    numbers: tuple[float, ...]


def line_of(text: str) -> Line | None:
    """A line in numbers; None if there is something else in it."""
    try:
        label, *numbers = [number(word) for word in text.split()]
    except ValueError:
        return None
    return Line(label, tuple(numbers))


def item_of(line: Line | None, names: Sequence[str], key_points: int) -> Item:
    """A line as an object: class, then centre, width and height, and any key points; or the points of an outline.

    Args:
        names: the names of the classes.
        key_points: how many numbers follow each box.
    """
    if line is None:
        return Item("", problem="boxes refused, not numbers")
    if not (line.label.is_integer() and 0 <= line.label < len(names)):
        return Item("", problem=NO_CLASS_OF_THAT_NUMBER)
    name, numbers = names[int(line.label)], line.numbers
    if len(numbers) in (4, 4 + key_points):
        return Item(name, _corners(numbers))
    if key_points:
        return Item(name, problem="boxes refused, not as many key points as others have")
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        return Item(name, around(_points(numbers)), remark=FROM_OUTLINES)
    return Item(name, problem="boxes refused, neither four numbers nor an outline")


def key_points_in(lines: Sequence[Line | None]) -> int | None:
    """How many numbers follow each box, judging by the lines of all labels: 0 if they are not key points.

    All lines have the same number of key points, and these are in their boxes. If each has a third number, that is 0, 1
    or 2. Otherwise outlines may look the same by chance. But the second point of an outline is near its others, whereas
    that of a box is width and height; and the first one is a corner, whereas that of a box is the centre.

    Returns:
        The count; None if both would fit.
    """
    longer = [line.numbers for line in lines if line is not None and len(line.numbers) > 4]
    lengths = {len(numbers) for numbers in longer}
    count = lengths.pop() - 4 if len(lengths) == 1 else 0
    if count >= 3 and count % 3 == 0 and all(_fits(numbers, 3) for numbers in longer):
        return count
    if count < 2 or count % 2 or not all(_fits(numbers, 2) for numbers in longer):
        return 0
    clear = sum(_second_point_is_apart(numbers) or _first_point_is_central(numbers) for numbers in longer)
    return count if clear >= CLEAR * len(longer) and len(longer) >= FEWEST else None


def _fits(numbers: Sequence[float], each: int) -> bool:
    """Whether a line may be a box in the image with key points of two or three numbers in it; 0 0 is a hidden one."""
    x0, y0, x1, y1 = _corners(numbers)
    if not (min(numbers[2:4]) > 0 and min(x0, y0) >= -INSIDE and max(x1, y1) <= 1 + INSIDE):
        return False
    rest = numbers[4:]
    if each == 3 and not {*rest[2::3]} <= {0, 1, 2}:
        return False
    return all(
        (x == 0 and y == 0) or (x0 - INSIDE <= x <= x1 + INSIDE and y0 - INSIDE <= y <= y1 + INSIDE)
        for x, y in zip(rest[::each], rest[1::each], strict=True)
    )


def _second_point_is_apart(numbers: Sequence[float]) -> bool:
    """Whether the second point of what would be an outline is further from the others than those are from each other."""
    first, (x, y), *rest = _points(numbers)
    others = [first, *(point for point in rest if point != (0, 0))]
    if len(others) < 2:
        return True
    x0, y0, x1, y1 = around(others)
    reach = max(x1 - x0, y1 - y0)
    return not (x0 - reach <= x <= x1 + reach and y0 - reach <= y <= y1 + reach)


def _first_point_is_central(numbers: Sequence[float]) -> bool:
    """Whether the first point of what would be an outline is in the middle of those after the second one."""
    first, _, *rest = _points(numbers)
    if len(seen := [point for point in rest if point != (0, 0)]) < 2:
        return False
    x0, y0, x1, y1 = around(seen)
    off = [abs(2 * value - low - high) / (high - low or 1e-9) for value, low, high in zip(first, (x0, y0), (x1, y1))]
    return max(off) < MIDDLE


def _corners(numbers: Sequence[float]) -> tuple[float, float, float, float]:
    x, y, width, height = numbers[:4]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _points(numbers: Sequence[float]) -> list[tuple[float, float]]:
    return [*zip(numbers[::2], numbers[1::2], strict=True)]
