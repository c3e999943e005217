"""Figures of notebook 11: curves on maps where the right answer is known."""

from collections.abc import Sequence
from math import pi

import torch
import torch.nn.functional as F
import torchvision
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.viz import style as st
from frcnn_edu.viz.sheet import Page

CURVE = st.STAGES["roi_align"]


def value_at(features: Tensor, x: Tensor) -> Tensor:
    """RoIAlign's values at the points x (N,) of a map of one row (1, 1, 1, W): boxes of one cell, one bin, one point."""
    boxes = torch.stack(
        (torch.zeros_like(x), x - 0.5, torch.full_like(x, -0.5), x + 0.5, torch.full_like(x, 0.5)), dim=1
    )
    values: Tensor = torchvision.ops.roi_align(features, boxes, (1, 1), 1.0, 1)
    return values.flatten()


def plot_border(row: Sequence[float]) -> Figure:
    """The values read from a map of one row: inside, at its border and outside."""
    last = len(row) - 1
    x = torch.linspace(-2.3, last + 2.3, 1401)
    values = value_at(torch.tensor([[[list(row)]]], dtype=torch.float32), x)
    with st.style():
        page = Page(2.9)
        ax = page.panel(0.5, 0.42, 7.3, 1.95)
        for place, value in enumerate(row):
            ax.bar(place, value, width=1, color=st.LEVELS["P2"], alpha=0.2, linewidth=0)
            ax.plot(place, value, "o", color=st.LEVELS["P2"], markersize=6, zorder=3)
        pieces = ((x <= -1.001), (x >= -0.999) & (x <= last + 0.999), (x >= last + 1.001))
        for piece in pieces:
            ax.plot(x[piece].tolist(), values[piece].tolist(), color=CURVE, linewidth=2.2)
        high = max(row)
        for places, text in (((-1.65,), "0"), ((-0.5, last + 0.5), "edge\nrepeated"), ((last + 1.65,), "0")):
            for there in places:
                ax.text(there, high * 1.12, text, ha="center", va="center", color=st.MUTED, fontsize=8)
        ax.text(
            last / 2, high * 1.12, "between the cells' values", ha="center", va="center", color=st.MUTED, fontsize=8
        )
        for border in (-1, 0, last, last + 1):
            ax.axvline(border, color=st.MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        ax.set(xlim=(-2.3, last + 2.3), ylim=(-0.3, high * 1.3), xlabel="position of the point, in cells")
        ax.set_xticks(range(-2, last + 3))
        page.text(
            0.5, 0.12, "the value at a point, on a map of four cells and beyond it", fontsize=9.5, fontweight="bold"
        )
    return page.figure


def ramp(stride: int, cells: int = 24) -> Tensor:
    """A map (1, 1, cells, cells) of f(x) = x, in pixels: each cell holds the mean of the pixels that it covers."""
    middles = (torch.arange(cells) + 0.5) * stride
    return middles.expand(cells, cells)[None, None].contiguous()


def read_ramp(box: Tensor, stride: int, aligned: bool, bins: int = 7) -> Tensor:
    """The values of one row of bins of a box (4,) in pixels on the ramp: (bins,)."""
    values: Tensor = torchvision.ops.roi_align(
        ramp(stride), F.pad(box[None], (1, 0)), (bins, bins), 1 / stride, 2, aligned
    )
    return values[0, 0, 0]


def plot_aligned(box: Tensor, bins: int = 7) -> Figure:
    """The values of a box's bins on P2's ramp, with either setting of `aligned`, and the error on each level."""
    x1, _, x2, _ = box.tolist()
    right = x1 + (torch.arange(bins) + 0.5) * (x2 - x1) / bins
    strides = (4, 8, 16, 32)
    with st.style():
        page = Page(3.3)
        ax = page.panel(0.62, 0.42, 3.9, 2.4)
        ax.plot([x1, x2], [x1, x2], color=st.MUTED, linewidth=1, linestyle=(0, (1, 2)))
        for aligned, marker, color in ((True, "o", st.GROUND_TRUTH), (False, "s", CURVE)):
            found = read_ramp(box, 4, aligned, bins)
            ax.plot(right.tolist(), found.tolist(), marker, color=color, markersize=6)
            k = 3
            ax.annotate(f"aligned={aligned}", (float(right[k]), float(found[k])), (9, -6) if aligned else (-9, 4), va="center",
                        textcoords="offset points", color=color, fontweight="bold", ha="left" if aligned else "right")  # fmt: skip
        ax.set(xlabel="centre of the bin, x in pixels", ylabel="value of the bin")
        page.text(0.62, 0.12, "a map of x itself, stride 4", fontsize=9.5, fontweight="bold")
        low = page.panel(5.15, 0.42, 2.65, 2.4)
        for place, (stride, name) in enumerate(zip(strides, st.LEVELS, strict=False)):
            wide = torch.tensor([6.0 * stride, 6 * stride, 14 * stride, 14 * stride])
            exact = wide[0] + (torch.arange(bins) + 0.5) * (wide[2] - wide[0]) / bins
            off = float((read_ramp(wide, stride, False, bins) - exact).mean())
            low.bar(place, off, color=st.LEVELS[name], width=0.7)
            low.text(place, off + 0.3, f"{off:.0f} px", ha="center", fontsize=8)
        low.set_xticks(range(4), list(st.LEVELS)[:4])
        low.set(yticks=[], ylim=(0, 18.5))
        low.grid(False)
        low.spines["left"].set_visible(False)
        page.text(5.15, 0.12, "error of aligned=False", fontsize=9.5, fontweight="bold")
    return page.figure


PERIOD = 9.0  # cells in a wave of the map on which sampling is tried


def wave(cells: int = 64) -> Tensor:
    """A smooth map (1, 1, cells, cells), cos(ωx) · cos(ωy), whose mean over any box is known."""
    line = torch.cos(2 * pi / PERIOD * torch.arange(cells))
    return (line[:, None] * line)[None, None]


def mean_of_wave(box: Tensor, bins: int = 7) -> Tensor:
    """The exact means over the bins of a box (4,) in cells, (bins, bins): integrals divided by areas."""
    omega = 2 * pi / PERIOD
    along = []
    for a, b in ((box[0], box[2]), (box[1], box[3])):
        edges = torch.linspace(float(a), float(b), bins + 1, dtype=torch.float64)
        sines = torch.sin(omega * edges)
        along.append((sines[1:] - sines[:-1]) / omega / (edges[1:] - edges[:-1]))
    return along[1][:, None] * along[0]


def sampling_error(side: float, sampling_ratio: int, corner: tuple[float, float] = (5.3, 6.1)) -> float:
    """The largest error of a bin, for a box with `side` cells on the wave."""
    box = torch.tensor([corner[0], corner[1], corner[0] + side, corner[1] + side])
    found = torchvision.ops.roi_align(wave(), F.pad(box[None], (1, 0)), (7, 7), 1.0, sampling_ratio)[0, 0]
    return float((found - mean_of_wave(box)).abs().max())


def plot_sampling_error(ratios: Sequence[int] = (1, 2, 4, -1)) -> Figure:
    """The largest error of a bin as a function of the box's size, for some numbers of points."""
    sides = torch.arange(7, 54.25, 0.5).tolist()
    looks = ((st.BACKGROUND, (0, (1, 1))), (CURVE, "solid"), (st.FOREGROUND, (0, (4, 2))), (st.INK, (0, (6, 2, 1, 2))))
    with st.style():
        page = Page(3.2)
        ax = page.panel(0.62, 0.42, 6.35, 2.25)
        ax.axvspan(7, 14, color=st.FAINT, alpha=0.5, linewidth=0)
        ax.text(10.5, 1.35, "small\nmodel", ha="center", va="top", fontsize=8, color=st.MUTED)
        ax.axvspan(14, 28, color=st.FAINT, alpha=0.25, linewidth=0)
        ax.text(21, 1.35, "full model", ha="center", va="top", fontsize=8, color=st.MUTED)
        for number, (color, dashes) in zip(ratios, looks, strict=True):
            errors = [sampling_error(side, number) for side in sides]
            ax.plot(sides, errors, color=color, linestyle=dashes, linewidth=1.8)
            name = f"{number}".replace("-", "−") + (" point" if number == 1 else "")
            ax.text(sides[-1] + 0.6, errors[-1], name, color=color, va="center", fontweight="bold", clip_on=False)
        ax.set(
            xlim=(7, 54),
            ylim=(0.001, 1.6),
            yscale="log",
            xlabel="side of the box, in cells",
            ylabel="largest error of a bin",
        )
        ax.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
        ax.minorticks_off()
        ax.set_xticks(range(7, 55, 7))
        page.text(
            0.62, 0.12, "sampling_ratio: how many points along each side of a bin?", fontsize=9.5, fontweight="bold"
        )
    return page.figure
