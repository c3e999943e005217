"""Figures of notebook 07: four numbers that move a box, their units, and their limits."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import TextPath
from torch import Tensor

from frcnn_edu.lessons.logbook import best_anchor
from frcnn_edu.lessons.story import story
from frcnn_edu.ops import BoxCoder, box_iou
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, draw_ground_truth, panels, ratio, show_image
from frcnn_edu.viz.sheet import Page, arrow, bare

DELTAS = ("dx", "dy", "dw", "dh")
RPN = BoxCoder((1.0, 1.0, 1.0, 1.0))


def signed(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def centre_and_size(box: Tensor) -> tuple[float, float, float, float]:
    """(4,) → x, y of the centre, width, height."""
    x1, y1, x2, y2 = box.tolist()
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


# -------------------------------------------------------------------------------------------------- formula and figure


def _pieces(page: Page, x: float, y: float, pieces: Sequence[tuple[str, str | None]], fontsize: float = 10) -> None:
    """Draw words one after another, each on a chip of its colour if it has one; y is their baseline."""
    for text, color in pieces:
        font = FontProperties(family="DejaVu Sans", weight="bold" if color else "normal")
        # A trailing space has no outline of its own, so it is measured together with a letter after it.
        wide, letter = (TextPath((0, 0), t, size=fontsize, prop=font).get_extents().x1 / 72 for t in (text + "|", "|"))
        chip = {"boxstyle": "square,pad=0.14", "facecolor": color, "edgecolor": "none"} if color else None
        page.text(
            x, y, text, fontproperties=font, fontsize=fontsize, va="baseline", bbox=chip,
            color=st.text_color(color) if color else st.INK,
        )  # fmt: skip
        x += wide - letter + (0.07 if color else 0.03)


def _span(ax: Axes, start: tuple[float, float], end: tuple[float, float], color: str, text: str) -> None:
    """Draw a length: a line with an arrowhead at each end, and the number in the middle."""
    look = {"arrowstyle": "<|-|>", "color": color, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    ax.annotate("", end, start, arrowprops=look)
    ax.text(
        (start[0] + end[0]) / 2, (start[1] + end[1]) / 2, text, ha="center", va="center", fontsize=9,
        color=st.text_color(color), fontweight="bold",
        bbox={"boxstyle": "square,pad=0.2", "facecolor": color, "edgecolor": "none"},
    )  # fmt: skip


def plot_box_coding(image: Tensor, anchor: Tensor, target: Tensor) -> Figure:
    """An anchor and its target, both (4,), on the image, and the four formulas with these boxes' numbers in them."""
    deltas = RPN.encode_single(target[None], anchor[None])[0].tolist()
    (xa, ya, wa, ha), (xt, yt, wt, ht) = centre_and_size(anchor), centre_and_size(target)
    a, t, move = st.ANCHOR, st.GROUND_TRUTH, st.PROPOSAL
    with st.style():
        page = Page(4.2)
        ax = page.panel(0.08, 0.08, 4.04, 4.04)
        _draw_measured(ax, image, anchor, target)
        left = 4.4
        _pieces(page, left, 0.3, [("anchor", a)])
        page.text(left + 0.85, 0.3, f"centre ({xa:g}, {ya:g}), {ha:g} high, {wa:g} wide", va="baseline", fontsize=9)
        _pieces(page, left, 0.62, [("target", t)])
        page.text(left + 0.85, 0.62, f"centre ({xt:g}, {yt:g}), {ht:g} high, {wt:g} wide", va="baseline", fontsize=9)
        rows: list[tuple[str, list[tuple[str, str | None]]]] = [
            (
                "dx: to the right, in widths of the anchor",
                [("(", None), (f"{xt:g}", t), ("− ", None), (f"{xa:g}", a), (") / ", None), (f"{wa:g}", a)],
            ),
            (
                "dy: down, in heights of the anchor",
                [("(", None), (f"{yt:g}", t), ("− ", None), (f"{ya:g}", a), (") / ", None), (f"{ha:g}", a)],
            ),
            (
                "dw: wider, as a logarithm",
                [("ln (", None), (f"{wt:g}", t), ("/ ", None), (f"{wa:g}", a), (")", None)],
            ),
            (
                "dh: taller, as a logarithm",
                [("ln (", None), (f"{ht:g}", t), ("/ ", None), (f"{ha:g}", a), (")", None)],
            ),
        ]
        for i, ((words, formula), value) in enumerate(zip(rows, deltas, strict=True)):
            y = 1.2 + 0.78 * i
            page.text(left, y, words, va="baseline", color=st.MUTED, fontsize=8.5)
            _pieces(page, left, y + 0.31, formula)
            _pieces(page, left + 2.3, y + 0.31, [("=  ", None), (signed(value), move)], fontsize=11)
    return page.figure


def _draw_measured(ax: Axes, image: Tensor, anchor: Tensor, target: Tensor) -> None:
    """Both boxes with their sizes and the shift from centre to centre, on a part of the image."""
    (xa, ya, wa, ha), (xt, yt, wt, ht) = centre_and_size(anchor), centre_and_size(target)
    low, high = torch.minimum(anchor[:2], target[:2]), torch.maximum(anchor[2:], target[2:])
    margin = 0.17 * float((high - low).max())
    side = float((high - low).max()) + 2 * margin
    (left, top), (right, bottom) = (low - margin).tolist(), (high + margin).tolist()
    show_image(ax, image, dim=0.5)
    ax.set(xlim=(left, left + side), ylim=(top + side, top))
    draw_boxes(ax, anchor[None], st.ANCHOR, linewidth=2.4)
    draw_boxes(ax, target[None], st.GROUND_TRUTH, linewidth=2.2, dashes=st.DASHES)
    out = margin / 2
    _span(ax, (xa - wa / 2, top + out), (xa + wa / 2, top + out), st.ANCHOR, f"{wa:g}")
    _span(ax, (right - out, ya - ha / 2), (right - out, ya + ha / 2), st.ANCHOR, f"{ha:g}")
    _span(ax, (xt - wt / 2, bottom - out), (xt + wt / 2, bottom - out), st.GROUND_TRUTH, f"{wt:g}")
    _span(ax, (left + out, yt - ht / 2), (left + out, yt + ht / 2), st.GROUND_TRUTH, f"{ht:g}")
    look = {"color": st.PROPOSAL, "linewidth": 2.2, "arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0}
    for start, end in (((xa, ya), (xt, ya)), ((xt, ya), (xt, yt))):
        ax.annotate("", end, start, arrowprops=look)
    chip = {"boxstyle": "square,pad=0.15", "facecolor": st.PROPOSAL, "edgecolor": "none"}
    words: dict[str, Any] = {"fontsize": 9, "fontweight": "bold", "bbox": chip}
    gap = 0.02 * side
    ax.text((xa + xt) / 2, ya + gap, signed(xt - xa, 1), ha="center", va="top", **words)
    ax.text(xt - gap, (ya + yt) / 2, signed(yt - ya, 1), ha="right", va="center", **words)
    ax.scatter(
        [xa, xt], [ya, yt], s=30, color=[st.ANCHOR, st.GROUND_TRUTH], edgecolors=st.INK, linewidths=0.7, zorder=5
    )


def plot_same_deltas(anchors: Tensor, deltas: Tensor) -> Figure:
    """The same deltas (4,) applied to anchors (N, 4) of several sizes: each moves and grows in units of its own size."""
    moved = RPN.decode_single(deltas.expand(len(anchors), 4), anchors)
    everything = torch.cat((anchors, moved))
    low, high = everything[:, :2].amin(dim=0) - 4, everything[:, 2:].amax(dim=0) + 4
    with st.style():
        figure, (ax,) = panels([float((high - low)[1] / (high - low)[0])], columns=1, caption=0.34)
        ax.set(xlim=(float(low[0]), float(high[0])), ylim=(float(high[1]), float(low[1])), aspect="equal")
        bare(ax)
        draw_boxes(ax, anchors, st.ANCHOR, linewidth=2, fill=0.15, halo=False)
        draw_boxes(ax, moved, st.PROPOSAL, linewidth=2, halo=False)
        for before, after in zip(anchors, moved, strict=True):
            (xa, ya, wa, ha), (xm, ym, wm, hm) = centre_and_size(before), centre_and_size(after)
            arrow(ax, (xa, ya), (xm, ym), color=st.INK)
            words = f"{ha:g}×{wa:g} to {hm:.0f}×{wm:.0f}:\n{xm - xa:g} right, {ym - ya:g} down"
            x, y = float(before[0]), float(torch.maximum(before, after)[3]) + 1
            ax.text(x, y, words, va="top", fontsize=8, linespacing=1.35)
    return figure


# --------------------------------------------------------------------------------------------------------------- limits


def plot_delta_clamp(coder: BoxCoder = RPN, pixels: float = 16.0) -> Figure:
    """The factor by which dw changes a width, with and without the upper limit, and the widths that a box of `pixels` gets."""
    limit = coder.bbox_xform_clip
    dw = torch.linspace(-7, 7, 561)
    reference = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(len(dw), 4)
    moves = torch.zeros(len(dw), 4)
    moves[:, 2] = dw * coder.weights[2]
    boxes = coder.decode_single(moves, reference)
    factor = boxes[:, 2] - boxes[:, 0]
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.3))
        ax = figure.add_axes((0.085, 0.14, 0.44, 0.76))
        ax.plot(dw, dw.exp(), color=st.MUTED, linewidth=1.2, linestyle="--")
        ax.plot(dw, factor, color=st.PROPOSAL, linewidth=2.4)
        ax.set(yscale="log", xlabel="dw", xlim=(-7, 7), ylim=(5e-4, 2e3), xticks=range(-6, 7, 2))
        ax.set_yticks([1e-3, 1e-2, 0.1, 1, 10, 100, 1000], ["1/1000", "1/100", "1/10", "1", "10", "100", "1000"])
        ax.minorticks_off()
        ax.set_title("factor applied to the width", fontsize=9)
        for x, text, left, height, side in (
            (0.0, "0: unchanged", 0.5, 0.55, "left"),
            (math.log(2), f"{math.log(2):.2f}: twice", 1.3, 1.7, "left"),
            (-math.log(2), f"−{math.log(2):.2f}: half", -1.1, 0.8, "right"),
            (limit, f"limit {limit:.3f}:\n{math.exp(limit):.1f} times", 3.7, 90, "right"),
        ):
            ax.scatter([x], [math.exp(x)], s=22, color=st.INK, zorder=4)
            ax.text(left, height, text, fontsize=8, ha=side, va="center")
        ax.text(6.6, 800, "exp", color=st.MUTED, fontsize=8.5, ha="right", va="bottom")
        ax.text(-4.3, 4e-3, "no limit below", fontsize=8, va="top")

        right = figure.add_axes((0.6, 0.14, 0.385, 0.76))
        steps = list(range(-1, 7))
        for row, step in enumerate(steps):
            move = torch.tensor([[0.0, 0.0, step * coder.weights[2], 0.0]])
            box = coder.decode_single(move, torch.tensor([[0.0, 0.0, pixels, pixels]]))[0]
            wide = float(box[2] - box[0])
            clamped = step > limit
            right.add_patch(
                Rectangle((0, row - 0.36), wide, 0.72, facecolor=st.PROPOSAL, alpha=1.0 if not clamped else 0.55)
            )
            text = f"{wide:.0f}" + (f", not {pixels * math.exp(step):.0f}" if clamped else "")
            right.text(min(wide, 560) + 14, row, text, va="center", fontsize=8, color=st.INK)
        right.set(xlim=(0, 1040), ylim=(len(steps) - 0.4, -0.6), yticks=range(len(steps)), xticks=[0, 500, 1000])
        right.set_yticklabels([signed(step, 0) for step in steps])
        right.set(xlabel="pixels", ylabel="dw")
        right.grid(False)
        right.set_title(f"new width of a box {pixels:g} pixels wide", fontsize=9)
    return figure


def plot_target_spread(rows: Sequence[tuple[str, Tensor, str]]) -> Figure:
    """Histograms of the four target deltas with the standard normal curve, a row per set: (title, (N, 4), colour)."""
    edges = np.linspace(-3.5, 3.5, 36)
    normal = np.exp(-(np.linspace(-3.5, 3.5, 141) ** 2) / 2) / math.sqrt(2 * math.pi)
    with st.style():
        figure, axes = panels([0.62] * 4 * len(rows), columns=4, title=0.36, caption=0.16, gap=0.12)
        for i, ax in enumerate(axes):
            row, k = divmod(i, 4)
            title, targets, color = rows[row]
            values = targets[:, k].numpy()
            heights, _ = np.histogram(values, edges, density=True)
            ax.bar(edges[:-1], heights, np.diff(edges), align="edge", color=color)
            ax.plot(np.linspace(-3.5, 3.5, 141), normal, color=st.INK, linewidth=1.1, linestyle="--")
            ax.set(
                xlim=(-3.5, 3.5), xticks=[-3, -2, -1, 0, 1, 2, 3], yticks=[], ylim=(0, 1.15 * max(heights.max(), 0.4))
            )
            ax.tick_params(labelsize=7.5, pad=1, length=2)
            ax.grid(False)
            ax.spines["left"].set_visible(False)
            ax.text(0.99, 0.96, f"{DELTAS[k]}\n±{values.std():.2f}", transform=ax.transAxes, ha="right", va="top")
            if k == 0:
                ax.set_title(title, fontsize=9)
    return figure


# ---------------------------------------------------------------------------------------------------------- conventions


def plot_conventions(image: Tensor, target: Tensor, readings: Sequence[tuple[str, Tensor]]) -> Figure:
    """The box (4,) that results from each way of writing the same target: (title, box)."""
    with st.style():
        figure, axes = panels([ratio(image)] * len(readings), columns=3, title=0.24, caption=0.2, gap=0.1)
        for ax, (title, box) in zip(axes, readings, strict=True):
            show_image(ax, image, dim=0.4)
            draw_boxes(ax, _ordered(box)[None], st.DETECTION, linewidth=2.2)
            draw_ground_truth(ax, target[None])
            ax.set_title(title, fontsize=9)
            if float((box - target).abs().max()) > 0 and float(box.abs().max()) < 1:
                look = {"arrowstyle": "-|>", "color": st.DETECTION, "linewidth": 1.4}
                ax.annotate("here, smaller than a pixel", (1, 1), (14, 22), arrowprops=look, fontsize=8)
            width, height = (box[2:] - box[:2]).tolist()
            iou = float(box_iou(target[None], box[None]))
            words = f"IoU {iou:.2f}" if width > 0 and height > 0 else f"{height:g}×{width:g}: no box"
            numbers = ", ".join(f"{v:.4g}" if v >= 1 else f"{v:.2f}" for v in box.tolist())
            ax.text(
                0, -0.03, f"({numbers})  {words}".replace("-", "−"), transform=ax.transAxes, va="top", fontsize=8,
                color=st.MUTED,
            )  # fmt: skip
    return figure


def _ordered(box: Tensor) -> Tensor:
    """A box with its corners in the right order, so that one with a negative side can be drawn."""
    return torch.cat((torch.minimum(box[:2], box[2:]), torch.maximum(box[:2], box[2:])))


def _opening() -> Figure:
    return plot_box_coding(story().resized, best_anchor(), story().box)


FIGURES: dict[str, Callable[[], Figure]] = {"box_coding": _opening, "delta_clamp": plot_delta_clamp}
