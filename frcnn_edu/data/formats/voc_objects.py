"""The objects of an annotation of Pascal VOC, and what other tools write instead of its boxes."""

from math import radians
from xml.etree.ElementTree import Element

from .annotated import FROM_OUTLINES, NO_CLASS_NAME, Item, around, class_name, number
from .turned import Corners, around_points, upright


def items_of(tree: Element) -> list[Item]:
    """The objects of an annotation, without those that LabelMe's web page marks as deleted."""
    return [_item(item) for item in tree.findall("object") if item.findtext("deleted", "0").strip() != "1"]


def _item(item: Element) -> Item:
    corners = [item.findtext(f"bndbox/{key}", "") for key in ("xmin", "ymin", "xmax", "ymax")]
    ignore = item.findtext("difficult", "0").strip() == "1"
    if not (name := class_name(item.findtext("name"))):
        return Item(name, corners, ignore, problem=NO_CLASS_NAME)
    turned, outline = item.find("robndbox"), item.find("polygon")
    if item.find("bndbox") is not None:
        return _turned(item, Item(name, corners, ignore))
    try:
        if turned is not None:
            around_it, remark = _around_turned(turned)
            return Item(name, _from_one(around_it), ignore, remark=remark)
        if outline is not None:
            return Item(name, _around(outline), ignore, remark=FROM_OUTLINES)
    except ValueError:
        return Item(name, problem="boxes refused, neither a box nor an outline")
    return _turned(item, Item(name, corners, ignore))


def _turned(item: Element, box: Item) -> Item:
    """The upright box around one that CVAT rotated; CVAT stores the angle, in degrees, as an attribute."""
    try:
        degrees = [number(each.findtext("value", "")) for each in item.findall("attributes/attribute")
                   if each.findtext("name", "").strip() == "rotation"]  # fmt: skip
        x0, y0, x1, y1 = (number(corner) for corner in box.numbers)
        # Pixels are counted from 1 and the last one lies inside, so the box begins an edge earlier.
        around_it, remark = upright((x0 - 1, y0 - 1, x1, y1), radians(degrees[0] if degrees else 0))
    except ValueError:
        return box
    return Item(box.name, _from_one(around_it), box.ignore, remark=remark) if remark else box


def _around_turned(box: Element) -> tuple[Corners, str]:
    """The box around a rotated one, with a remark.

    roLabelImg writes its centre, sides and angle in radians, DIOR-R its four corners.
    """
    if box.find("cx") is None:
        corners = ("left_top", "right_top", "right_bottom", "left_bottom")
        return around_points([(box.findtext(f"x_{corner}", ""), box.findtext(f"y_{corner}", "")) for corner in corners])
    x, y, width, height, angle = (number(box.findtext(key, "")) for key in ("cx", "cy", "w", "h", "angle"))
    return upright((x - width / 2, y - height / 2, x + width / 2, y + height / 2), angle)


def _from_one(box: Corners) -> Corners:
    """A box along the edges of pixels in the way that VOC counts: from 1, with the last pixel inside."""
    return box[0] + 1, box[1] + 1, box[2], box[3]


def _around(outline: Element) -> Corners:
    """The box around <x1>, <y1>, <x2>, …, as Roboflow writes outlines, or around <pt><x>, <y> of LabelMe's web page."""
    points = [(pt.findtext("x", ""), pt.findtext("y", "")) for pt in outline.findall("pt")]
    if not points:
        numbers = {child.tag: child.text for child in outline}
        points = [
            (numbers[f"x{i}"] or "", numbers.get(f"y{i}") or "") for i in range(1, len(numbers)) if f"x{i}" in numbers
        ]
    return around(points)
