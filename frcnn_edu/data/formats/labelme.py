"""labelme: a json file beside each image."""

from pathlib import Path
from typing import Any

from ..findings import Findings
from ..names import clean_name
from .annotated import Annotated, Item, Reading, around, names_of, number, polygon_area, whole_sides
from .finder import finder_for
from .folders import ANNOTATION_FOLDERS, all_images, child, files_in
from .json_files import json_kind, read_json
from .layout import Format, Layout, Part, divided

BESIDE = "images and json side by side"


def recognise(path: Path) -> Layout | None:
    """A folder with labelme's json files, beside their images or in a folder of their own; None if it is none."""
    if path.is_file() or not path.is_dir():
        return None
    for folder in (path, child(path, ANNOTATION_FOLDERS)):
        if folder is not None and any(json_kind(file) == "labelme" for file in files_in(folder, ".json")[:10]):
            how = BESIDE if folder == path else f"json files in {folder.name}/"
            return divided(path, LABELME, how, Part(folder))
    return None


def read(part: Part, findings: Findings) -> Reading:
    """One image for each json file of a folder, and the images that have none."""
    finder = finder_for(part.annotations / "any.json", part.images)
    images: list[Annotated] = []
    for file in files_in(part.annotations, ".json"):
        if json_kind(file) not in ("labelme", None):
            continue
        try:
            images.append(_annotated(file, read_json(file)))
        except (ValueError, KeyError, TypeError, AttributeError):
            images.append(
                Annotated(file.stem, problem="images left out, annotation is not labelme's json", where=file.name)
            )
    stems = {Path(image.name.replace("\\", "/")).stem for image in images}
    for path in all_images(finder.root):
        if path.stem not in stems:
            images.append(Annotated(path.name, path=path, problem="images left out, no annotation"))
    return Reading(images, names_of(images), finder)


def _annotated(file: Path, content: dict[str, Any]) -> Annotated:
    name = str(content.get("imagePath") or f"{file.stem}.jpg")
    items = [_item(shape) for shape in content["shapes"]]
    return Annotated(name, items, size=whole_sides(content.get("imageWidth"), content.get("imageHeight")))


def _item(shape: dict[str, Any]) -> Item:
    """A shape as the box around it."""
    try:
        name, points = clean_name(str(shape["label"] or "")), shape["points"]
        kind = shape.get("shape_type") or "polygon"
        if not name:
            return Item("", problem="boxes refused, no class name")
        if kind == "circle":  # its center, and a point on it
            (x, y), (edge_x, edge_y) = ((number(point[0]), number(point[1])) for point in points)
            radius = ((edge_x - x) ** 2 + (edge_y - y) ** 2) ** 0.5
            return Item(name, (x - radius, y - radius, x + radius, y + radius), remark="boxes made from outlines")
        if kind in ("rectangle", "mask"):
            return Item(name, around(points))
        if kind == "polygon" or kind.startswith("oriented"):
            return Item(name, around(points), area=polygon_area(points), remark="boxes made from outlines")
        return Item(name, problem="boxes refused, points and lines have no area")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return Item("", problem="boxes refused, not a shape with a label and points")


LABELME = Format("labelme", read)
