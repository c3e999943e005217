"""Supervisely: folders img/ and ann/, with a json file for each image. Dataset Ninja uses it, too."""

import base64
import re
import zlib
from pathlib import Path
from typing import Any

from ..findings import Findings
from ..names import clean_name
from .annotated import (
    FROM_OUTLINES,
    NO_AREA,
    NO_CLASS_NAME,
    Annotated,
    Item,
    Reading,
    around,
    names_of,
    number,
    polygon_area,
    whole_sides,
    without_annotation,
)
from .finder import finder_for
from .folders import all_images, child, files_in
from .json_files import HEAD, beginning, read_json
from .layout import Format, Layout, Part, divided

PNG = b"\x89PNG\r\n\x1a\n"
FIRST = 10  # files that are looked at


def recognise(path: Path) -> Layout | None:
    """A folder with img/ and ann/; otherwise None. In a project, such folders are the splits."""
    folder = child(path, ("ann",)) if path.is_dir() else None
    if folder is None or not any(_is_annotation(file) for file in files_in(folder, ".json")[:FIRST]):
        return None
    return divided(path, SUPERVISELY, f"json files in {folder.name}/", Part(folder))


def _is_annotation(file: Path) -> bool:
    head = beginning(file, HEAD)
    return '"size"' in head and bool(re.search(r'"classTitle"\s*:|"objects"\s*:\s*\[\s*\]', head))


def read(part: Part, findings: Findings) -> Reading:
    """One image for each json file, and the images that have none. The corners of rectangles are used unchanged."""
    files = files_in(part.annotations, ".json")
    images = [_annotated(file) for file in files]
    if (beside := part.images or child(part.annotations.absolute().parent, ("img",))) is not None:
        named = {image.name for image in images} | {Path(image.name).stem for image in images}
        images += without_annotation(all_images(beside), named)
    return Reading(images, names_of(images), finder_for(part.annotations, part.images))


def _annotated(file: Path) -> Annotated:
    """The image of a file: a.jpg of a.jpg.json, or of a.json."""
    try:
        content = read_json(file)
        size = whole_sides(content["size"].get("width"), content["size"].get("height"))
        return Annotated(file.stem, [_item(each) for each in content["objects"]], size=size, where=file.name)
    except (ValueError, KeyError, TypeError, AttributeError):
        problem = "images left out, annotation is not Supervisely's json"
        return Annotated(file.stem, problem=problem, where=file.name)


def _item(figure: Any) -> Item:
    """A figure as the box around it."""
    try:
        name = clean_name(str(figure["classTitle"] or ""))
        if not name:
            return Item("", problem=NO_CLASS_NAME)
        match figure.get("geometryType") or ("bitmap" if "bitmap" in figure else "polygon"):
            case "rectangle":
                return Item(name, around(figure["points"]["exterior"]))
            case "polygon":
                points = figure["points"]["exterior"]
                return Item(name, around(points), area=polygon_area(points), remark=FROM_OUTLINES)
            case "bitmap":
                x, y = (number(figure["bitmap"]["origin"][axis]) for axis in (0, 1))
                width, height = _bitmap_size(figure["bitmap"]["data"])
                return Item(name, (x, y, x + width, y + height), remark=FROM_OUTLINES)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, zlib.error):
        return Item("", problem="boxes refused, not a figure with a class and points")
    return Item(name, problem=NO_AREA)


def _bitmap_size(data: str) -> tuple[int, int]:
    """(width, height) of a mask, which is a PNG, compressed once more, as text; only its head is unpacked."""
    head = zlib.decompressobj().decompress(base64.b64decode(data), 24)
    if len(head) < 24 or not head.startswith(PNG):
        raise ValueError("expected a PNG")
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


SUPERVISELY = Format("Supervisely", read)
