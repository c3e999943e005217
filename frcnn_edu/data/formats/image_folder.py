"""Hugging Face's image folders: metadata.jsonl beside the images, with a line of json for each of them."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

from ..findings import Findings
from ..splits import split_of
from .annotated import (
    NO_CLASS_NAME,
    NO_CLASS_OF_THAT_NUMBER,
    NO_FILE_NAME,
    NOT_FOUR_NUMBERS,
    Annotated,
    Form,
    Item,
    Reading,
    class_name,
    names_of,
    whole_sides,
)
from .finder import finder_for
from .layout import Format, Layout, Part
from .single_files import recognise_files
from .texts import encoding_of, text_of
from .yolo_files import find_names, read_names

BOX_KEYS = ("bbox", "bboxes", "boxes")
CLASS_KEYS = ("categories", "category", "category_id", "labels", "label", "class", "classes")


def recognise(path: Path) -> Layout | None:
    """A metadata.jsonl with boxes, or a folder with one; otherwise None."""
    return recognise_files(path, IMAGE_FOLDER, ".jsonl", _is_metadata)


def _is_metadata(file: Path) -> bool:
    """Whether one of the first lines describes an image and its objects."""
    try:
        with open(file, encoding=encoding_of(file)) as lines:
            return any({"file_name", "objects"} <= {*_entry(line)} for line in islice(lines, 20))
    except (OSError, ValueError):
        return False


def _entry(line: str) -> dict[str, Any]:
    """The object of a line; an empty one if it is not json."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def read(part: Part, findings: Findings) -> Reading:
    """The image of each line. Boxes are x, y, width, height, as in COCO. Classes are numbers or names; the names of
    numbers are taken from classes.txt beside the file; otherwise the numbers are the names."""
    file = part.annotations
    lines = text_of(file).split("\n")  # not splitlines: json may contain other line ends
    names = _listed_names(file)
    images = [_annotated(_entry(line), i, names) for i, line in enumerate(lines, start=1) if line.strip()]
    found = names_of(images)
    if found and not names and all(name.isdecimal() for name in found):
        found.sort(key=int)
        findings.note("classes are numbers without names; name them in classes.txt beside the file", file.name)
    return Reading(images, found, finder_for(file, part.images))


def _listed_names(file: Path) -> list[str]:
    """The names of classes 0, 1, … beside the file, or beside the folders of the splits; empty if there is no list."""
    home = file.absolute().parent
    listed = find_names(home) or (find_names(home.parent) if split_of(home.name) else None)
    return read_names(listed) if listed is not None else []


def _annotated(entry: dict[str, Any], i: int, names: list[str]) -> Annotated:
    name = entry.get("file_name")
    if not isinstance(name, str) or not name:
        return Annotated(f"line {i}", problem=NO_FILE_NAME)
    items = [_item(box, kind, names) for box, kind in _pairs(entry.get("objects"))]
    return Annotated(name, items, size=whole_sides(entry.get("width"), entry.get("height")), form=Form.SIDES)


def _pairs(objects: Any) -> list[tuple[Any, Any]]:
    """Box and class of each object: of a list of objects, or of an object of lists."""
    if isinstance(objects, list):
        return [(_first(each, BOX_KEYS), _first(each, CLASS_KEYS)) for each in objects]
    boxes, kinds = _first(objects, BOX_KEYS), _first(objects, CLASS_KEYS)
    boxes, kinds = (value if isinstance(value, list) else [] for value in (boxes, kinds))
    return [(box, kinds[i] if i < len(kinds) else None) for i, box in enumerate(boxes)]


def _first(entry: Any, keys: tuple[str, ...]) -> Any:
    return next((entry[key] for key in keys if key in entry), None) if isinstance(entry, dict) else None


def _item(box: Any, kind: Any, names: list[str]) -> Item:
    if not isinstance(box, list) or len(box) != 4:
        return Item("", problem=NOT_FOUR_NUMBERS)
    if type(kind) is int and names:
        if not 0 <= kind < len(names):
            return Item("", problem=NO_CLASS_OF_THAT_NUMBER)
        kind = names[kind]
    name = class_name(str(kind)) if type(kind) in (int, str) else ""
    return Item(name, box, problem="" if name else NO_CLASS_NAME)


IMAGE_FOLDER = Format("Hugging Face image folder", read)
