"""VisDrone: a text file for each image, one line per object: x, y, width, height, score, class and two more numbers."""

from pathlib import Path

from ..findings import Findings
from .annotated import NO_CLASS_OF_THAT_NUMBER, Item, Reading, number
from .layout import Format, Layout, Part
from .text_labels import REGION, TextLabels

NAMES = (
    "ignored regions", "pedestrian", "people", "bicycle", "car", "van", "truck", "tricycle", "awning-tricycle", "bus",
    "motor", "others",
)  # fmt: skip


def recognise(path: Path) -> Layout | None:
    """A folder with annotations/ and images/; otherwise None."""
    return LINES.recognise(path, VISDRONE)


def read(part: Part, findings: Findings) -> Reading:
    """The images of a folder of labels. What its benchmark does not count (class or score 0) is to be ignored."""
    return LINES.read(part, findings)


def _words(line: str) -> list[str]:
    return line.rstrip(", ").split(",")  # some files end their lines with a comma


def _is_object(line: str) -> bool:
    words = [word.strip() for word in _words(line)]
    if len(words) != 8 or not all(word.isascii() and word.lstrip("-").isdecimal() for word in words):
        return False
    return words[4] in ("0", "1") and 0 <= int(words[5]) < len(NAMES)


def _item(line: str) -> Item:
    try:
        x, y, width, height, score, kind = (number(word) for word in _words(line)[:6])
    except ValueError:
        return Item("", problem="boxes refused, not eight numbers")
    if not (kind.is_integer() and 0 <= kind < len(NAMES)):
        return Item("", problem=NO_CLASS_OF_THAT_NUMBER)
    if kind == 0 or score == 0:
        return REGION
    return Item(NAMES[int(kind)], (x, y, x + width, y + height))


LINES = TextLabels(("annotations",), ("images",), _is_object, _item)
VISDRONE = Format("VisDrone", read)
