"""KITTI: a text file for each image, with type, truncation, occlusion, angle, and the box, a line for each object."""

from pathlib import Path

from ..findings import Findings
from .annotated import NO_CLASS_NAME, Item, Reading, class_name, is_number
from .layout import Format, Layout, Part
from .text_labels import REGION, TextLabels

WORDS = (15, 16)  # the box is four of them; detections have a score at the end
NAMELESS = "dontcare"  # regions in which objects are too far away, or too many, to be annotated


def recognise(path: Path) -> Layout | None:
    """A folder with label_2/ and image_2/, or labels/ and images/ as NVIDIA's TAO has them; otherwise None."""
    return LINES.recognise(path, KITTI)


def read(part: Part, findings: Findings) -> Reading:
    """The images of a folder of labels. Pixels are counted from 0, and corners are edges: nothing is added."""
    return LINES.read(part, findings)


def _is_object(line: str) -> bool:
    kind, *rest = line.split()
    return len(rest) + 1 in WORDS and not is_number(kind) and all(is_number(word) for word in rest)


def _item(line: str) -> Item:
    kind, *rest = line.split()
    if kind.lower() == NAMELESS:
        return REGION
    if not (name := class_name(kind)):
        return Item("", problem=NO_CLASS_NAME)
    if len(rest) + 1 not in WORDS:
        return Item(name, problem="boxes refused, line does not have 15 words")
    return Item(name, rest[3:7])


LINES = TextLabels(("label_2", "labels", "label"), ("image_2",), _is_object, _item)
KITTI = Format("KITTI", read)
