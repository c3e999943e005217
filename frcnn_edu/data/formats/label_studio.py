"""Label Studio's own json: a list of tasks with the results of annotating them, in per cent of the image."""

from math import cos, radians, sin
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..findings import Findings
from ..names import IMAGE_SUFFIXES, clean_name
from .annotated import Annotated, Form, Item, Reading, around, ellipse_reach, names_of, number, whole_sides
from .finder import finder_for
from .json_files import json_kind, read_json
from .layout import Format, Layout, Part
from .single_files import recognise_files


def recognise(path: Path) -> Layout | None:
    """An export as JSON or JSON-MIN, or a folder with one; None if it is none."""
    return recognise_files(path, LABEL_STUDIO, ".json", lambda file: json_kind(file) == "label_studio")


def read(part: Part, findings: Findings) -> Reading:
    """The image of each task, with what its first annotation that was not cancelled says."""
    content = read_json(part.annotations)
    if not isinstance(content, list):
        raise ValueError(f"{part.annotations} is not json of Label Studio: it is no list of tasks")
    images = [_annotated(task, i, findings) for i, task in enumerate(content)]
    return Reading(images, names_of(images), finder_for(part.annotations, part.images))


def _annotated(task: Any, i: int, findings: Findings) -> Annotated:
    data = task.get("data", task) if isinstance(task, dict) else {}
    name = image_name(data if isinstance(data, dict) else {})
    if name is None:
        return Annotated(f"task {i}", problem="images left out, without a file name")
    results = _results(task, name, findings)
    sizes = [whole_sides(result.get("original_width"), result.get("original_height")) for result in results]
    size = next(filter(None, sizes), None)
    items = [item for result in results if (item := _item(result, size or (1, 1))) is not None]
    return Annotated(name, items, size=size, form=Form.SHARES)


def image_name(data: dict[str, Any]) -> str | None:
    """The file of a task, from the address it was imported by: an upload, a local file, or a place in a cloud."""
    usual = [data[key] for key in ("image", "img", "picture", "photo") if isinstance(data.get(key), str)]
    others = [value for value in data.values() if isinstance(value, str) and _has_image_suffix(value)]
    address = next(iter(usual + others), None)
    if not address:
        return None
    parts = urlsplit(address.replace("\\", "/"))
    local = parse_qs(parts.query).get("d")  # /data/local-files/?d=folder/a.jpg
    path = local[0] if local else parts.path
    return path.removeprefix("/data/upload/").lstrip("/")


def _has_image_suffix(address: str) -> bool:
    return Path(urlsplit(address).path).suffix.lower() in IMAGE_SUFFIXES


def _results(task: dict[str, Any], name: str, findings: Findings) -> list[dict[str, Any]]:
    """The results of a task: of JSON in its annotations, of JSON-MIN right in it."""
    annotations = task.get("annotations", task.get("completions"))
    if isinstance(annotations, list):
        kept = [each for each in annotations if isinstance(each, dict) and not each.get("was_cancelled")]
        if len(kept) > 1:
            findings.note("images annotated several times, the first one used", name)
        results = kept[0].get("result") if kept else []
    else:
        lists = [value for value in task.values() if isinstance(value, list)]
        results = [each for value in lists for each in value]
    return [each for each in results or [] if isinstance(each, dict)] if isinstance(results, list) else []


def _item(result: dict[str, Any], size: tuple[int, int]) -> Item | None:
    """A result as an object; None for one that marks nothing in the image, such as a choice for all of it."""
    value = result.get("value", result)
    if not isinstance(value, dict):
        return None
    kinds = [key for key in value if key.endswith("labels")]
    if not kinds:
        return None
    names = value[kinds[0]]
    try:
        name = clean_name(str(names[0])) if names else ""
        if not name:
            return Item("", problem="boxes refused, no class name")
        return _box(name, value, size)
    except (KeyError, TypeError, ValueError, IndexError):
        return Item("", problem="boxes refused, not four numbers")


def _box(name: str, value: dict[str, Any], size: tuple[int, int]) -> Item:
    """A shape as the box around it. Angles are of pixels, so turned shapes need the (width, height) of the image."""
    wide, high = size
    if "points" in value:
        x0, y0, x1, y1 = around(value["points"])
        return Item(name, (x0 / 100, y0 / 100, x1 / 100, y1 / 100), remark="boxes made from outlines")
    angle = radians(number(value.get("rotation") or 0))
    if "radiusX" in value:
        x, y, rx, ry = (number(value[key]) / 100 for key in ("x", "y", "radiusX", "radiusY"))
        across, down = ellipse_reach(rx * wide, ry * high, angle)
        across, down = across / wide, down / high
        return Item(name, (x - across, y - down, x + across, y + down), remark="boxes made from outlines")
    if "width" not in value:
        return Item(name, problem="boxes refused, neither a box nor an outline")
    x, y, width, height = (number(value[key]) / 100 for key in ("x", "y", "width", "height"))
    if not angle:
        return Item(name, (x, y, x + width, y + height))
    # Turned around its upper left corner.
    corners = [(u * wide, v * high) for u, v in ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))]
    turned = [
        (x + (u * cos(angle) - v * sin(angle)) / wide, y + (u * sin(angle) + v * cos(angle)) / high) for u, v in corners
    ]
    return Item(name, around(turned), remark="boxes around turned boxes")


LABEL_STUDIO = Format("Label Studio", read)
