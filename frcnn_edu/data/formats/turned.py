"""Boxes that are turned by an angle, and the upright boxes around them."""

from collections.abc import Sequence
from math import cos, sin

REMARK = "boxes around turned boxes"


def around_turned(corners: Sequence[float], angle: float) -> tuple[float, float, float, float]:
    """The box (x0, y0, x1, y1) around a box (x0, y0, x1, y1) that is turned about its center by an angle, in radians."""
    x0, y0, x1, y1 = corners
    x, y, half, tall = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
    across = abs(half * cos(angle)) + abs(tall * sin(angle))
    down = abs(half * sin(angle)) + abs(tall * cos(angle))
    return x - across, y - down, x + across, y + down
