"""Scalabel's json, in which BDD100K is published: a list of images, each with its labels."""

import re
from pathlib import Path
from typing import Any

from ..findings import Findings
from ..names import clean_name
from .annotated import (
    NO_CLASS_NAME,
    NO_FILE_NAME,
    NOT_FOUR_NUMBERS,
    Annotated,
    Item,
    Reading,
    names_of,
    number,
    whole_sides,
)
from .finder import finder_for
from .json_files import HEAD, beginning, json_kind, read_json
from .layout import Format, Layout, Part
from .single_files import recognise_files

SIDES = ("x1", "y1", "x2", "y2")


def recognise(path: Path) -> Layout | None:
    """A json file of Scalabel, or a folder with one, or with one for each split; otherwise None."""
    return recognise_files(path, SCALABEL, ".json", _is_scalabel)


def _is_scalabel(file: Path) -> bool:
    if json_kind(file) is not None:
        return False
    head = beginning(file, HEAD)
    return all(re.search(look, head) for look in (r'"name"\s*:\s*"', r'"labels"\s*:\s*\[', r'"box2d"\s*:\s*[{n]'))


def read(part: Part, findings: Findings) -> Reading:
    """The images of a file, each with the boxes among its labels; lanes and areas have none, and are left out."""
    content = read_json(part.annotations)
    frames, size = content, None
    if isinstance(content, dict):  # with settings around the list
        frames, config = content.get("frames"), content.get("config")
        sides = config.get("imageSize") if isinstance(config, dict) else None
        size = whole_sides(sides.get("width"), sides.get("height")) if isinstance(sides, dict) else None
    if not isinstance(frames, list):
        raise ValueError(f"{part.annotations} is not Scalabel json: it is not a list of images")
    images = [_annotated(frame, i, size, findings) for i, frame in enumerate(frames)]
    return Reading(images, names_of(images), finder_for(part.annotations, part.images))


def _annotated(frame: Any, i: int, size: tuple[int, int] | None, findings: Findings) -> Annotated:
    name = frame.get("name") if isinstance(frame, dict) else None
    if not isinstance(name, str) or not name:
        return Annotated(f"image {i}", problem=NO_FILE_NAME)
    if isinstance(frame.get("videoName"), str) and frame["videoName"]:  # the folder of its frames
        name = f"{frame['videoName']}/{name}"
    found = frame.get("labels")
    labels = [label for label in found if isinstance(label, dict)] if isinstance(found, list) else []
    boxes = [label for label in labels if label.get("box2d") is not None]
    if len(boxes) < len(labels):
        findings.note("labels without a box left out, such as lanes", name, len(labels) - len(boxes))
    return Annotated(name, [_item(label) for label in boxes], size=size)


def _item(label: dict[str, Any]) -> Item:
    attributes = label.get("attributes")
    crowd = isinstance(attributes, dict) and attributes.get("crowd") is True
    try:
        name = clean_name(str(label.get("category") or ""))
        if not name:
            return Item("", problem=NO_CLASS_NAME)
        return Item(name, [number(label["box2d"][side]) for side in SIDES], crowd)
    except (KeyError, TypeError, ValueError):
        return Item("", problem=NOT_FOUR_NUMBERS)


SCALABEL = Format("Scalabel", read)
