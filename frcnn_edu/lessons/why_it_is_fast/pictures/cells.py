"""The cells of a map: which of them contribute to a bin of RoIAlign, and where their numbers are in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH
from frcnn_edu.viz.sheet import bare

from ..work import bin_weights, memory_positions
from .counts import FAST


def plot_bin(cases: Sequence[tuple[str, Tensor, int, int]], bins: int = 7, ratio: int = 2) -> Figure:
    """A bin of each of several boxes, side by side: its sampling points, and the weight of each cell.

    Args:
        cases: title, box (4,) in cells, and row and column of the bin.
    """
    with st.style():
        figure = Figure(figsize=(WIDTH, 4.25))
        for index, (title, box, row, column) in enumerate(cases):
            ax = figure.add_axes((0.01 + index / len(cases), 0.01, 1 / len(cases) - 0.02, 0.91))
            size = (int(box[3]) + 4, int(box[2]) + 4)
            weights = bin_weights(box, bins, ratio, row, column, size)
            side = (box[2:] - box[:2]) / bins
            # The value of a cell is at its index, which is drawn at its centre.
            x, y = (box[:2] + torch.tensor([column, row]) * side + 0.5).tolist()  # the bin's corner
            wide, high = side.tolist()
            left, top = int(x + wide / 2 - 2.5), int(y + high / 2 - 2.5)  # of the 6×6 cells that are shown
            for i, j in np.ndindex(6, 6):
                weight = float(weights[top + i, left + j])
                tint = 0.8 * weight / float(weights.max())
                face = (*to_rgb(FAST), tint)
                ax.add_patch(Rectangle((left + j, top + i), 1, 1, facecolor=face, edgecolor=st.FAINT, linewidth=0.8))
                if weight:
                    place = _clear_place(left + j, top + i, (x, y, x + wide, y + high), ratio)
                    color = st.PAPER if tint > 0.45 else st.INK
                    ax.text(*place, f"{weight:.3f}", ha="center", va="center", fontsize=8, color=color)
            ax.add_patch(Rectangle((x, y), wide, high, fill=False, edgecolor=st.PROPOSAL, linewidth=2.4))
            look: dict[str, Any] = {"s": 42, "color": st.FOCUS, "edgecolor": st.INK, "linewidths": 0.9, "zorder": 3}
            ax.scatter(*zip(*_points((x, y, x + wide, y + high), ratio)), **look)
            ax.set(xlim=(left, left + 6), ylim=(top + 6, top), aspect="equal")
            bare(ax)
            ax.set_title(f"{title}: a bin of {int((weights > 0).sum())} cells")
    return figure


def _points(box: tuple[float, float, float, float], ratio: int) -> list[tuple[float, float]]:
    """The ratio² evenly spaced points of a bin, xyxy."""
    x1, y1, x2, y2 = box
    shares = [(k + 0.5) / ratio for k in range(ratio)]
    return [(x1 + a * (x2 - x1), y1 + b * (y2 - y1)) for b in shares for a in shares]


def _clear_place(x: float, y: float, box: tuple[float, float, float, float], ratio: int) -> tuple[float, float]:
    """The place in the cell with its corner at (x, y) that is farthest from the bin's points and sides."""
    points, (x1, y1, x2, y2) = _points(box, ratio), box

    def room(place: tuple[float, float]) -> float:  # beyond half of a number's width and height
        across, up = ([abs(place[axis] - side) for side in sides] for axis, sides in ((0, (x1, x2)), (1, (y1, y2))))
        to_sides = [d - 0.28 for d in across if y1 - 0.1 <= place[1] <= y2 + 0.1]
        to_sides += [d - 0.11 for d in up if x1 - 0.3 <= place[0] <= x2 + 0.3]
        to_points = [max(abs(place[0] - px) - 0.36, abs(place[1] - py) - 0.19) for px, py in points]
        return min(0.06, *to_sides, *to_points)  # more room is not better

    shares = (0.5, 0.7, 0.3, 0.82, 0.18)
    return max(((x + a, y + b) for b in shares for a in (0.5, 0.36, 0.64, 0.7, 0.3)), key=room)


def plot_memory_order(x: Tensor, cell: tuple[int, int]) -> Figure:
    """Where each number of a map (1, C, H, W) is in memory: with the channels first, and with the channels last.

    Args:
        cell: (row, column) whose channels are marked.
    """
    _, channels, height, width = x.shape
    layouts = [
        ("channels first: one channel after another", x.contiguous()),
        ("channels last: all channels of a cell side by side", x.contiguous(memory_format=torch.channels_last)),
    ]
    with st.style():
        figure = Figure(figsize=(WIDTH, 4.9))
        for index, (title, laid_out) in enumerate(layouts):
            bottom = 0.51 - 0.5 * index
            figure.text(0.012, bottom + 0.45, title, fontsize=10, fontweight="bold")
            positions = memory_positions(laid_out)[0]  # (C, H, W)
            marked = positions[:, cell[0], cell[1]].tolist()
            for channel in range(channels):
                ax = figure.add_axes((0.012 + channel / channels, bottom + 0.135, 1 / channels - 0.03, 0.24))
                for i, j in np.ndindex(height, width):
                    _box(ax, j, i, str(int(positions[channel, i, j])), (i, j) == cell)
                ax.set(xlim=(0, width), ylim=(height, 0))
                ax.set_title(f"channel {channel}", fontsize=9, fontweight="normal", color=st.MUTED, pad=4)
                bare(ax)
            strip = figure.add_axes((0.012, bottom + 0.03, 0.976, 0.05))
            for place in range(positions.numel()):
                _box(strip, place, 0, str(place), place in marked, fontsize=7.5)
            strip.set(xlim=(0, positions.numel()), ylim=(1, 0))
            strip.text(0, -0.3, "in memory", color=st.MUTED, va="bottom")
            bare(strip)
    return figure


def _box(ax: Axes, x: float, y: float, text: str, marked: bool, fontsize: float = 9) -> None:
    color = st.FOCUS if marked else st.PAPER
    ax.add_patch(Rectangle((x, y), 1, 1, facecolor=color, edgecolor=st.MUTED, linewidth=0.7, clip_on=False))
    weight = "bold" if marked else "normal"
    ax.text(x + 0.5, y + 0.52, text, ha="center", va="center", fontsize=fontsize, fontweight=weight)
