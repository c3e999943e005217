"""Why it is fast, in pictures: what is computed, what is spared, and where numbers lie in memory.

Everything here is counted, never timed, so a picture is the same on every computer. Throughout, grey is what the textbook
does and blue is what this package does.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from torch import Tensor

from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, legend_on_top
from frcnn_edu.viz.sheet import bare

from ..work import PICTURE, Layer, Saving, bin_weights, memory_positions

TEXTBOOK, HERE = st.IGNORED, st.FOREGROUND


def plot_savings(layers: Sequence[Layer], savings: Sequence[Saving], proposals: int = 1000) -> Figure:
    """Multiplications stage by stage, and what else there is less of.

    Args:
        layers: of `convolutions_of_full_model`.
        proposals: how many the box head of 91 classes sees.
    """
    box_head = proposals * (256 * 7 * 7 * 1024 + 1024 * 1024 + 1024 * 5 * 91)
    stages = {name: [0.0, 0.0] for name in ("body", "FPN", "RPN head")}
    for layer in layers:
        stages[layer.stage][0] += layer.multiplications / 1e9
        stages[layer.stage][1] += layer.here / 1e9
    stages["box head"] = [box_head / 1e9] * 2
    with st.style():
        figure = Figure(figsize=(WIDTH, 4.7))
        upper = figure.add_axes((0.235, 0.545, 0.61, 0.33))
        most = max(textbook for textbook, _ in stages.values())
        for row, (name, (textbook, here)) in enumerate(stages.items()):
            _pair_of_bars(upper, row, name, textbook / most, here / most)
            text = f"{textbook:.0f}" if here == textbook else f"{textbook:.0f} → {here:.0f}"
            upper.text(textbook / most + 0.012, row, text, va="center", fontweight="bold")
        upper.set_title("multiplications, in thousand millions", pad=8)
        upper.text(1, 1.06, "model/fast/winograd.py", transform=upper.transAxes, color=st.MUTED, fontsize=8, ha="right")

        lower = figure.add_axes((0.235, 0.03, 0.48, 0.4))
        for row, saving in enumerate(savings):
            _pair_of_bars(lower, row, saving.what, 1.0, saving.here / saving.textbook)
            text = f"{_amount(saving.textbook, saving.unit)} → {_amount(saving.here, saving.unit)}"
            lower.text(1.015, row - 0.04, text, va="bottom", fontweight="bold")
            lower.text(1.015, row + 0.06, saving.where, va="top", color=st.MUTED, fontsize=8)
        lower.set_title("and what else there is less of", pad=8)
        for ax, rows in ((upper, len(stages)), (lower, len(savings))):
            ax.set(xlim=(0, 1), ylim=(rows - 0.4, -0.6), xticks=[], yticks=[])
            ax.grid(False)
            ax.spines[:].set_visible(False)
        legend_on_top(figure, [Patch(color=TEXTBOOK, label="the textbook"), Patch(color=HERE, label="here")])
    return figure


def _pair_of_bars(ax: Axes, row: int, label: str, textbook: float, here: float) -> None:
    ax.barh(row, textbook, height=0.68, color=TEXTBOOK, alpha=0.55)
    ax.barh(row, max(here, 0.002), height=0.34, color=HERE)
    ax.text(-0.015, row, label, ha="right", va="center", transform=ax.transData)


def _amount(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / 1e6:,.0f} MB"
    return f"{value / 1e6:,.0f} million" if value >= 1e7 else f"{value:,.0f}"


def plot_survivors(steps: Sequence[tuple[str, int, str, str]]) -> Figure:
    """How many boxes are left after each step, on a logarithmic scale.

    Args:
        steps: what they are, how many, their colour; and who computes a box for each of them: "textbook", "here" or "".
    """
    tall = 0.36 * len(steps) + 0.3
    with st.style():
        figure = Figure(figsize=(WIDTH, tall))
        ax = figure.add_axes((0.21, 0.25 / tall, 0.5, 1 - 0.28 / tall))
        for row, (what, number, color, who) in enumerate(steps):
            ax.barh(row, number, height=0.66, color=color, left=1)
            ax.text(0.82, row, what, ha="right", va="center")
            ax.text(number * 1.2, row, f"{number:,}", va="center", fontweight="bold")
            words, color = {"": ("", ""), "here": ("here: a box for each", HERE)}.get(
                who, ("the textbook: a box for each", st.MUTED)
            )
            if words:
                ax.text(1.07, row, words, transform=ax.get_yaxis_transform(), va="center", color=color)
        ax.set(xscale="log", xlim=(1, 30 * max(number for _, number, *_ in steps)), ylim=(len(steps) - 0.4, -0.6))
        ticks = [10**power for power in range(6)]
        ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        ax.minorticks_off()
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        ax.grid(axis="y", visible=False)
    return figure


def plot_table_of_ious(iou: Tensor, rows: int, piece: int, level_sizes: Sequence[int], columns: int = 780) -> Figure:
    """The table of IoUs as it is worked through: one piece of some rows is held, and of all before it only the best.

    Args:
        iou: (M, N), ground truth by anchor.
        rows: of a piece.
        piece: index of the one that is held.
        level_sizes: anchors of each level, adding up to N.
        columns: of the picture; each shows the largest of its anchors' IoUs.
    """
    first, last = piece * rows, min((piece + 1) * rows, len(iou))
    shown = torch.nn.functional.adaptive_max_pool1d(iou[None], columns)[0]  # (M, columns)
    best = shown[:last].amax(dim=0, keepdim=True)  # (1, columns)
    look: dict[str, Any] = {"cmap": st.FEATURE_CMAP, "vmin": 0, "vmax": 0.8, "aspect": "auto"}
    with st.style():
        figure = Figure(figsize=(WIDTH, 4.0))
        ax = figure.add_axes((0.15, 0.34, 0.835, 0.57))
        ax.imshow(shown.numpy(), extent=(0, columns, len(iou), 0), **look)
        for top, bottom in ((0, first), (last, len(iou))):
            ax.add_patch(Rectangle((0, top), columns, bottom - top, facecolor=st.PAPER, alpha=0.87, edgecolor="none"))
        ax.add_patch(
            Rectangle((0, first), columns, last - first, fill=False, edgecolor=HERE, linewidth=2.4, clip_on=False)
        )
        for edge in range(rows, len(iou), rows):
            ax.axhline(edge, color=st.MUTED, linewidth=0.6, linestyle=(0, (4, 3)))
        ax.set_title(f"{len(iou)} objects × {iou.shape[1]:,} anchors", pad=6)
        held = f"held:\n{last - first} rows"
        for y, text, color in (
            (first / 2, "seen,\nforgotten" if first else "", st.MUTED),
            ((first + last) / 2, held, HERE),
            ((last + len(iou)) / 2, "not yet\ncomputed", st.MUTED),
        ):
            ax.text(-0.015, y, text, transform=ax.get_yaxis_transform(), ha="right", va="center", color=color)
        below = figure.add_axes((0.15, 0.235, 0.835, 0.06))
        below.imshow(best.numpy(), extent=(0, columns, 1, 0), **look)
        below.add_patch(Rectangle((0, 0), columns, 1, fill=False, edgecolor=HERE, linewidth=2.0, clip_on=False))
        below.text(
            -0.015, 0.5, "held: the best\nso far", transform=below.get_yaxis_transform(), ha="right", va="center",
            color=HERE,
        )  # fmt: skip
        band = figure.add_axes((0.15, 0.155, 0.835, 0.04))
        start = 0.0
        for name, size in zip(st.LEVELS, level_sizes, strict=True):
            wide = size / iou.shape[1] * columns
            color = st.level_color(name)
            band.add_patch(Rectangle((start, 0), wide, 1, facecolor=color, edgecolor=st.PAPER, linewidth=0.6))
            if wide > 0.04 * columns:
                band.text(
                    start + wide / 2, 0.5, name, ha="center", va="center", color=st.text_color(color), fontsize=8,
                    fontweight="bold",
                )  # fmt: skip
            start += wide
        band.set(xlim=(0, columns), ylim=(0, 1))
        band.text(-0.015, 0.5, "level", transform=band.get_yaxis_transform(), ha="right", va="center", color=st.MUTED)
        bar = figure.add_axes((0.42, 0.075, 0.3, 0.028))
        bar.imshow(torch.linspace(0, 1, 100)[None].numpy(), cmap=st.FEATURE_CMAP, aspect="auto", extent=(0, 0.8, 0, 1))
        bar.set(yticks=[], xticks=[0, 0.3, 0.7])
        bar.grid(False)
        bar.text(-0.02, 0.5, "IoU", transform=bar.transAxes, ha="right", va="center")
        for axes in (ax, below, band):
            axes.set(xticks=[], yticks=[])
            axes.grid(False)
            axes.spines[:].set_visible(False)
    return figure


def plot_bin(cases: Sequence[tuple[str, Tensor, int, int]], bins: int = 7, ratio: int = 2) -> Figure:
    """One bin of a box beside one of another: its sampling points, and the weight of each cell.

    Args:
        cases: title, box (4,) in cells, row and column of the bin.
    """
    with st.style():
        figure = Figure(figsize=(WIDTH, 4.25))
        for index, (title, box, row, column) in enumerate(cases):
            ax = figure.add_axes((0.01 + index / len(cases), 0.01, 1 / len(cases) - 0.02, 0.91))
            size = (int(box[3]) + 4, int(box[2]) + 4)
            weights = bin_weights(box, bins, ratio, row, column, size)
            side = (box[2:] - box[:2]) / bins
            # A cell's value sits at its index, which is drawn at its middle.
            x, y = (box[:2] + torch.tensor([column, row]) * side + 0.5).tolist()  # the bin's corner
            wide, high = side.tolist()
            left, top = int(x + wide / 2 - 2.5), int(y + high / 2 - 2.5)  # of the 6×6 cells that are shown
            for i, j in np.ndindex(6, 6):
                weight = float(weights[top + i, left + j])
                tint = 0.8 * weight / float(weights.max())
                face = (*to_rgb(HERE), tint)
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
            ax.set_title(f"{title}: {int((weights > 0).sum())} cells")
    return figure


def _points(box: tuple[float, float, float, float], ratio: int) -> list[tuple[float, float]]:
    """The ratio² points that are spread evenly over a bin, xyxy."""
    x1, y1, x2, y2 = box
    shares = [(k + 0.5) / ratio for k in range(ratio)]
    return [(x1 + a * (x2 - x1), y1 + b * (y2 - y1)) for b in shares for a in shares]


def _clear_place(x: float, y: float, box: tuple[float, float, float, float], ratio: int) -> tuple[float, float]:
    """Where in the cell with its corner at (x, y) a number stands farthest from the bin's points and sides."""
    points, (x1, y1, x2, y2) = _points(box, ratio), box

    def room(place: tuple[float, float]) -> float:  # beyond half of a number's width and height
        across, up = ([abs(place[axis] - side) for side in sides] for axis, sides in ((0, (x1, x2)), (1, (y1, y2))))
        to_sides = [d - 0.28 for d in across if y1 - 0.1 <= place[1] <= y2 + 0.1]
        to_sides += [d - 0.11 for d in up if x1 - 0.3 <= place[0] <= x2 + 0.3]
        to_points = [max(abs(place[0] - px) - 0.36, abs(place[1] - py) - 0.19) for px, py in points]
        return min(0.06, *to_sides, *to_points)  # more room is no better

    shares = (0.5, 0.7, 0.3, 0.82, 0.18)
    return max(((x + a, y + b) for b in shares for a in (0.5, 0.36, 0.64, 0.7, 0.3)), key=room)


def plot_folding(layers: Sequence[Layer]) -> Figure:
    """For every layer with a frozen BatchNorm: the numbers of its map beside those of its weights."""
    folded = [layer for layer in layers if layer.frozen_norm]
    maps = [prod(layer.output) for layer in folded]
    weights = [layer.weights for layer in folded]
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.9))
        ax = figure.add_axes((0.075, 0.12, 0.915, 0.72))
        places = np.arange(len(folded))
        ax.bar(places, maps, width=0.86, color=TEXTBOOK, alpha=0.55)
        ax.bar(places, weights, width=0.46, color=HERE)
        ax.set(yscale="log", ylim=(1e3, 3e8), xlim=(-0.7, len(folded) - 0.3), xticks=[])
        ax.grid(axis="x", visible=False)
        groups = [layer.name.split(".")[0] for layer in folded]
        for name in dict.fromkeys(groups):
            here = [place for place, group in enumerate(groups) if group == name]
            if here[0] > 0:
                ax.axvline(here[0] - 0.5, color=st.MUTED, linewidth=0.7)
            ax.text(
                (here[0] + here[-1]) / 2 + (0.6 if len(here) == 1 else 0), 5e2 * 1.35,
                "stem" if len(here) == 1 else name, ha="center", va="top",
            )  # fmt: skip
        legend_on_top(
            figure,
            [
                Patch(color=TEXTBOOK, alpha=0.55, label=f"numbers in the map: {sum(maps) / 1e6:.0f} million"),
                Patch(color=HERE, label=f"numbers in the weights: {sum(weights) / 1e6:.0f} million"),
            ],
        )
    return figure


def plot_memory_order(x: Tensor, cell: tuple[int, int]) -> Figure:
    """Where each number of a map (1, C, H, W) lies in memory: channels one after another, and side by side.

    Args:
        cell: (row, column) whose channels are marked.
    """
    _, channels, height, width = x.shape
    layouts = [
        ("channels one after another", x.contiguous()),
        ("channels side by side", x.contiguous(memory_format=torch.channels_last)),
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
                _box(strip, place, 0, str(place), place in marked, fontsize=6)
            strip.set(xlim=(0, positions.numel()), ylim=(1, 0))
            strip.text(0, -0.3, "in memory", color=st.MUTED, va="bottom")
            bare(strip)
    return figure


def _box(ax: Axes, x: float, y: float, text: str, marked: bool, fontsize: float = 9) -> None:
    color = st.FOCUS if marked else st.PAPER
    ax.add_patch(Rectangle((x, y), 1, 1, facecolor=color, edgecolor=st.MUTED, linewidth=0.7, clip_on=False))
    weight = "bold" if marked else "normal"
    ax.text(x + 0.5, y + 0.52, text, ha="center", va="center", fontsize=fontsize, fontweight=weight)


def plot_touched(touched: Sequence[Tensor], truth: Tensor, size: tuple[int, int] = PICTURE) -> Figure:
    """The cells of each level, and those that the patches of the sampled anchors touch.

    Args:
        touched: (H, W) for each of five levels, 0 where no patch is.
        truth: (N, 4) annotated boxes, in pixels.
        size: (height, width) of the picture in pixels.
    """
    wide = 3.97
    small = (WIDTH - wide - 0.06 * 4) / 2
    high, small_high, title = wide * size[0] / size[1], small * size[0] / size[1], 0.26
    tall = max(high + title, 2 * (small_high + title)) + 0.1
    with st.style():
        figure = Figure(figsize=(WIDTH, tall))
        for index, (name, cells) in enumerate(zip(st.LEVELS, touched, strict=True)):
            row, column = divmod(index - 1, 2)
            left = 0.06 if index == 0 else wide + 0.12 + column * (small + 0.06)
            top = title + (0 if index == 0 else row * (small_high + title))
            w, h = (wide, high) if index == 0 else (small, small_high)
            ax = figure.add_axes((left / WIDTH, 1 - (top + h) / tall, w / WIDTH, h / tall))
            color = np.array(to_rgb(st.level_color(name)))
            light = np.array(to_rgb("#f3f4f6"))
            mask = (cells > 0).numpy()[..., None]
            ax.imshow(np.where(mask, color, light), extent=(0, size[1], size[0], 0), aspect="auto")
            draw_boxes(ax, truth, st.GROUND_TRUTH, linewidth=1.0, dashes=st.DASHES, halo=False)
            ax.set(xlim=(0, size[1]), ylim=(size[0], 0))
            bare(ax)
            ax.set_title(f"{name}: {int(mask.sum()):,} of {cells.numel():,} cells", fontsize=9, pad=4)
    return figure


def plot_waits(steps: Mapping[str, tuple[int, int]]) -> Figure:
    """A dot for each time that the program has to wait: for each step, the textbook's number and ours."""
    with st.style():
        figure = Figure(figsize=(WIDTH, 0.62 * len(steps) + 0.42))
        ax = figure.add_axes((0.15, 0.02, 0.84, 1 - 0.36 / (0.62 * len(steps) + 0.42)))
        for row, (name, numbers) in enumerate(steps.items()):
            ax.text(-0.3, row, name, ha="right", va="center")
            for number, y, color in zip(numbers, (row - 0.19, row + 0.19), (TEXTBOOK, HERE), strict=True):
                ax.scatter(range(number), [y] * number, s=75, color=color, linewidths=0)
                ax.text(number - 0.2, y, str(number), va="center", fontweight="bold", color=st.INK)
        ax.set(xlim=(-0.5, max(n for numbers in steps.values() for n in numbers) + 1), ylim=(len(steps) - 0.45, -0.55))
        bare(ax)
        legend_on_top(figure, [Patch(color=TEXTBOOK, label="torchvision"), Patch(color=HERE, label="here")])
    return figure


def plot_held(stages: Mapping[str, tuple[int, int]]) -> Figure:
    """For each stage the bytes that are held for the backward pass: by the textbook, and here."""
    tall = 0.42 * len(stages) + 0.5
    most = max(textbook for textbook, _ in stages.values())
    with st.style():
        figure = Figure(figsize=(WIDTH, tall))
        ax = figure.add_axes((0.12, 0.02, 0.7, 1 - 0.42 / tall))
        for row, (name, (textbook, here)) in enumerate(stages.items()):
            _pair_of_bars(ax, row, name, textbook / most, here / most)
            text = f"{_amount(textbook, 'bytes')} → {_amount(here, 'bytes')}"
            ax.text(max(textbook, here) / most + 0.012, row, text, va="center", fontweight="bold")
        ax.set(xlim=(0, 1), ylim=(len(stages) - 0.4, -0.6))
        bare(ax)
        legend_on_top(figure, [Patch(color=TEXTBOOK, label="the textbook"), Patch(color=HERE, label="here")])
    return figure
