"""What the formats have in common: an image, and objects in it, as an annotation has them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import cos, hypot, sin
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..names import clean_name, folded, without_converted

if TYPE_CHECKING:
    from .finder import ImageFinder

# Findings that readers of several formats have.
NO_FILE_NAME = "images left out, without a file name"
NO_ANNOTATION = "images left out, no annotation"
NO_CLASS_NAME = "boxes refused, no class name"
NO_CLASS_OF_THAT_NUMBER = "boxes refused, no class of that number"
NOT_FOUR_NUMBERS = "boxes refused, not four numbers"
NO_AREA = "boxes refused, points and lines have no area"
FROM_OUTLINES = "boxes made from outlines"
FROM_MASKS = "boxes made from masks"


class Form(Enum):
    """What the four numbers of a box are, as the format defines it."""

    CORNERS = "x0, y0, x1, y1"
    SIDES = "x, y, width, height"
    SHARES = "x0, y0, x1, y1 as fractions of the image"


@dataclass(frozen=True)
class Item:
    """An object as an annotation has it; nothing about it has been checked.

    Attributes:
        name: of the class.
        numbers: four of them, as the format's `Form` says.
        ignore: whether it is a crowd, or difficult: not to be counted.
        area: of its outline in pixels, where that is known.
        problem: why it cannot be used; empty where nothing is known against it.
        remark: what was done to make a box of it, if anything.
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
        name: of its file, as it is written there.
        items: its objects.
        path: of the file, where the reader knows it; else it is looked for by the name.
        size: (width, height) in pixels for which the boxes were drawn, where that is written down.
        form: of the items' numbers.
        from_one: whether pixels are counted from 1 and the last one lies inside, as Pascal VOC does.
        image_id: its number in the annotations, where it has one.
        problem: why it cannot be used; empty where nothing is known against it.
        where: what to call it in findings; by default the file's name.
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
    """What the annotations of a part say.

    Attributes:
        images: in a fixed order.
        classes: the names of labels 1, 2, …, of all that the files name.
        finder: where to look for the image files whose paths the reader does not know.
    """

    images: list[Annotated]
    classes: list[str]
    finder: "ImageFinder | None" = None


def without_annotation(images: Iterable[Path], named: Iterable[str]) -> list[Annotated]:
    """Those images that no annotation names, to be left out.

    Args:
        named: what annotations call their images, with the suffix or without, in any case and in either writing of accents.
    """
    known = {folded(name) for name in named}
    others = [path for path in without_converted(images) if not {folded(path.name), folded(path.stem)} & known]
    return [Annotated(path.name, path=path, problem=NO_ANNOTATION) for path in others]


def class_name(text: str | None) -> str:
    """The name of a class, as `clean_name` has it; empty where there is none, or one that cannot be written down."""
    try:
        return clean_name(text or "")
    except ValueError:
        return ""


def whole_sides(width: Any, height: Any) -> tuple[int, int] | None:
    """(width, height) as whole numbers; None where they are missing or make no sense. Some tools write 640.0, or "640"."""
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
    """Whether `number` takes a word."""
    try:
        number(word)
    except ValueError:
        return False
    return True


def around(points: Sequence[Sequence[Any]]) -> tuple[float, float, float, float]:
    """The box (x0, y0, x1, y1) around points (x, y).

    Raises:
        ValueError, TypeError: they are no points, or fewer than two.
    """
    if len(points) < 2:
        raise ValueError(f"a box needs two points or more; got {len(points)}")
    columns = [[number(point[axis]) for point in points] for axis in (0, 1)]
    return min(columns[0]), min(columns[1]), max(columns[0]), max(columns[1])


def ellipse_reach(rx: float, ry: float, angle: float) -> tuple[float, float]:
    """Half the width and half the height of the box around an ellipse that is turned by an angle, in radians."""
    c, s = cos(angle), sin(angle)
    return hypot(rx * c, ry * s), hypot(rx * s, ry * c)


def polygon_area(points: Sequence[Sequence[Any]]) -> float:
    """The area that a polygon encloses (the shoelace formula)."""
    rows = [(number(point[0]), number(point[1])) for point in points]
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(rows, [*rows[1:], *rows[:1]]))) / 2
