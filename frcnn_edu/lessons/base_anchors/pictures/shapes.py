"""How well a set of base anchors fits boxes of every width and height, when only shapes are compared."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from torch import Tensor

from frcnn_edu.ops import box_iou
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, panels

LEAST, MOST = 6.0, 200.0  # widths and heights shown, in pixels
TICKS = (8, 16, 32, 64, 128)


def around_zero(shapes: Tensor) -> Tensor:
    """Boxes of these widths and heights centred on (0, 0): (N, 2) → (N, 4)."""
    return torch.cat((-shapes, shapes), dim=1) / 2


def best_shape_iou(shapes: Tensor, anchors: Tensor) -> Tensor:
    """The best IoU of each width and height with any base anchor, both around (0, 0): (N, 2), (A, 4) → (N,)."""
    return box_iou(around_zero(shapes), anchors).amax(dim=1)


def shape_map(anchors: Tensor, cells: int = 160) -> Tensor:
    """`best_shape_iou` over all widths and heights, (cells, cells): rows are heights, both evenly spaced in logarithm."""
    lengths = torch.logspace(np.log10(LEAST), np.log10(MOST), cells + 1, dtype=torch.float64)
    middles = (lengths[:-1] * lengths[1:]).sqrt().float()
    h, w = torch.meshgrid(middles, middles, indexing="ij")
    return best_shape_iou(torch.stack((w, h), dim=-1).view(-1, 2), anchors).view(cells, cells)


def draw_shape_map(ax: Axes, anchors: Tensor, *, anchor_size: float = 6.0) -> Tensor:
    """The heat map, with the anchors as squares and contours at IoU 0.5 and 0.7; returns its values."""
    values = shape_map(anchors)
    edges = np.logspace(np.log10(LEAST), np.log10(MOST), len(values) + 1)
    middles = np.sqrt(edges[:-1] * edges[1:])
    ax.pcolormesh(edges, edges, values.numpy(), cmap=st.FEATURE_CMAP, vmin=0, vmax=1, rasterized=True)
    lines = ax.contour(middles, middles, values.numpy(), levels=[0.5, 0.7], colors="#ffffff", linewidths=[0.7, 1.2])
    lines.set_alpha(0.9)
    widths, heights = (anchors[:, 2:] - anchors[:, :2]).T.tolist()
    ax.scatter(
        widths, heights, marker="s", s=anchor_size**2, facecolor=st.ANCHOR, edgecolor=st.INK, linewidth=0.9, zorder=4
    )
    ax.set(xscale="log", yscale="log", xlim=(LEAST, MOST), ylim=(LEAST, MOST), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(FixedLocator(TICKS))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter("{x:.0f}")
    ax.grid(False)
    return values


def plot_best_shape(anchors: Tensor, objects: Tensor, followed: Tensor) -> Figure:
    """For each width and height the best IoU with any anchor on the same centre; and the objects of a data set.

    Args:
        anchors: (A, 4) base anchors around (0, 0).
        objects: (N, 2) widths and heights.
        followed: (2,) width and height of the object that is followed.
    """
    with st.style():
        figure = Figure(figsize=(WIDTH, 6.0))
        ax = figure.add_axes((0.08, 0.085, 0.675, 0.865))
        draw_shape_map(ax, anchors)
        across, up = objects.T.tolist()
        ax.scatter(across, up, s=2.6, color="#ffffff", edgecolor=st.GROUND_TRUTH, linewidth=0.55, zorder=3)
        w, h = followed.tolist()
        ax.plot(w, h, marker="P", color=st.FOCUS, markeredgecolor="#000000", markersize=12, zorder=6)
        ax.set(xlabel="width in pixels", ylabel="height in pixels")
        ax.set_title("best IoU of a box with any of the anchors, by shape alone")
        _explain(figure, objects, followed, best_shape_iou(followed[None], anchors))
    return figure


def _explain(figure: Figure, objects: Tensor, followed: Tensor, best: Tensor) -> None:
    """The legend on the right of the heat map: a colour scale, and the meaning of the marks."""
    scale = figure.add_axes((0.79, 0.52, 0.028, 0.4))
    ramp = np.linspace(0, 1, 200)[:, None]
    scale.imshow(ramp, cmap=st.FEATURE_CMAP, aspect="auto", origin="lower", extent=(0, 1, 0, 1), vmin=0, vmax=1)
    scale.set(xticks=[], yticks=[0, 0.5, 0.7, 1], yticklabels=["0", "0.5", "0.7", "1"])
    scale.yaxis.tick_right()
    scale.grid(False)
    scale.axhline(0.5, color="#ffffff", linewidth=0.7)
    scale.axhline(0.7, color="#ffffff", linewidth=1.2)
    scale.set_title("IoU", fontsize=9)
    marks = figure.add_axes((0.775, 0.085, 0.22, 0.36))
    marks.set(xlim=(0, 10), ylim=(10, 0))
    marks.set_axis_off()
    marks.scatter([0.8], [1.3], marker="s", s=36, facecolor=st.ANCHOR, edgecolor=st.INK, linewidth=0.9)
    marks.text(1.8, 1.3, "a base anchor", va="center")
    marks.scatter([0.8], [3.6], s=12, color="#ffffff", edgecolor=st.GROUND_TRUTH, linewidth=0.9)
    marks.text(1.8, 3.6, f"an object of the\ntraining set ({len(objects)})", va="center", linespacing=1.3)
    marks.plot(0.8, 6.4, marker="P", color=st.FOCUS, markeredgecolor="#000000", markersize=12)
    w, h = followed.tolist()
    marks.text(1.8, 6.4, f"our cross, {h:.0f}×{w:.0f}:\nbest IoU {float(best):.2f}", va="center", linespacing=1.3)


def plot_shape_choices(choices: Sequence[tuple[str, Tensor, str]]) -> Figure:
    """The heat maps of several sets of base anchors beside each other: (title, anchors (A, 4), caption)."""
    with st.style():
        figure, axes = panels([1.0] * len(choices), columns=len(choices), title=0.1, caption=0.42, gap=0.3)
        for ax, (title, anchors, words) in zip(axes, choices, strict=True):
            draw_shape_map(ax, anchors, anchor_size=3.6)
            ax.tick_params(labelsize=7.5)
            ax.set_title(title, fontsize=9)
            ax.text(0, -0.13, words, transform=ax.transAxes, va="top", fontsize=8, color=st.MUTED, linespacing=1.35)
    return figure
