"""CVAT's own export, "CVAT for images": one XML file with the shapes of all images."""

import re
from dataclasses import replace
from math import radians
from pathlib import Path
from xml.etree.ElementTree import Element

from ..findings import Findings
from ..splits import set_apart
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
    class_name,
    ellipse_reach,
    names_of,
    number,
    polygon_area,
    whole_sides,
)
from .finder import finder_for
from .json_files import beginning
from .layout import Format, Layout, Part, arranged, listing
from .single_files import recognise_files
from .turned import upright
from .xml_files import parse_xml

_SUBSET = re.compile(r'<image\s[^>]*?\bsubset="([^"]*)"')


def recognise(path: Path) -> Layout | None:
    """An annotations.xml of CVAT, or a folder with one, divided by the subsets it names; otherwise None."""
    layout = recognise_files(path, CVAT, ".xml", _is_cvat)
    if layout is None or layout.whole is None:
        return layout
    subsets = {*_SUBSET.findall(beginning(layout.whole.annotations))}
    named, aside = set_apart([Path(name) for name in subsets])
    if not named:
        return layout
    parts = {split: replace(layout.whole, subset=name.name) for split, name in named.items()}
    by = f"the subsets {listing(name.name for name in named.values())}"
    return arranged(path, CVAT, layout.how, parts, by, layout.whole, aside)


def _is_cvat(file: Path) -> bool:
    return bool(re.search(r"<annotations[\s>]", beginning(file, 4000)))


def read(part: Part, findings: Findings) -> Reading:
    """The images of a file; its classes are the labels of the project, if the file lists them."""
    root = parse_xml(part.annotations)
    if root.find("image") is None and root.find("track") is not None:
        raise ValueError(f"{part.annotations} is CVAT for video, with tracks; export it as CVAT for images")
    images = [_annotated(image) for image in root.findall("image")]
    used = names_of(images)
    listed = [class_name(label.text) for label in root.findall("meta//labels/label/name")]
    classes = [name for name in dict.fromkeys(listed) if name in used] or used
    chosen = [
        image
        for image, element in zip(images, root.findall("image"), strict=True)
        if part.subset is None or element.get("subset") == part.subset
    ]
    return Reading(chosen, classes, finder_for(part.annotations, part.images, part.subset))


def _annotated(image: Element) -> Annotated:
    name = image.get("name", "")
    if not name:
        return Annotated(f"image {image.get('id', '?')}", problem=NO_FILE_NAME)
    items = [item for shape in image if (item := _item(shape)) is not None]
    return Annotated(name, items, size=whole_sides(image.get("width"), image.get("height")))


def _item(shape: Element) -> Item | None:
    """A shape as the box around it; None for anything else, such as a tag for the whole image."""
    if shape.tag not in ("box", "polygon", "ellipse", "mask", "polyline", "points", "cuboid", "skeleton"):
        return None
    if not (name := class_name(shape.get("label"))):
        return Item("", problem=NO_CLASS_NAME)
    try:
        return _box(name, shape)
    except ValueError:
        return Item(name, problem=NOT_FOUR_NUMBERS)


def _box(name: str, shape: Element) -> Item:
    match shape.tag:
        case "box":
            x0, y0, x1, y1 = _numbers(shape, "xtl", "ytl", "xbr", "ybr")
            box, remark = upright((x0, y0, x1, y1), radians(number(shape.get("rotation", "0"))))
            return Item(name, box, remark=remark)
        case "polygon":
            pairs = (pair.split(",") for pair in shape.get("points", "").split(";"))
            points = [(number(x), number(y)) for x, y in pairs]
            return Item(name, around(points), area=polygon_area(points), remark=FROM_OUTLINES)
        case "ellipse":
            x, y, rx, ry = _numbers(shape, "cx", "cy", "rx", "ry")
            across, down = ellipse_reach(rx, ry, radians(number(shape.get("rotation", "0"))))
            return Item(name, (x - across, y - down, x + across, y + down), remark=FROM_OUTLINES)
        case "mask":
            x, y, width, height = _numbers(shape, "left", "top", "width", "height")
            return Item(name, (x, y, x + width, y + height), remark=FROM_OUTLINES)
        case "cuboid":  # the corners of its front, 1, and of its back, 2
            ends = [f"{corner}{side}" for corner in ("tl", "bl", "tr", "br") for side in (1, 2)]
            return Item(
                name, around([_numbers(shape, f"x{end}", f"y{end}") for end in ends]), remark="boxes around cuboids"
            )
        case "skeleton":
            return Item(name, problem="boxes refused, skeletons have key points but no box")
    return Item(name, problem=NO_AREA)


def _numbers(shape: Element, *keys: str) -> list[float]:
    return [number(shape.get(key, "")) for key in keys]


CVAT = Format("CVAT for images", read)
