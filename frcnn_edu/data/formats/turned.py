"""Rotated boxes, and the upright boxes around them."""

from collections.abc import Sequence
from math import cos, sin
from typing import Any

from .annotated import around, number

REMARK = "boxes around rotated boxes"
SMALLEST = 1e-9  # the smallest sine of an angle that counts as a rotation
NEAREST = 1e-6  # pixels by which a corner of an unrotated box may be off its sides
Corners = tuple[float, float, float, float]


def is_turned(angle: float) -> bool:
    """Whether an angle, in radians, changes a box that is rotated about its centre: half and whole turns do not.

    Raises:
        ValueError: the angle is infinite.
    """
    return not abs(sin(angle)) < SMALLEST  # NaN counts as a rotation, so that the box is refused


def upright(corners: Corners, angle: float) -> tuple[Corners, str]:
    """The box around a box (x0, y0, x1, y1), rotated about its centre by an angle in radians, and the remark on it.

    The remark is empty if the angle does not change the box.

    Raises:
        ValueError: the angle is infinite.
    """
    return (around_turned(corners, angle), REMARK) if is_turned(angle) else (corners, "")


def around_turned(corners: Sequence[float], angle: float) -> Corners:
    """The box (x0, y0, x1, y1) around a box that is rotated about its centre by an angle, in radians."""
    x0, y0, x1, y1 = corners
    x, y, half, tall = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
    across = abs(half * cos(angle)) + abs(tall * sin(angle))
    down = abs(half * sin(angle)) + abs(tall * cos(angle))
    return x - across, y - down, x + across, y + down


def around_points(points: Sequence[tuple[Any, Any]]) -> tuple[Corners, str]:
    """The box around the four corners of a box, and the remark on it if that is rotated.

    Raises:
        ValueError: they are not points, or fewer than two.
    """
    box = around(points)
    sides = [(number(point[axis]), box[axis], box[axis + 2]) for point in points for axis in (0, 1)]
    turned = any(min(abs(place - low), abs(place - high)) > NEAREST for place, low, high in sides)
    return box, REMARK if turned else ""
