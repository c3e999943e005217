"""VGG Image Annotator: one json file with the regions of all images."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..findings import Findings
from ..names import clean_name
from .annotated import (
    FROM_OUTLINES,
    NO_AREA,
    NO_CLASS_NAME,
    NO_FILE_NAME,
    NOT_FOUR_NUMBERS,
    Annotated,
    Item,
    Reading,
    around,
    ellipse_reach,
    is_number,
    names_of,
    number,
    polygon_area,
)
from .finder import finder_for
from .json_files import json_kind, read_json
from .layout import Format, Layout, Part
from .single_files import recognise_files

NAMED = ("label", "class", "name", "category", "type", "object")  # usual names of the attribute with the class
ANSWERS = ("", "yes", "no", "true", "false", "y", "n")  # to a question about an object


def recognise(path: Path) -> Layout | None:
    """A saved project or exported annotations of version 2 or 1, or a folder with one; otherwise None."""
    return recognise_files(path, VIA, ".json", lambda file: json_kind(file) == "via")


def read(part: Part, findings: Findings) -> Reading:
    """The images of a project, and their regions as boxes around them."""
    content = read_json(part.annotations)
    entries = content.get("_via_img_metadata", content) if isinstance(content, dict) else None
    if not isinstance(entries, dict):
        raise ValueError(f"{part.annotations} is not VGG Image Annotator json: it has no images")
    entries = {key: entry for key, entry in entries.items() if not key.startswith("_via")}
    attribute = class_attribute([region for entry in entries.values() for region in _regions(entry)])
    if attribute is not None:
        findings.note("attribute taken as the class of a region", attribute)
    images: list[Annotated] = []
    for key, entry in entries.items():
        name = entry.get("filename") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name:
            images.append(Annotated(key, problem=NO_FILE_NAME))
        else:
            images.append(Annotated(name, [item_of(region, attribute) for region in _regions(entry)]))
    return Reading(images, names_of(images), finder_for(part.annotations, part.images))


def _regions(entry: Any) -> list[dict[str, Any]]:
    """The regions of an image, which version 1 keeps in a dict."""
    regions = entry.get("regions") if isinstance(entry, dict) else None
    found = list(regions.values()) if isinstance(regions, dict) else regions if isinstance(regions, list) else []
    return [region for region in found if isinstance(region, dict)]


def class_attribute(regions: list[dict[str, Any]]) -> str | None:
    """The attribute that holds the class; its name is up to the user.

    One with a usual name, or else the one that most regions have; numbers, yes and no only if there are no other words.
    """
    counts: dict[str, int] = {}
    worded: set[str] = set()  # attributes with other words
    for region in regions:
        attributes = region.get("region_attributes")
        for name, value in (attributes if isinstance(attributes, dict) else {}).items():
            counts[name] = counts.get(name, 0) + bool(_chosen(value))
            word = _chosen(value).strip().lower() if isinstance(value, str | dict) else ""
            if word not in ANSWERS and not is_number(word):
                worded.add(name)
    filled = {name: count for name, count in counts.items() if count}
    called = [name for usual in NAMED for name in filled if name.lower() == usual]
    return called[0] if called else max(filled, key=lambda name: (name in worded, filled[name]), default=None)


def _chosen(value: Any) -> str:
    """The text of an attribute: for check boxes the first one checked, for a number or truth value what json writes."""
    if isinstance(value, dict):
        return next((str(name) for name, checked in value.items() if checked), "")
    if isinstance(value, bool | int | float):
        return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)
    return value if isinstance(value, str) else ""


def item_of(region: dict[str, Any], attribute: str | None) -> Item:
    shape = region.get("shape_attributes")
    attributes = region.get("region_attributes")
    value = attributes.get(attribute) if isinstance(attributes, dict) and attribute is not None else None
    try:
        # Users with a single class may give regions no attribute at all.
        name = "object" if attribute is None else clean_name(_chosen(value))
        if not name:
            return Item("", problem=NO_CLASS_NAME)
        item = _box(name, shape if isinstance(shape, dict) else {})
        several = isinstance(value, dict) and sum(map(bool, value.values())) > 1
        return replace(item, remark="several classes checked, the first one used") if several else item
    except (KeyError, TypeError, ValueError):
        return Item(name="", problem=NOT_FOUR_NUMBERS)


def _box(name: str, shape: dict[str, Any]) -> Item:
    match shape.get("name"):
        case "rect":
            x, y, width, height = (number(shape[key]) for key in ("x", "y", "width", "height"))
            return Item(name, (x, y, x + width, y + height))
        case "circle" | "ellipse" as kind:
            x, y = number(shape["cx"]), number(shape["cy"])
            across, down = _reach(shape, kind)
            return Item(name, (x - across, y - down, x + across, y + down), remark=FROM_OUTLINES)
        case "polygon" | "polyline":
            points = [*zip(shape["all_points_x"], shape["all_points_y"], strict=True)]
            return Item(name, around(points), area=polygon_area(points) or None, remark=FROM_OUTLINES)
    return Item(name, problem=NO_AREA)


def _reach(shape: dict[str, Any], kind: str) -> tuple[float, float]:
    """Half of the width and height of the box around a circle or an ellipse, which may be rotated by theta."""
    if kind == "circle":
        return number(shape["r"]), number(shape["r"])
    return ellipse_reach(number(shape["rx"]), number(shape["ry"]), number(shape.get("theta", 0)))


VIA = Format("VGG Image Annotator", read)
