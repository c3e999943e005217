"""The opening figure of notebook 03: two towers of maps above the same ground."""

import math
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.stages import strength
from frcnn_edu.viz import style as st
from frcnn_edu.viz.sheet import Page

UP, DOWN = st.STAGES["backbone"], st.STAGES["fpn"]


class _Plane:
    """A map lying flat, seen from above and in front; `place` maps shares of its width and depth to inches."""

    def __init__(self, x: float, y: float, width: float = 2.15, depth: float = 0.66, slant: float = 0.62) -> None:
        self.x, self.y, self.width, self.depth, self.slant = x, y, width, depth, slant

    def place(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.x + self.width * u + self.slant * (1 - v), self.y + self.depth * v

    def corners(self, box: Tensor, ground: tuple[float, float]) -> np.ndarray:
        """The corners (4, 2) of a box in inches, clockwise from the top left; the plane covers `ground`, (height, width)."""
        x1, y1, x2, y2 = box.tolist()
        u, v = np.array([x1, x2, x2, x1]) / ground[1], np.array([y1, y1, y2, y2]) / ground[0]
        return np.stack(self.place(u, v), axis=1)

    def draw(self, sheet: Axes, values: np.ndarray, color: str, top: float = 1.0) -> None:
        """Values (H, W), or colours (H, W, 3), in a frame."""
        rows, columns = values.shape[:2]
        u, v = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1))
        sheet.pcolormesh(*self.place(u, v), values, cmap=st.FEATURE_CMAP, vmin=0, vmax=top, zorder=2)
        outline = self.place(np.array([0, 1, 1, 0, 0]), np.array([0, 0, 1, 1, 0]))
        sheet.plot(*outline, color=color, linewidth=2, zorder=2.1, solid_joinstyle="miter")


def _ground(features: Tensor, size: tuple[int, int]) -> tuple[float, float]:
    """Height and width in pixels that a map covers; "pool", with every second column of an odd number, covers more than the image."""
    rows, columns = features.shape[-2:]
    stride = 2 ** math.ceil(math.log2(size[1] / columns))
    return (rows * stride, columns * stride)


def plot_towers(picture: Tensor, bottom_up: dict[str, Tensor], pyramid: dict[str, Tensor], box: Tensor) -> Figure:
    """The image under C2…C5, and P2…P5 and pool beside it, as planes above the same ground, and one object on each.

    Args:
        picture: (3, H, W) in 0–1, padded as the maps are.
        box: (4,) of the object, in pixels of the image.
    """
    size = (picture.shape[-2], picture.shape[-1])
    heights = {"pool": 0.62, "3": 1.6, "2": 2.58, "1": 3.56, "0": 4.54, "image": 5.52}
    left, right = 0.25, 4.1
    with st.style():
        page = Page(6.45)
        page.text(left, 0.15, "bottom-up", fontsize=11, fontweight="bold", color=UP)
        page.text(left, 0.38, "higher up, cells are larger\nand have seen more of the image", color=st.MUTED,
                  linespacing=1.35)  # fmt: skip
        page.text(right, 0.15, "top-down", fontsize=11, fontweight="bold", color=DOWN)
        page.text(right, 0.38, "features of the coarse maps reach the fine ones", color=st.MUTED)
        for x, maps, letter in ((left, bottom_up, "C"), (right, pyramid, "P")):
            below: np.ndarray | None = None
            levels = ["image", *maps] if letter == "C" else list(maps)
            for name in levels:
                ground = (float(size[0]), float(size[1])) if name == "image" else _ground(maps[name], size)
                plane = _Plane(x, heights[name], width=2.15 * ground[1] / size[1])
                corners = plane.corners(box, ground)
                if below is not None:
                    for foot, head in zip(below, corners, strict=True):
                        page.sheet.plot(
                            *zip(foot, head, strict=True), color=st.INK, linewidth=0.6, alpha=0.55, zorder=2.3
                        )
                _draw_plane(page, plane, name, letter, picture, maps, corners, box, ground)
                below = corners
        for name in bottom_up:
            middle = heights[name] + 0.33
            page.arrow((left + 2.85, middle + 0.12), (right + 0.2, middle + 0.12), color=st.MUTED)
            page.text(
                (left + right + 3.05) / 2, middle + 0.16, "lateral 1×1", fontsize=7.5, ha="center", color=st.MUTED
            )
        page.text(right, heights["image"] + 0.12, "A cell of P2 is as small as one of C2, but it\nalso contains what came from C3, C4 and C5.",
                  fontsize=9.5, linespacing=1.5)  # fmt: skip
        steps = list(bottom_up)
        for high, low in pairwise(reversed(steps)):
            x = right + 0.85
            page.arrow((x, heights[high] + 0.68), (x, heights[low] - 0.01), color=DOWN, width=2.6, head=13)
            page.text(
                x - 0.12, heights[high] + 0.82, "cells are copied", fontsize=7.5, color=DOWN, ha="right", va="center"
            )
    return page.figure


def _draw_plane(
    page: Page, plane: _Plane, name: str, letter: str, picture: Tensor, maps: dict[str, Tensor], corners: np.ndarray,
    box: Tensor, ground: tuple[float, float],
) -> None:  # fmt: skip
    """One plane of a tower, the object on it, and beside it its name and the object's size in cells."""
    x, y = plane.x + plane.width + plane.slant + 0.08, plane.y - 0.02
    if name == "image":
        plane.draw(page.sheet, picture.permute(1, 2, 0).cpu().numpy(), st.MUTED)
        page.text(x, y, "image", fontsize=9, fontweight="bold")
        unit, cell = "pixels", 1.0
    else:
        values = strength(maps[name])
        plane.draw(page.sheet, values.cpu().numpy(), st.level_color(name), float(values.quantile(0.95)))
        page.text(x, y, name if name == "pool" else f"{letter}{2 + int(name)}", fontsize=9, fontweight="bold")
        unit = "cells"
        cell = ground[1] / maps[name].shape[-1]
    wide, high = ((box[2:] - box[:2]) / cell).tolist()
    digits = int(unit == "cells")
    page.text(x, y + 0.17, f"{high:.{digits}f}×{wide:.{digits}f}", fontsize=7.5)
    outline = np.concatenate([corners, corners[:1]])
    page.text(x, y + 0.31, unit, fontsize=7.5, color=st.MUTED)
    page.sheet.plot(*outline.T, color=st.INK, linewidth=2.6, zorder=2.2)
    page.sheet.plot(*outline.T, color=st.FOCUS, linewidth=1.5, zorder=2.25)
