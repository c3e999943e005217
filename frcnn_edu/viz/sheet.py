"""Sheets that are measured in inches or in cells: words, arrows, grids and tables of numbers."""

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from torch import Tensor

from . import style as st
from .draw import WIDTH


class Page:
    """A figure measured in inches from its top left corner, with a sheet underneath for words, cards and arrows."""

    def __init__(self, height: float) -> None:
        self.height = height
        self.figure = Figure(figsize=(WIDTH, height))
        self.sheet = self.figure.add_axes((0, 0, 1, 1))
        self.sheet.set(xlim=(0, WIDTH), ylim=(height, 0))
        self.sheet.set_axis_off()

    def panel(self, x: float, y: float, width: float, height: float) -> Axes:
        return self.figure.add_axes((x / WIDTH, 1 - (y + height) / self.height, width / WIDTH, height / self.height))

    def text(self, x: float, y: float, text: str, **kwargs: Any) -> None:
        self.sheet.text(x, y, text, **{"va": "top", "fontsize": 8, **kwargs})

    def arrow(self, *points: tuple[float, float], color: str = st.MUTED, width: float = 1.4, head: float = 9) -> None:
        """An arrow along straight lines through the points."""
        for start, end in pairwise(points[:-1]):
            self.sheet.plot(*zip(start, end, strict=True), color=color, linewidth=width, solid_capstyle="projecting")
        start, end = points[-2:]
        look: dict[str, Any] = {"color": color, "linewidth": width, "mutation_scale": head}
        self.sheet.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", shrinkA=0, shrinkB=0, **look))

    def heading(self, x: float, y: float, number: int, title: str, color: str, caption: str) -> None:
        """A stage's numbered chip with its name, and a few words underneath."""
        self.sheet.text(
            x + 0.09, y + 0.09, str(number), ha="center", va="center_baseline", fontsize=8, fontweight="bold",
            color=st.text_color(color), bbox={"boxstyle": "circle,pad=0.22", "facecolor": color, "edgecolor": "none"},
        )  # fmt: skip
        self.text(x + 0.26, y + 0.09, title, fontsize=9.5, fontweight="bold", va="center_baseline")
        self.text(x, y + 0.25, caption, color=st.MUTED, fontsize=7.5)


def bare(ax: Axes) -> None:
    """No ticks, no grid, no frame."""
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)


def arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], color: str = st.MUTED) -> None:
    """A straight arrow in the data units of `ax`."""
    look = {"arrowstyle": "-|>", "color": color, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=look)


def caption(ax: Axes, text: str, color: str = st.MUTED, fontsize: float = 8) -> None:
    """Some words just below a panel."""
    ax.text(0, -0.03, text, transform=ax.transAxes, va="top", fontsize=fontsize, color=color, linespacing=1.35)


def draw_grid(
    ax: Axes, rows: int, columns: int, stride: tuple[float, float] = (1.0, 1.0), color: str = st.INK, **look: Any
) -> None:
    """The borders of rows × columns cells, starting at (0, 0); `stride` is a cell's (height, width) in data units."""
    high, wide = rows * stride[0], columns * stride[1]
    lines = [[(x * stride[1], 0.0), (x * stride[1], high)] for x in range(columns + 1)]
    lines += [[(0.0, y * stride[0]), (wide, y * stride[0])] for y in range(rows + 1)]
    ax.add_collection(LineCollection(lines, colors=color, **{"linewidths": 0.5, "alpha": 0.5, **look}), autolim=False)


def number_table(
    sheet: Axes,
    values: Tensor,
    left: float,
    top: float,
    cell: float,
    title: str,
    *,
    tint: str,
    color: str = st.MUTED,
) -> None:
    """A table of numbers (rows, columns) in square cells: the further a number is from 0, the stronger its tint.

    Args:
        left, top: its top left corner, in the data units of `sheet`, whose y axis points down.
        cell: side of a cell. (With one inch per unit, 0.25 is small and readable.)
        color: the colour of the frame.
    """
    values = values.detach().cpu()
    largest = float(values.abs().max()) or 1.0
    for (i, j), value in np.ndenumerate(values.numpy()):
        shade = (*to_rgb(tint), 0.5 * abs(value) / largest)
        sheet.add_patch(
            Rectangle((left + j * cell, top + i * cell), cell, cell, facecolor=shade, edgecolor=st.FAINT, linewidth=0.6)
        )
        sheet.text(
            left + (j + 0.5) * cell, top + (i + 0.52) * cell, short_number(float(value)), ha="center", va="center",
            fontsize=6.3 if cell < 0.26 else 7.5,
        )  # fmt: skip
    rows, columns = values.shape
    sheet.add_patch(
        Rectangle((left, top), columns * cell, rows * cell, fill=False, edgecolor=color, linewidth=1.4, zorder=3)
    )
    sheet.text(left, top - 0.09, title, va="bottom", fontweight="bold")


def short_number(value: float) -> str:
    """At most three characters and a sign: 12, 3.4, .56."""
    value = round(value, 9)  # the last bits differ from CPU to CPU, and would decide where a digit is a tie
    whole = round(value)
    if abs(value) >= 10 or abs(value - whole) < 1e-9:
        return f"{whole}".replace("-", "−")
    text = f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}".replace("0.", ".")
    return text.replace("-", "−")
