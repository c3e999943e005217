"""labelme: a json file beside each image."""

from collections.abc import Sequence
from math import hypot
from pathlib import Path
from typing import Any

from ..findings import Findings
from ..names import clean_name, find_file, folded
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
from .finder import ImageFinder, finder_for
from .folders import ANNOTATION_FOLDERS, all_files, all_images, child, files_in
from .json_files import json_kind, read_json
from .layout import Format, Layout, Part, divided
from .turned import around_points

OUTLINES = ("polygon", "quadrilateral")
IGNORED = ("difficult", "crowd", "iscrowd", "ignore", "ignored")  # usual names of a flag for objects not counted

BESIDE = "images and json side by side"


def recognise(path: Path) -> Layout | None:
    """A folder with labelme's json files, beside their images or in a folder of their own; otherwise None."""
    if path.is_file() or not path.is_dir():
        return None
    for folder in (path, child(path, ANNOTATION_FOLDERS)):
        if folder is not None and any(json_kind(file) == "labelme" for file in files_in(folder, ".json")[:10]):
            how = BESIDE if folder == path else f"json files in {folder.name}/"
            return divided(path, LABELME, how, Part(folder))
    return None


def read(part: Part, findings: Findings) -> Reading:
    """One image for each json file of a folder, and the images that have none."""
    finder = finder_for(part.annotations, part.images)
    images: list[Annotated] = []
    named: set[str] = set()
    files = all_files(part.annotations, ".json")
    renamed = all(finder.by_name(file.stem) for file in files)  # or they had the same names from the start
    for file in files:
        try:
            image = _annotated(file, read_json(file), finder, renamed, findings)
        except (ValueError, KeyError, TypeError, AttributeError):
            if json_kind(file) not in ("labelme", None):
                continue  # another tool's
            problem = "images left out, annotation is not labelme's json"
            image = Annotated(file.stem, problem=problem, where=file.name)
        images.append(image)
        named |= {file.stem, _stem(image.name)}
    ours = (path for path in all_images(finder.root) if not finder.may_be_of_another_split(path))
    images += without_annotation(ours, named)
    return Reading(images, names_of(images), finder)


def _last(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _stem(name: str) -> str:
    return Path(_last(name)).stem


def _annotated(
    file: Path, content: dict[str, Any], finder: ImageFinder, renamed: bool, findings: Findings
) -> Annotated:
    items = together([(shape.get("group_id"), _item(shape)) for shape in content["shapes"]])
    size = whole_sides(content.get("imageWidth"), content.get("imageHeight"))
    name = str(content.get("imagePath") or file.stem)
    if folded(file.stem) in (folded(_stem(name)), folded(_last(name))):  # a.json, or a.jpg.json
        return Annotated(name, items, find_file(file.parent, name), size)
    if (path := _image_like(file, name, finder, renamed)) is not None:
        findings.repair("images taken by the name of the json file, because the name inside it differs", file.name)
    return Annotated(name if path is None else path.name, items, path, size)


def _image_like(file: Path, inside: str, finder: ImageFinder, renamed: bool) -> Path | None:
    """The image with the name of a json file, if the name inside is an old one: both are often renamed.

    It is beside the json file; or elsewhere, if all json files have such an image, or nothing has the name inside.
    """
    found = finder.by_name(file.stem)
    beside = [path for path in found if path.parent == file.parent]
    if not beside and not renamed and (finder.as_written(inside) or finder.by_name(inside)):
        return None
    candidates = beside or found
    return candidates[0] if len(candidates) == 1 else None


def together(shapes: Sequence[tuple[Any, Item]]) -> list[Item]:
    """Objects, with those of one group and class joined: the visible parts of something partly hidden.

    Args:
        shapes: shapes with the numbers of their groups; None if a shape is an object by itself.
    """
    items: list[Item] = []
    places: dict[tuple[Any, str], int] = {}
    for group, item in shapes:
        if type(group) is not int or item.problem:
            items.append(item)
        elif (group, item.name) in places:
            place = places[group, item.name]
            items[place] = _joined(items[place], item)
        else:
            places[group, item.name] = len(items)
            items.append(item)
    return items


def _joined(one: Item, other: Item) -> Item:
    """The box around two parts of an object."""
    corners = [(item.numbers[x], item.numbers[x + 1]) for item in (one, other) for x in (0, 2)]
    area = None if one.area is None or other.area is None else one.area + other.area
    return Item(
        one.name,
        around(corners),
        one.ignore and other.ignore,
        area,
        remark="shapes of one group joined into one object",
    )


def _item(shape: dict[str, Any]) -> Item:
    """A shape as the box around it."""
    try:
        name, points = clean_name(str(shape["label"] or "")), shape["points"]
        kind = shape.get("shape_type") or "polygon"
        flags = shape.get("flags")
        ignore = any(
            (flags if isinstance(flags, dict) else {}).get(flag) is True or shape.get(flag) is True for flag in IGNORED
        )
        if not name:
            return Item("", problem=NO_CLASS_NAME)
        if kind == "circle":  # its centre, and a point on it
            (x, y), (edge_x, edge_y) = ((number(point[0]), number(point[1])) for point in points)
            radius = hypot(edge_x - x, edge_y - y)
            return Item(name, (x - radius, y - radius, x + radius, y + radius), ignore, remark=FROM_OUTLINES)
        if kind in ("rectangle", "mask"):
            return Item(name, around(points), ignore)
        if kind == "rotation" or kind.startswith("oriented"):
            box, remark = around_points(points)
            return Item(name, box, ignore, remark=remark)
        if kind in OUTLINES:
            return Item(name, around(points), ignore, polygon_area(points), remark=FROM_OUTLINES)
        return Item(name, problem=NO_AREA)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return Item("", problem="boxes refused, not a shape with a label and points")


LABELME = Format("labelme", read)
