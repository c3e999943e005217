"""What the formats have in common: an image, and objects in it, as annotated."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import cos, hypot, sin
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..names import clean_name, folded, without_converted

if TYPE_CHECKING:
    from .finder import ImageFinder

# Findings that several readers share.
NO_FILE_NAME = "images left out, no file name"
NO_ANNOTATION = "images left out, no annotation"
NO_CLASS_NAME = "boxes refused, no class name"
NO_CLASS_OF_THAT_NUMBER = "boxes refused, no class with that number"
NOT_FOUR_NUMBERS = "boxes refused, not four numbers"
NO_AREA = "boxes refused, points and lines have no area"
FROM_OUTLINES = "boxes made from outlines"
FROM_MASKS = "boxes made from masks"


class Form(Enum):
    """The meaning of a box's four numbers in a format."""

    CORNERS = "x0, y0, x1, y1"
    SIDES = "x, y, width, height"
    SHARES = "x0, y0, x1, y1 as fractions of the image"


@dataclass(frozen=True)
class Item:
    """An object as annotated; nothing about it has been checked.

    Attributes:
        name: the name of its class.
        numbers: its box, four numbers as the format's `Form` says.
        ignore: whether it is a crowd or difficult, and so not counted.
        area: the area of its outline in pixels, if known.
        problem: why it cannot be used; empty if no reason is known.
        remark: how it was made into a box, if that was necessary.
    """

    name: str
    numbers: Sequence[Any] = ()
    ignore: bool = False
    area: float | None = None
    problem: str = ""
    remark: str = ""


@dataclass
class Annotated:
    """An image as annotations describe it.

    Attributes:
        name: the name of its file, as written there.
        items: its objects.
        path: the path of the file, if the reader knows it; otherwise it is looked for by the name.
        size: (width, height) in pixels for which the boxes were drawn, if recorded.
        form: the form of the items' numbers.
        from_one: whether pixels are counted from 1 and the last one lies inside, as Pascal VOC does.
        image_id: its number in the annotations, if it has one.
        problem: why it cannot be used; empty if no reason is known.
        where: its name in findings; by default the file's name.
    """

    name: str
    items: list[Item] = field(default_factory=list)
    path: Path | None = None
    size: tuple[int, int] | None = None
    form: Form = Form.CORNERS
    from_one: bool = False
    image_id: int | None = None
    problem: str = ""
    where: str = ""


@dataclass
class Reading:
    """The annotations of a part.

    Attributes:
        images: the annotated images, in a fixed order.
        classes: the names of labels 1, 2, …: all that the files name.
        finder: the finder for image files whose paths the reader does not know.
    """

    images: list[Annotated]
    classes: list[str]
    finder: "ImageFinder | None" = None


def without_annotation(images: Iterable[Path], named: Iterable[str]) -> list[Annotated]:
    """The images that no annotation names, to be left out.

    Args:
        named: the names of images in annotations, with or without the suffix, in any case and spelling of accents.
    """
    known = {folded(name) for name in named}
    others = [path for path in without_converted(images) if not {folded(path.name), folded(path.stem)} & known]
    return [Annotated(path.name, path=path, problem=NO_ANNOTATION) for path in others]


def class_name(text: str | None) -> str:
    """The name of a class, as `clean_name` has it; empty if there is none, or if it is not plain text."""
    try:
        return clean_name(text or "")
    except ValueError:
        return ""


def whole_sides(width: Any, height: Any) -> tuple[int, int] | None:
    """(width, height) as whole numbers; None if they are missing or make no sense. Some tools write 640.0, or "640"."""
    try:
        sides = number(width), number(height)
    except ValueError:
        return None
    return (int(sides[0]), int(sides[1])) if all(side >= 1 and side.is_integer() for side in sides) else None


def names_of(images: Iterable[Annotated]) -> list[str]:
    """The classes of all objects that can be used, sorted."""
    return sorted({item.name for image in images for item in image.items if not item.problem} - {"", "background"})


def number(value: Any) -> float:
    """A number, or text that is one.

    Raises:
        ValueError: it is neither, or larger than a float can be.
    """
    try:
        return float(value)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"expected a number; got {value!r:.40}") from error


def is_number(word: str) -> bool:
    """Whether `number` accepts a word."""
    try:
        number(word)
    except ValueError:
        return False
    return True


def around(points: Sequence[Sequence[Any]]) -> tuple[float, float, float, float]:
    """The box (x0, y0, x1, y1) around points (x, y).

    Raises:
        ValueError, TypeError: they are not points, or fewer than two.
    """
    if len(points) < 2:
        raise ValueError(f"a box needs at least two points; got {len(points)}")
    columns = [[number(point[axis]) for point in points] for axis in (0, 1)]
    return min(columns[0]), min(columns[1]), max(columns[0]), max(columns[1])


def ellipse_reach(rx: float, ry: float, angle: float) -> tuple[float, float]:
    """Half the width and half the height of the box around an ellipse that is rotated by an angle, in radians."""
    c, s = cos(angle), sin(angle)
    return hypot(rx * c, ry * s), hypot(rx * s, ry * c)


def polygon_area(points: Sequence[Sequence[Any]]) -> float:
    """The area that a polygon encloses (the shoelace formula)."""
    rows = [(number(point[0]), number(point[1])) for point in points]
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(rows, [*rows[1:], *rows[:1]]))) / 2
