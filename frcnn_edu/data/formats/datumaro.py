"""Datumaro's json: the names of all labels, and a list of items, each an image with its annotations."""

from math import radians
from pathlib import Path
from typing import Any

from ..findings import Findings
from ..names import clean_name
from .annotated import (
    FROM_MASKS,
    FROM_OUTLINES,
    NO_AREA,
    NO_CLASS_NAME,
    NO_FILE_NAME,
    NOT_FOUR_NUMBERS,
    Annotated,
    Item,
    Reading,
    around,
    number,
    polygon_area,
    whole_sides,
)
from .finder import finder_for
from .json_files import first_keys, json_kind, read_json
from .layout import Format, Layout, Part
from .masks import mask_box
from .single_files import recognise_files
from .turned import upright


def recognise(path: Path) -> Layout | None:
    """A json file of Datumaro, or a folder with one, or with one for each split; otherwise None."""
    return recognise_files(path, DATUMARO, ".json", _is_datumaro)


def _is_datumaro(file: Path) -> bool:
    if json_kind(file) is not None:
        return False
    keys = first_keys(file)
    return keys.get("categories") == "{" and keys.get("items") == "["


def read(part: Part, findings: Findings) -> Reading:
    """The images of a file; its classes are those labels that objects have, in the order of the file."""
    content = read_json(part.annotations)
    try:
        labels = [clean_name(label["name"]) for label in content["categories"]["label"]["labels"]]
        items = [*content["items"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{part.annotations} is not Datumaro json: it has no list of labels, or no items") from error
    images = [_annotated(item, i, labels) for i, item in enumerate(items)]
    used = {item.name for image in images for item in image.items if not item.problem}
    classes = [name for name in dict.fromkeys(labels) if name in used - {"", "background"}]
    return Reading(images, classes, finder_for(part.annotations, part.images))


def _annotated(item: Any, i: int, labels: list[str]) -> Annotated:
    image = item.get("image", item.get("media")) if isinstance(item, dict) else None
    image = image if isinstance(image, dict) else {}
    name = (image.get("path") or item.get("id")) if isinstance(item, dict) else None
    if not isinstance(name, str) or not name:
        return Annotated(f"item {i}", problem=NO_FILE_NAME)
    size = image.get("size")
    sides = whole_sides(size[1], size[0]) if isinstance(size, list) and len(size) == 2 else None
    found = item.get("annotations")
    annotations = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return Annotated(name, [_item(each, labels) for each in annotations if each.get("type") != "label"], size=sides)


def _item(annotation: dict[str, Any], labels: list[str]) -> Item:
    """An annotation as the box around it."""
    label, attributes = annotation.get("label_id"), annotation.get("attributes")
    if type(label) is not int or not 0 <= label < len(labels) or not labels[label]:
        return Item("", problem=NO_CLASS_NAME)
    attributes = attributes if isinstance(attributes, dict) else {}
    ignore = any(attributes.get(key) is True for key in ("is_crowd", "difficult"))
    try:
        return _box(labels[label], annotation, ignore, number(attributes.get("rotation") or 0))
    except (KeyError, TypeError, ValueError):
        return Item(labels[label], problem=NOT_FOUR_NUMBERS)


def _box(name: str, annotation: dict[str, Any], ignore: bool, degrees: float) -> Item:
    match annotation.get("type"):
        case "bbox":
            x, y, width, height = (number(value) for value in annotation["bbox"])
            box, remark = upright((x, y, x + width, y + height), radians(degrees))
            return Item(name, box, ignore, remark=remark)
        case "polygon":
            points = [*zip(annotation["points"][::2], annotation["points"][1::2], strict=True)]
            return Item(name, around(points), ignore, polygon_area(points), remark=FROM_OUTLINES)
        case "mask" if found := mask_box(annotation.get("rle")):
            (x, y, width, height), area = found
            return Item(name, (x, y, x + width, y + height), ignore, area, remark=FROM_MASKS)
    return Item(name, problem=NO_AREA)


DATUMARO = Format("Datumaro", read)
