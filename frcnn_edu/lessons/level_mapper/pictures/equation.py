"""Figures of notebook 10: the level mapper's formula, and clamp."""

from math import log2
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.model import LevelMapper
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH
from frcnn_edu.viz.sheet import Page

from .boxes import sides

CURVE = st.STAGES["roi_align"]


def wanted_levels(boxes: Tensor, canonical_scale: int) -> Tensor:
    """The levels (N,) int64 of boxes (N, 4) before clamp: those of a mapper that has every level."""
    return LevelMapper(-30, 30, canonical_scale)([boxes]) - 30


def plot_level_equation(box: Tensor, canonical_scale: int, canonical_level: int = 4) -> Figure:
    """The level as a function of a box's side, before clamp, and the formula with the numbers of one box (4,)."""
    side = torch.logspace(-5.6, 2.6, 2000, base=2.0) * canonical_scale  # (2000,)
    exact = canonical_level + torch.log2(side / canonical_scale)
    ours = float(sides(box[None]))
    first, last = float(side[0]), float(side[-1])
    k = canonical_level + log2(ours / canonical_scale)
    with st.style():
        page = Page(4.5)
        ax = page.panel(0.55, 0.72, 7.2, 2.72)
        for level, name in enumerate(list(st.LEVELS)[:4], 2):
            ax.axhspan(level, level + 1, color=st.LEVELS[name], alpha=0.13, linewidth=0)
            ax.text(last * 0.97, level + 0.5, name, ha="right", va="center", fontweight="bold", color=st.LEVELS[name])
        ax.plot(side, exact, color=st.MUTED, linestyle=(0, (1, 2)), linewidth=1)
        for level in range(-1, 7):
            low, high = (canonical_scale * 2.0 ** (level + up - canonical_level) for up in (0, 1))
            there = 2 <= level <= 5
            color = list(st.LEVELS.values())[level - 2] if there else st.IGNORED
            ax.plot([max(low, first), min(high, last)], [level, level], color=color, linewidth=3.2,
                    solid_capstyle="butt")  # fmt: skip
        ax.plot([ours, ours, first], [-2, k, k], color=st.PROPOSAL, linewidth=1.1)
        ax.plot(ours, k, "o", color=st.PROPOSAL, markersize=6, zorder=4)
        ax.plot(ours, int(k // 1), "o", markerfacecolor=st.PAPER, markeredgecolor=st.PROPOSAL, markersize=6, zorder=4)
        ax.annotate(f"{k:.2f}", (ours, k), (7, -1), textcoords="offset points", fontsize=8, va="center")
        ax.annotate("rounded down", (ours, k // 1), (7, -8), textcoords="offset points", fontsize=8, va="center")
        ticks = [canonical_scale * 2.0**-n for n in range(5, -3, -1)]
        ax.set(xscale="log", xlim=(first, last), ylim=(-1.6, 6.6), ylabel="k")
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_yticks(range(-1, 7))
        ax.minorticks_off()
        ax.set_xlabel("side of the box, √(w·h), in pixels", labelpad=1)
        top = ax.secondary_xaxis("top", functions=(doubled, halved))
        top.set_xticks([2 * tick for tick in ticks], [f"{2 * tick:g}" for tick in ticks])
        top.minorticks_off()
        page.text(0.55, 0.12, "doubling the side raises the level by one", fontsize=10, fontweight="bold")
        page.text(7.75, 0.15, f"upper axis: canonical_scale {2 * canonical_scale}", ha="right", color=st.MUTED)
        width, height = (box[2:] - box[:2]).tolist()
        page.text(
            WIDTH / 2, 4.15, rf"$k = \left\lfloor {canonical_level} + \log_2\frac{{\sqrt{{{width:.1f} \cdot {height:.1f}}}}}{{{canonical_scale}}}"
            rf" + 10^{{-6}}\right\rfloor = \left\lfloor {canonical_level} + \log_2\frac{{{ours:.1f}}}{{{canonical_scale}}}"
            rf" + 10^{{-6}}\right\rfloor = \left\lfloor {k:.2f} \right\rfloor = {int(k // 1)}$",
            fontsize=12, ha="center", va="center",
        )  # fmt: skip
    return page.figure


def doubled(x: Any) -> Any:
    return 2 * x


def halved(x: Any) -> Any:
    return x / 2


def plot_clamp(wanted: Tensor, k_min: int = 2, k_max: int = 5) -> Figure:
    """Each level before and after clamp, and the number of boxes with it: wanted (N,) int64, before clamp."""
    low, high = -2, 8
    with st.style():
        page = Page(3.5)
        ax = page.panel(0.55, 0.45, 7.2, 2.45)
        for level, name in enumerate(list(st.LEVELS)[:4], 2):
            ax.axhline(level, color=st.LEVELS[name], alpha=0.5, linewidth=1)
        ax.axvspan(k_min, k_max, color=st.FAINT, alpha=0.4, linewidth=0)
        line = torch.tensor([low, k_min, k_max, high])
        ax.plot(line, line.clamp(k_min, k_max), color=CURVE, linewidth=1.8)
        for level in range(low + 1, high):
            kept, number = min(max(level, k_min), k_max), int((wanted == level).sum())
            color = list(st.LEVELS.values())[kept - 2]
            face, edge = (color, st.PAPER) if number else (st.PAPER, color)  # no box: a ring instead of a disc
            ax.scatter(level, kept, s=26 + 3.2 * number, facecolor=face, edgecolor=edge, linewidth=1, zorder=3)
            above = (0, 7 + 0.88 * number**0.5)
            ax.annotate(f"{number}", (level, kept), above, textcoords="offset points", ha="center", fontsize=8)
        ax.set(xlim=(low + 0.3, high - 0.3), ylim=(k_min - 0.6, k_max + 0.6), xlabel="k from the formula")
        ax.set_xticks(range(low + 1, high))
        ax.set_yticks(range(k_min, k_max + 1), [f"P{level}" for level in range(k_min, k_max + 1)])
        ax.grid(axis="y", visible=False)
        outside = int(((wanted < k_min) | (wanted > k_max)).sum())
        title = f"for {outside} of {len(wanted)} proposals, the formula gives a level without a map"
        page.text(0.55, 0.12, title, fontsize=10, fontweight="bold")
        page.text(7.75, 0.15, "the numbers count proposals", ha="right", color=st.MUTED)
        ax.text(0.0, k_min + 0.85, "raised to P2", color=st.MUTED, fontsize=8, va="center", ha="center")
        ax.text(6.4, k_max - 0.2, "lowered to P5", color=st.MUTED, fontsize=8, va="top", ha="center")
        ax.text(4.1, 3.6, "left as it is", color=st.MUTED, fontsize=8, va="top")
    return page.figure
