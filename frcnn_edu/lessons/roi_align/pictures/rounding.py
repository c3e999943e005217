"""Figures of notebook 11: RoIPool, which rounds a box to whole cells, beside RoIAlign, which does not."""

from collections.abc import Sequence
from math import ceil, floor
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke
from torch import Tensor

from frcnn_edu.lessons.stages import show_map, strength
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes
from frcnn_edu.viz.sheet import Page

from .windows import MIDDLE, draw_bins


def rounded(value: float) -> int:
    """To the nearest whole number, halves away from zero, as RoIPool's kernel does."""
    return floor(value + 0.5) if value >= 0 else -floor(0.5 - value)


def roi_pool_bins(start: float, end: float, bins: int, cells: int) -> list[tuple[int, int]]:
    """RoIPool's bins along one axis, `start` and `end` in cells: the first cell of each, and the one after its last."""
    first, last = rounded(start), rounded(end)
    size = max(last - first + 1, 1) / bins
    edges = [(floor(k * size) + first, ceil((k + 1) * size) + first) for k in range(bins)]
    return [(min(max(a, 0), cells), min(max(b, 0), cells)) for a, b in edges]


def plot_roi_pool_and_align(box: Tensor, features: Tensor, scale: float, key: str, bins: int = 7) -> Figure:
    """The cells that RoIPool takes for a box, and the points at which RoIAlign reads the map.

    Args:
        box: (4,) in pixels.
        features: the map (1, C, H, W) with `scale` cells per pixel and level name `key`.
    """
    on_map = box * scale
    x1, y1, x2, y2 = on_map.tolist()
    rows, columns = features.shape[-2:]
    across, down = roi_pool_bins(x1, x2, bins, columns), roi_pool_bins(y1, y2, bins, rows)
    left, top, right, bottom = floor(x1) - 2, floor(y1) - 2, ceil(x2) + 2.4, ceil(y2) + 2.4
    wide = 3.82
    high = wide * (bottom - top) / (right - left)
    moves = [(rounded(v) - v) / scale for v in (x1, y1, x2, y2)]
    size_x, size_y = ((rounded(b) - rounded(a) + 1) / bins for a, b in ((x1, x2), (y1, y2)))
    widened = max(
        max(first + k * size - a, b - first - (k + 1) * size) / scale
        for parts, first, size in ((across, rounded(x1), size_x), (down, rounded(y1), size_y))
        for k, (a, b) in enumerate(parts)
    )
    with st.style():
        page = Page(0.42 + high + 0.62)
        for number, title in enumerate(("RoIPool takes whole cells", "RoIAlign reads between the cells")):
            x = 0.08 + number * (wide + 0.2)
            ax = page.panel(x, 0.36, wide, high)
            show_map(ax, strength(features), st.level_color(key))
            page.text(x, 0.1, title, fontsize=9.5, fontweight="bold")
            if number == 0:
                x_parts, y_parts = across, down
                region = (across[0][0], down[0][0], across[-1][1], down[-1][1])
                draw_boxes(ax, torch.tensor([region]), st.INK, linewidth=2)
                draw_boxes(ax, on_map[None] + MIDDLE, st.PROPOSAL, linewidth=1.6, dashes=(3, 2))
                corners = [[rounded(v) + MIDDLE for v in ends] for ends in ((x1, x2, x1, x2), (y1, y1, y2, y2))]
                ax.plot(*corners, "o", color=st.INK, markersize=6, markeredgecolor=st.PAPER, zorder=5)
            else:
                draw_bins(ax, on_map, bins)
                x_parts, y_parts = (
                    [(a + MIDDLE + k * (b - a) / bins, a + MIDDLE + (k + 1) * (b - a) / bins) for k in range(bins)]
                    for a, b in ((x1, x2), (y1, y2))
                )
                region = (x1 + MIDDLE, y1 + MIDDLE, x2 + MIDDLE, y2 + MIDDLE)
            _draw_extents(ax, x_parts, y_parts, (region[0], region[1]))
            ax.set(xlim=(left, right), ylim=(bottom, top))
        told = "x1, y1, x2 and y2 (dashed) move by " + ", ".join(f"{move:+.1f}" for move in moves) + " pixels,"
        told += "\neach to the centre of a cell (dots); these cells are read entirely (black)."
        told += f"\nBins are extended to whole cells, by up to {widened:.1f} pixels, and overlap."
        page.text(
            0.08,
            0.44 + high,
            told.replace("-0.0", "0.0").replace("-", "−"),
            color=st.MUTED,
            fontsize=7.5,
            linespacing=1.4,
        )
        told = "No corner moves and no bin is extended.\nEach bin has four points, each between four cells."
        page.text(0.28 + wide, 0.44 + high, told, color=st.MUTED, fontsize=7.5, linespacing=1.4)
    return page.figure


def _draw_extents(
    ax: Axes, across: Sequence[tuple[float, float]], down: Sequence[tuple[float, float]], corner: tuple[float, float]
) -> None:
    """How far each column and each row of bins reaches, as bars in two rows, outside of the region's `corner`."""
    look: dict[str, Any] = {"color": st.PAPER, "linewidth": 2.4, "solid_capstyle": "butt"}
    look["path_effects"] = [Stroke(linewidth=4.2, foreground=st.INK), Normal()]
    for k, (a, b) in enumerate(across):
        y = corner[1] - 0.45 - 0.5 * (k % 2)
        ax.plot([a + 0.06, b - 0.06], [y, y], **look)
    for k, (a, b) in enumerate(down):
        x = corner[0] - 0.45 - 0.5 * (k % 2)
        ax.plot([x, x], [a + 0.06, b - 0.06], **look)
