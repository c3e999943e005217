"""The objects of an annotation of Pascal VOC, and what other tools write in the place of its boxes."""

from collections.abc import Sequence
from math import radians
from xml.etree.ElementTree import Element

from ..names import clean_name
from .annotated import Item, around, number
from .turned import REMARK, around_turned


def items_of(tree: Element) -> list[Item]:
    """The objects of an annotation, without those that LabelMe's web page marks as deleted."""
    return [_item(item) for item in tree.findall("object") if item.findtext("deleted", "0").strip() != "1"]


def _item(item: Element) -> Item:
    corners = [item.findtext(f"bndbox/{key}", "") for key in ("xmin", "ymin", "xmax", "ymax")]
    ignore = item.findtext("difficult", "0").strip() == "1"
    try:
        name = clean_name(item.findtext("name", ""))
    except ValueError:
        name = ""
    if not name:
        return Item(name, corners, ignore, problem="boxes refused, no class name")
    turned, outline = item.find("robndbox"), item.find("polygon")
    if item.find("bndbox") is not None or (turned is None and outline is None):
        return _turned(item, Item(name, corners, ignore))
    try:
        if turned is not None:
            return Item(name, _from_one(_around_turned(turned)), ignore, remark=REMARK)
        return Item(name, _around(outline), ignore, remark="boxes made from outlines")  # type: ignore[arg-type]
    except ValueError:
        return Item(name, problem="boxes refused, neither a box nor an outline")


def _turned(item: Element, box: Item) -> Item:
    """The box around one that CVAT says is turned: it keeps the angle, in degrees, among the attributes."""
    try:
        degrees = [number(each.findtext("value", "")) for each in item.findall("attributes/attribute")
                   if each.findtext("name", "").strip() == "rotation"]  # fmt: skip
        x0, y0, x1, y1 = (number(corner) for corner in box.numbers)
    except ValueError:
        return box
    if not degrees or not degrees[0] % 180:
        return box
    # Pixels are counted from 1 and the last one lies inside, so the box begins an edge earlier.
    around_it = around_turned((x0 - 1, y0 - 1, x1, y1), radians(degrees[0]))
    return Item(box.name, _from_one(around_it), box.ignore, remark=REMARK)


def _around_turned(box: Element) -> tuple[float, float, float, float]:
    """The box around a turned one: roLabelImg's center, sides and angle in radians, or DIOR-R's four corners."""
    if box.find("cx") is None:
        corners = ("left_top", "right_top", "right_bottom", "left_bottom")
        return around([(box.findtext(f"x_{corner}", ""), box.findtext(f"y_{corner}", "")) for corner in corners])
    x, y, width, height, angle = (number(box.findtext(key, "")) for key in ("cx", "cy", "w", "h", "angle"))
    return around_turned((x - width / 2, y - height / 2, x + width / 2, y + height / 2), angle)


def _from_one(box: Sequence[float]) -> tuple[float, float, float, float]:
    """A box along the edges of pixels in the way that VOC counts: from 1, with the last pixel inside."""
    return box[0] + 1, box[1] + 1, box[2], box[3]


def _around(outline: Element) -> tuple[float, float, float, float]:
    """The box around <x1>, <y1>, <x2>, …, as Roboflow writes outlines, or around <pt><x>, <y> of LabelMe's web page."""
    points = [(pt.findtext("x", ""), pt.findtext("y", "")) for pt in outline.findall("pt")]
    if not points:
        numbers = {child.tag: child.text for child in outline}
        points = [
            (numbers[f"x{i}"] or "", numbers.get(f"y{i}") or "") for i in range(1, len(numbers)) if f"x{i}" in numbers
        ]
    return around(points)
