"""Label Studio's own json: a list of tasks with the results of annotating them, in per cent of the image."""

import re
from dataclasses import replace
from math import cos, radians, sin
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from ..findings import Findings
from ..names import IMAGE_SUFFIXES, clean_name
from .annotated import (
    FROM_OUTLINES,
    NO_AREA,
    NO_CLASS_NAME,
    NO_FILE_NAME,
    NOT_FOUR_NUMBERS,
    Annotated,
    Form,
    Item,
    Reading,
    around,
    ellipse_reach,
    names_of,
    number,
    whole_sides,
)
from .finder import finder_for
from .json_files import json_kind, read_json
from .layout import Format, Layout, Part
from .single_files import recognise_files
from .turned import REMARK, is_turned


def recognise(path: Path) -> Layout | None:
    """An export as JSON or JSON-MIN, or a folder with one; otherwise None."""
    return recognise_files(path, LABEL_STUDIO, ".json", lambda file: json_kind(file) == "label_studio")


def read(part: Part, findings: Findings) -> Reading:
    """The image of each task, with the objects of one of its annotations; a task without any is left out."""
    content = read_json(part.annotations)
    if not isinstance(content, list):
        raise ValueError(f"{part.annotations} is not Label Studio json: it is not a list of tasks")
    images = [_annotated(task, i, findings) for i, task in enumerate(content)]
    if not any(item.name for image in images for item in image.items):  # users with a single class may not name it
        for image in images:
            image.items = [_named(item, "object") for item in image.items]
    return Reading(images, names_of(images), finder_for(part.annotations, part.images))


def _named(item: Item, name: str) -> Item:
    return replace(item, name=name, problem="") if item.problem == NO_CLASS_NAME and len(item.numbers) == 4 else item


def _annotated(task: Any, i: int, findings: Findings) -> Annotated:
    data = task.get("data", task) if isinstance(task, dict) else {}
    name = image_name(data if isinstance(data, dict) else {})
    if name is None:
        return Annotated(f"task {i}", problem=NO_FILE_NAME)
    results = _results(task, name, findings)
    if isinstance(results, str):
        return Annotated(name, problem=results)
    sizes = [whole_sides(result.get("original_width"), result.get("original_height")) for result in results]
    size = next(filter(None, sizes), None)
    labelled = {str(result.get("id")) for result in results if _label_key(result)}
    found = [
        _item(result, size or (1, 1), name, findings)
        for result in results
        # A shape may be listed again, with the name that was chosen for it.
        if _label_key(result) or str(result.get("id")) not in labelled
    ]
    return Annotated(name, [item for item in found if item is not None], size=size, form=Form.SHARES)


def image_name(data: dict[str, Any]) -> str | None:
    """The file of a task, from the address it was imported from: an upload, a local file, or a place in a cloud."""
    usual = [data[key] for key in ("image", "img", "picture", "photo") if isinstance(data.get(key), str)]
    others = [value for value in data.values() if isinstance(value, str) and _is_image(_path(value))]
    address = next(iter(usual + others), None)
    return _path(address).removeprefix("/data/upload/").lstrip("/") if address else None


def _path(address: str) -> str:
    """The path in an address; what follows the file's name in a URL is not part of it, but "#" may be."""
    _, local, path = address.replace("\\", "/").partition("/data/local-files/?d=")  # ?d=folder/a.jpg
    if local:
        return unquote(path)
    path = re.sub(r"^[a-zA-Z][a-zA-Z0-9+.-]+://[^/]*", "", address.replace("\\", "/"))
    ends = [mark.start() for mark in re.finditer("[?#]", path) if _is_image(path[: mark.start()])]
    return path if _is_image(path) or not ends else path[: ends[0]]


def _is_image(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES


def _results(task: dict[str, Any], name: str, findings: Findings) -> list[dict[str, Any]] | str:
    """The results of a task: of JSON in its annotations, of JSON-MIN right in it; or why the task is left out."""
    annotations = task.get("annotations", task.get("completions"))
    if not isinstance(annotations, list):
        return _dicts([each for value in task.values() if isinstance(value, list) for each in value])
    annotations = _dicts(annotations)
    kept = [each for each in annotations if not each.get("was_cancelled")]
    if not kept:
        return f"images left out, {'their task was skipped' if annotations else 'nobody has annotated them'}"
    truth = [each for each in kept if each.get("ground_truth") is True]
    marked = [each for each in kept if _dicts(each.get("result"))]
    if len(kept) > 1:
        what = "the ground truth" if truth else "the latest with objects"
        findings.note(f"images annotated several times, {what} used", name)
    return _dicts(max(truth or marked or kept, key=_time).get("result"))


def _time(annotation: dict[str, Any]) -> tuple[str, int]:
    """When an annotation was changed last, as text that sorts by time, and its number, which grows."""
    number = annotation.get("id")
    return str(annotation.get("updated_at") or annotation.get("created_at") or ""), number if type(number) is int else 0


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _label_key(result: dict[str, Any]) -> str | None:
    """The key of a result's value that holds the names chosen for a shape."""
    value = result.get("value", result)
    return next((key for key in value if key.endswith("labels")), None) if isinstance(value, dict) else None


def _item(result: dict[str, Any], size: tuple[int, int], where: str, findings: Findings) -> Item | None:
    """A result as an object; None for one that marks nothing in the image, such as a choice for all of it."""
    value, key = result.get("value", result), _label_key(result)
    if not isinstance(value, dict) or (key is None and not ({"x", "y"} <= value.keys() or "points" in value)):
        return None
    names = value.get(key) if key else None
    names = [names] if isinstance(names, str) else names
    if isinstance(names, list) and len(names) > 1:
        findings.note("shapes with several names, the first one used", where)
    try:
        name = clean_name(str(names[0])) if names else ""
        item = _box(name, value, size)
        return item if name or item.problem else replace(item, problem=NO_CLASS_NAME)
    except (KeyError, TypeError, ValueError, IndexError):
        return Item("", problem=NOT_FOUR_NUMBERS)


def _box(name: str, value: dict[str, Any], size: tuple[int, int]) -> Item:
    """A shape as the box around it. Angles refer to pixels, so rotated shapes need the (width, height) of the image."""
    wide, high = size
    if "points" in value:
        x0, y0, x1, y1 = around(value["points"])
        return Item(name, (x0 / 100, y0 / 100, x1 / 100, y1 / 100), remark=FROM_OUTLINES)
    angle = radians(number(value.get("rotation") or 0))
    if "radiusX" in value:
        x, y, rx, ry = (number(value[key]) / 100 for key in ("x", "y", "radiusX", "radiusY"))
        across, down = ellipse_reach(rx * wide, ry * high, angle)
        across, down = across / wide, down / high
        return Item(name, (x - across, y - down, x + across, y + down), remark=FROM_OUTLINES)
    if "rle" in value:
        return Item(name, problem="boxes refused, brush strokes: export them as COCO, or as boxes")
    if "height" not in value:
        return Item(name, problem=NO_AREA)
    x, y, width, height = (number(value[key]) / 100 for key in ("x", "y", "width", "height"))
    if not angle:
        return Item(name, (x, y, x + width, y + height))
    # Rotated about its upper left corner, so that half a turn moves it.
    corners = [(u * wide, v * high) for u, v in ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))]
    turned = [
        (x + (u * cos(angle) - v * sin(angle)) / wide, y + (u * sin(angle) + v * cos(angle)) / high) for u, v in corners
    ]
    return Item(name, around(turned), remark=REMARK if is_turned(angle) else "")


LABEL_STUDIO = Format("Label Studio", read)
