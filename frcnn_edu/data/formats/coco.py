"""COCO: one json file with the boxes of all images."""

from collections import Counter, defaultdict
from dataclasses import replace
from math import radians
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ..findings import Findings
from ..names import clean_name
from .annotated import (
    FROM_MASKS,
    FROM_OUTLINES,
    NOT_FOUR_NUMBERS,
    Annotated,
    Form,
    Item,
    Reading,
    around,
    number,
    polygon_area,
    whole_sides,
)
from .finder import finder_for
from .json_files import JSON_KINDS, json_kind, read_json
from .layout import Format, Layout, Part
from .masks import mask_box
from .single_files import recognise_files
from .turned import upright

LARGEST_ID = 2**63 - 1  # ids become int64
KEYS = ("images", "annotations", "categories")
WITHOUT_BOXES = ("captions_", "image_info_", "panoptic_")  # what COCO's archives hold beside the instances


def recognise(path: Path) -> Layout | None:
    """A COCO file, or a folder that holds one or one for each split; otherwise None."""
    with_boxes = recognise_files(
        path, COCO, ".json", lambda file: _is_coco(file) and not file.name.startswith(WITHOUT_BOXES), prefer="instances"
    )
    return with_boxes or recognise_files(path, COCO, ".json", _is_coco)  # its reader reports what the file is


def _is_coco(file: Path) -> bool:
    return json_kind(file) == "coco" and file.name != "notes.json"  # YOLO's: only categories


def read(part: Part, findings: Findings) -> Reading:
    """The images of a COCO file in the order of their ids, each with its annotations."""
    file = part.annotations
    content = read_coco(file, findings)
    names = {category["id"]: category["name"] for category in content["categories"]}
    annotations: dict[int, list[Item]] = defaultdict(list)
    for annotation in content["annotations"]:
        annotations[annotation["image_id"]].append(item_of(annotation, names))
    images = [
        Annotated(
            image["file_name"],
            annotations[image["id"]],
            size=whole_sides(image.get("width"), image.get("height")),
            form=Form.SIDES,
            image_id=image["id"],
        )
        for image in sorted(content["images"], key=lambda image: image["id"])
    ]
    classes = [names[label] for label in sorted(names) if names[label] != "background"]
    return Reading(images, classes, finder_for(file, part.images))


def item_of(annotation: dict[str, Any], names: dict[int, str]) -> Item:
    """An annotation as an object; from its outline or mask if it has no box."""
    name = names.get(annotation["category_id"])
    ignore = any(annotation.get(key) in (1, "1") for key in ("iscrowd", "ignore"))
    area = annotation.get("area")
    area = area if type(area) in (int, float) else None
    if name is None:
        return Item("", problem="boxes refused, unknown category")
    numbers = annotation.get("bbox")
    if isinstance(numbers, list) and len(numbers) == 4:
        return _turned(annotation, Item(name, numbers, ignore, area))
    if numbers:
        return Item(name, problem=NOT_FOUR_NUMBERS)
    segmentation = annotation.get("segmentation")
    if found := mask_box(segmentation):
        return Item(name, found[0], ignore, area or found[1], remark=FROM_MASKS)
    if outline := _outline(segmentation):
        points, outlined = outline
        x0, y0, x1, y1 = around(points)
        return Item(name, (x0, y0, x1 - x0, y1 - y0), ignore, area or outlined, remark=FROM_OUTLINES)
    lacking = "the mask is empty or damaged" if isinstance(segmentation, dict) else "neither a box nor an outline"
    return Item(name, problem=f"boxes refused, {lacking}")


def _turned(annotation: dict[str, Any], item: Item) -> Item:
    """The upright box around one that CVAT rotated; CVAT stores the angle, in degrees, as an attribute."""
    attributes = annotation.get("attributes")
    try:
        angle = radians(number(attributes["rotation"])) if isinstance(attributes, dict) else 0.0
        x, y, width, height = (number(value) for value in item.numbers)
        (x0, y0, x1, y1), remark = upright((x, y, x + width, y + height), angle)
    except (KeyError, ValueError):
        return item
    return replace(item, numbers=(x0, y0, x1 - x0, y1 - y0), remark=remark) if remark else item


def _outline(segmentation: Any) -> tuple[list[tuple[float, float]], float] | None:
    """All points of the polygons [x, y, x, y, …] of an outline, and the area they enclose; otherwise None."""
    try:
        numbers = [[number(value) for value in polygon] for polygon in segmentation]
        polygons = [[*zip(polygon[::2], polygon[1::2], strict=True)] for polygon in numbers]
        points = [point for polygon in polygons for point in polygon]
        around(points)
    except (TypeError, ValueError, KeyError):
        return None
    return points, sum(polygon_area(polygon) for polygon in polygons)


def read_coco(file: Path, findings: Findings) -> dict[str, list[dict[str, Any]]]:
    """The usable entries of a COCO json file: images and categories with unique ids, annotations of these images.

    What cannot be used is left out, with a note; but categories decide what labels mean, so all of them must be valid.
    Ids are whole numbers afterwards, even if they are text in the file.
    """
    content = read_json(file)
    lists: dict[str, Any] = {key: content.get(key) if isinstance(content, dict) else None for key in KEYS}
    for key, items in lists.items():
        if not isinstance(items, list):
            raise ValueError(
                f"{file} is not COCO detection json: it has no list under {key!r}{_instead(file, content)}"
            )
    check_for_boxes(file, lists["annotations"])
    ids = {key: Ids() for key in ("images", "categories")}
    lists["images"] = [with_file_name(image) for image in lists["images"]]
    images = _usable(file, lists, "images", {"id": ids["images"]}, "file_name", findings)
    categories = _usable(file, lists, "categories", {"id": ids["categories"]}, "name", findings)
    references = {"image_id": ids["images"], "category_id": ids["categories"]}
    annotations = _usable(file, lists, "annotations", references, None, findings)
    used = {annotation["category_id"] for annotation in annotations}
    categories = _sound_categories(file, categories, used, findings)
    images = _drop_repeated(images, findings)
    _check_ids(file, "categories", categories)
    _check_ids(file, "images", images)
    numbers = Counter(each["id"] for each in annotations if type(each.get("id")) is int)
    for identity, count in numbers.items():
        if count > 1:  # the id is not used here
            findings.note("annotations that share an id, all used", f"id {identity}", count)
    known = {image["id"] for image in images}
    for annotation in annotations:
        if annotation["image_id"] not in known:
            findings.leave_out("boxes refused, their image is not listed", f"image_id {annotation['image_id']}")
    return {"images": images, "categories": categories, "annotations": annotations}


def _instead(file: Path, content: Any) -> str:
    """What a json file is if it is not COCO's, for the end of a message; empty if unknown."""
    content = content if isinstance(content, dict) else {}
    check_for_boxes(file, content.get("annotations"))
    if isinstance(content.get("items"), list):
        return "; it looks like Datumaro's"
    if isinstance(content.get("images"), list) and "annotations" not in content:
        return "; it lists only images: name the file with their instances"
    kind = JSON_KINDS.get(json_kind(file) or "coco")
    return "" if kind == JSON_KINDS["coco"] else f"; it looks like {kind}"


def check_for_boxes(file: Path, annotations: Any) -> None:
    """Make sure that annotations are not those of a different COCO task.

    Raises:
        ValueError: they are captions, or panoptic segments; the message says what to name instead.
    """
    first = annotations[0] if isinstance(annotations, list) and annotations else None
    if not isinstance(first, dict) or "bbox" in first or "segmentation" in first:
        return
    for key, what in (("caption", "captions"), ("segments_info", "panoptic segments"), ("question_id", "questions")):
        if key in first:
            raise ValueError(f"{file} contains {what}, not boxes of objects; name the file with the instances")


def with_file_name(image: Any) -> Any:
    """An image with a file name, which LVIS gives only as the end of a URL: val2017/000000397133.jpg."""
    if not isinstance(image, dict) or "file_name" in image or not isinstance(image.get("coco_url"), str):
        return image
    try:
        path = urlsplit(image["coco_url"]).path
    except ValueError:
        return image
    return {**image, "file_name": "/".join(unquote(path).strip("/").split("/")[-2:])}


class Ids:
    """Whole numbers for the ids of a file, which some tools write as text: "7" is 7, and "IMG_1" gets a number of its own."""

    def __init__(self) -> None:
        self.others: dict[str, int] = {}

    def __call__(self, value: Any) -> int | None:
        """The number; None if the value is not an id."""
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is int:
            return value if abs(value) <= LARGEST_ID else None
        if type(value) is not str or not value:
            return None
        if value.isascii() and value.isdecimal() and len(value) < 19:
            return int(value)
        return self.others.setdefault(value, LARGEST_ID - len(self.others))


def _usable(
    file: Path, lists: dict[str, Any], key: str, ids: dict[str, Ids], text: str | None, findings: Findings
) -> list[dict[str, Any]]:
    """The entries of a list that have these ids (converted to whole numbers) and this text."""
    usable: list[dict[str, Any]] = []
    for i, item in enumerate(lists[key]):
        numbers = {name: to_id(item.get(name)) if isinstance(item, dict) else None for name, to_id in ids.items()}
        lacking = next((name for name, found in numbers.items() if found is None), None)
        if lacking is None and text is not None and type(item.get(text)) is not str:
            lacking = text
        if lacking is None:
            usable.append(item | numbers)
        elif key == "categories":
            kind = "text" if lacking == text else "a whole number"
            raise ValueError(f"{file}: categories[{i}] needs {lacking!r} as {kind}; got {item!r:.200}")
        else:
            findings.leave_out(f"{key} left out, without a usable {lacking!r}", f"{key}[{i}]")
    return usable


def _sound_categories(
    file: Path, categories: list[dict[str, Any]], used: set[int], findings: Findings
) -> list[dict[str, Any]]:
    """Categories with names in one spelling, without those that only group others or repeat a name."""
    named = [{**category, "name": _category_name(file, category["name"])} for category in categories]
    above = {
        str(category.get("supercategory")) for category in named if category.get("supercategory") != category["name"]
    }
    names = Counter(category["name"] for category in named)
    kept = []
    for category in named:
        name = category["name"]
        if category["id"] not in used and (name in above or names[name] > 1):
            findings.note("categories without objects left out because they only group others", name)
            names[name] -= 1
        else:
            kept.append(category)
    twice = sorted(name for name, count in Counter(category["name"] for category in kept).items() if count > 1)
    if twice:
        raise ValueError(
            f"{file}: two of its categories have the same name, {', '.join(twice)}, and both have objects; "
            "give the objects of one of them the category_id of the other, or rename it"
        )
    return kept


def _category_name(file: Path, name: str) -> str:
    try:
        return clean_name(name)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _drop_repeated(images: list[dict[str, Any]], findings: Findings) -> list[dict[str, Any]]:
    """Images without duplicates: same id, same file."""
    seen: dict[tuple[int, str], dict[str, Any]] = {}
    for image in images:
        if seen.setdefault((image["id"], image["file_name"]), image) is not image:
            findings.repair("images listed twice, used once", image["file_name"])
    return list(seen.values())


def _check_ids(file: Path, key: str, items: list[dict[str, Any]]) -> None:
    named: dict[int, str] = {}
    for item in items:
        name = item["name" if key == "categories" else "file_name"]
        if (other := named.setdefault(item["id"], name)) is not name:
            raise ValueError(f"{file}: two of its {key} have the same id, {item['id']}: {other!r} and {name!r}")


COCO = Format("COCO", read)
