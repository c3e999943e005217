"""CreateML: Apple's json, a list of images with boxes around their centres. Roboflow and RectLabel also write it."""

import re
from pathlib import Path
from typing import Any

from ..findings import Findings
from ..names import clean_name
from .annotated import NO_CLASS_NAME, NO_FILE_NAME, Annotated, Item, Reading, names_of, number
from .finder import finder_for
from .json_files import HEAD, beginning, json_kind, read_json
from .layout import Format, Layout, Part
from .single_files import recognise_files

IMAGE_KEYS = ("image", "imagefilename")
LIST_KEYS = ("annotations", "annotation")  # Apple's documentation has the second
_LOOK = re.compile(r'"coordinates"\s*:\s*\{[^{}]*"(?:x|y|width|height)"\s*:')


def recognise(path: Path) -> Layout | None:
    """A json file of CreateML, or a folder with one, or with one for each split; otherwise None."""
    return recognise_files(path, CREATEML, ".json", _is_createml)


def _is_createml(file: Path) -> bool:
    if json_kind(file) not in (None, "label_studio"):
        return False
    head = beginning(file, HEAD)
    return head.startswith("[") and any(f'"{key}"' in head for key in IMAGE_KEYS) and bool(_LOOK.search(head))


def read(part: Part, findings: Findings) -> Reading:
    """The images of a file. Coordinates are pixels: the file has no way to declare fractions."""
    content = read_json(part.annotations)
    if not isinstance(content, list):
        raise ValueError(f"{part.annotations} is not CreateML json: it is not a list of images")
    images = [_annotated(entry, i) for i, entry in enumerate(content)]
    for image in images:
        # Some tools write the upper left corner. Taken as the centre, it puts boxes near the edge outside the image.
        if outside := sum(not item.problem and min(item.numbers[:2]) < -1 for item in image.items):
            findings.note(
                "boxes that begin outside the image: x and y may be a corner, not the centre", image.name, outside
            )
    return Reading(images, names_of(images), finder_for(part.annotations, part.images))


def _annotated(entry: Any, i: int) -> Annotated:
    entry = entry if isinstance(entry, dict) else {}
    names = [entry[key] for key in IMAGE_KEYS if isinstance(entry.get(key), str) and entry[key]]
    if not names:
        return Annotated(f"entry {i}", problem=NO_FILE_NAME)
    lists = [entry[key] for key in LIST_KEYS if key in entry]
    if lists and not isinstance(lists[0], list):
        return Annotated(names[0], problem="images left out, annotations are not a list")
    return Annotated(names[0], [_item(each) for each in (lists[0] if lists else [])])


def _item(annotation: Any) -> Item:
    try:
        name = clean_name(str(annotation["label"] or ""))
        if not name:
            return Item("", problem=NO_CLASS_NAME)
        x, y, width, height = (number(annotation["coordinates"][key]) for key in ("x", "y", "width", "height"))
    except (KeyError, TypeError, ValueError, IndexError):
        return Item("", problem="boxes refused, not a label with four numbers")
    return Item(name, (x - width / 2, y - height / 2, x + width / 2, y + height / 2))


CREATEML = Format("CreateML", read)
