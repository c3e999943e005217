"""Figures of notebook 10: which map a box is read from."""

from collections.abc import Callable
from math import log2
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from torch import Tensor

from frcnn_edu.lessons.stages import frame
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.model import FasterRCNN, LevelMapper
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, show_image
from frcnn_edu.viz.sheet import Page, draw_grid
from frcnn_edu.viz.trace import Trace, moved_anchors

from .boxes import plot_boxes_to_levels, sides
from .scales import scale_rounding

CURVE = st.STAGES["roi_align"]


# -------------------------------------------------------------------------------------------- which level a box goes to


def anchor_levels(seen: Trace, model: FasterRCNN) -> Tensor:
    """The level on which the anchor of each proposal stands, (N,): 0 for P2 … 4 for pool."""
    anchor = torch.cdist(seen.proposals, moved_anchors(seen, model), p=float("inf")).argmin(
        dim=1
    )  # (N,) which of them it is
    ends = torch.tensor([len(level) for level in seen.anchors]).cumsum(0)
    return torch.bucketize(anchor, ends, right=True)


def flow(before: Tensor, after: Tensor) -> Tensor:
    """How many boxes go from each anchor level to each pooling level: (N,), (N,) → (5, 4)."""
    return (before * 4 + after).bincount(minlength=20).view(5, 4)


def plot_level_change(
    image: Tensor, anchor: Tensor, anchor_level: int, box: Tensor, level: int, table: Tensor
) -> Figure:
    """An anchor on the cells of its level, the box it was moved to on those it is read from; between, all boxes' ways.

    Args:
        image: (3, H, W), resized.
        anchor, box: (4,) in its pixels.
        table: (5, 4) numbers of boxes by anchor level and by pooling level.
    """
    names = list(st.LEVELS)
    wide, left = 2.75, 0.06
    reach = 0.8 * float((anchor[2:] - anchor[:2]).max())
    x, y = ((anchor[:2] + anchor[2:]) / 2).tolist()
    with st.style():
        page = Page(3.5)
        top = 0.36
        for place, shown_box, index, color, title, words in (
            (left, anchor, anchor_level, st.ANCHOR, f"our cross's anchor is on {names[anchor_level]}", "the RPN's choice: by the anchor's size"),
            (WIDTH - left - wide, box, level, st.PROPOSAL, f"its proposal is read from {names[level]}", "the mapper's choice: by the box's size"),
        ):  # fmt: skip
            ax = page.panel(place, top, wide, wide)
            show_image(ax, image, dim=0.35)
            stride = 2 ** (2 + index)
            rows, columns = (-(-side // stride) for side in image.shape[1:])
            draw_grid(
                ax, rows, columns, (stride, stride), st.LEVELS[names[index]], alpha=0.9, linewidths=0.5, zorder=0.8
            )
            draw_boxes(ax, shown_box[None], color, linewidth=2.4)
            ax.set(xlim=(x - reach, x + reach), ylim=(y + reach, y - reach))
            frame(ax, st.LEVELS[names[index]])
            page.text(place, 0.1, title, fontsize=9.5, fontweight="bold")
            words = f"{words}, {float(sides(shown_box[None])):.0f} px"
            page.text(place, top + wide + 0.08, words, color=st.MUTED, fontsize=7.5)
        _draw_ribbons(page, table, left + wide + 0.6, WIDTH - left - wide - 0.6, (anchor_level, level))
        page.text(WIDTH / 2, 0.1, f"all {int(table.sum())} proposals", fontsize=9.5, fontweight="bold", ha="center")
        page.text(left + wide + 0.6, 0.36, "anchor on", color=st.MUTED, ha="center")
        page.text(WIDTH - left - wide - 0.6, 0.36, "read from", color=st.MUTED, ha="center")
    return page.figure


def _draw_ribbons(page: Page, table: Tensor, left: float, right: float, ours: tuple[int, int]) -> None:
    """The table as ribbons, as wide as their numbers, from x = `left` to x = `right` inches of the page."""
    inch, gap, top, bar = 1.95 / int(table.sum()), 0.17, 0.6, 0.09
    names = list(st.LEVELS)

    def tops(numbers: list[int]) -> list[float]:
        starts, y = [], top
        for number in numbers:
            starts.append(y)
            y += number * inch + gap
        return starts

    from_y, to_y = tops(table.sum(dim=1).tolist()), tops(table.sum(dim=0).tolist())
    for x, starts, numbers, side in (
        (left, from_y, table.sum(dim=1).tolist(), "right"),
        (right, to_y, table.sum(dim=0).tolist(), "left"),
    ):
        for name, y, number in zip(names, starts, numbers, strict=False):
            height = max(number * inch, 0.02)
            page.sheet.add_patch(Rectangle((x - bar / 2, y), bar, height, color=st.LEVELS[name], linewidth=0))
            away = -0.09 if side == "right" else 0.09
            page.text(x + away, y + height / 2, f"{name}: {number}", ha=side, va="center", fontsize=7.5)
    sent = from_y[:]
    for j in range(table.shape[1]):
        for i in range(table.shape[0]):
            number = int(table[i, j]) * inch
            if not number:
                continue
            y1, y2, x1, x2 = sent[i], to_y[j], left + bar / 2, right - bar / 2
            middle = (x1 + x2) / 2
            points = [(x1, y1), (middle, y1), (middle, y2), (x2, y2)]
            points += [(x2, y2 + number), (middle, y2 + number), (middle, y1 + number), (x1, y1 + number), (x1, y1)]
            codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
            mine = (i, j) == ours
            page.sheet.add_patch(
                PathPatch(
                    Path(points, codes), facecolor=st.LEVELS[names[i]], alpha=0.85 if mine else 0.35,
                    edgecolor=st.INK if mine else "none", linewidth=1.2 if mine else 0,
                )
            )  # fmt: skip
            sent[i] += number
            to_y[j] += number


# ------------------------------------------------------------------------------------------------ the equation and clamp


def plot_level_equation(box: Tensor, canonical_scale: int, canonical_level: int = 4) -> Figure:
    """The level over the side of a box, before it is kept within P2…P5, with the numbers of one box (4,) in the formula."""
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
        page.text(0.55, 0.12, "twice the side, one level up", fontsize=10, fontweight="bold")
        page.text(7.75, 0.15, f"above: where canonical_scale is {2 * canonical_scale}", ha="right", color=st.MUTED)
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
    """What clamp makes of every level, and how many of the boxes had it: wanted (N,) int64, before it is clamped."""
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
            face, edge = (color, st.PAPER) if number else (st.PAPER, color)  # nobody there: a ring instead of a disc
            ax.scatter(level, kept, s=26 + 3.2 * number, facecolor=face, edgecolor=edge, linewidth=1, zorder=3)
            above = (0, 7 + 0.88 * number**0.5)
            ax.annotate(f"{number}", (level, kept), above, textcoords="offset points", ha="center", fontsize=8)
        ax.set(xlim=(low + 0.3, high - 0.3), ylim=(k_min - 0.6, k_max + 0.6), xlabel="k from the formula")
        ax.set_xticks(range(low + 1, high))
        ax.set_yticks(range(k_min, k_max + 1), [f"P{level}" for level in range(k_min, k_max + 1)])
        ax.grid(axis="y", visible=False)
        outside = int(((wanted < k_min) | (wanted > k_max)).sum())
        title = f"{outside} of {len(wanted)} proposals ask for a map that does not exist"
        page.text(0.55, 0.12, title, fontsize=10, fontweight="bold")
        page.text(7.75, 0.15, "discs: how many proposals", ha="right", color=st.MUTED)
        ax.text(0.0, k_min + 0.85, "raised to P2", color=st.MUTED, fontsize=8, va="center", ha="center")
        ax.text(6.4, k_max - 0.2, "lowered to P5", color=st.MUTED, fontsize=8, va="top", ha="center")
        ax.text(4.1, 3.6, "left as it is", color=st.MUTED, fontsize=8, va="top")
    return page.figure


# ----------------------------------------------------------------------------------------------------------------- figures


def level_mapper() -> Figure:
    """The anchor of the course's cross, its proposal, and the ways of all proposals between the levels."""
    seen, where = story().trace, followed()
    moved = moved_best_anchor()
    table = flow(anchor_levels(seen, story().model), seen.levels)
    anchor, box = torch.cat(seen.anchors)[where.anchor], seen.proposals[moved]
    return plot_level_change(story().resized, anchor, where.level, box, int(seen.levels[moved]), table)


def moved_best_anchor() -> int:
    """Index of the proposal that the best anchor of the course's cross became."""
    moved = moved_anchors(story().trace, story().model)[followed().anchor]
    return int(torch.cdist(story().trace.proposals, moved[None], p=float("inf")).argmin())


def level_equation() -> Figure:
    """The formula with the numbers of the cross's proposal."""
    return plot_level_equation(story().trace.proposals[followed().proposal], 112)


def level_clamp() -> Figure:
    """The levels that the story's proposals ask for, and those that they get."""
    return plot_clamp(wanted_levels(story().trace.proposals, 112))


def wanted_levels(boxes: Tensor, canonical_scale: int) -> Tensor:
    """The levels (N,) int64 of boxes (N, 4) before they are clamped: of a mapper that has every level."""
    return LevelMapper(-30, 30, canonical_scale)([boxes]) - 30


def boxes_to_levels() -> Figure:
    """The story's objects and the whole image as the full model would see them, at 800 pixels."""
    return plot_boxes_to_levels(story().resized, boxes_at_800(), LevelMapper(2, 5), (800, 1066))


def boxes_at_800() -> Tensor:
    """The story's objects and the whole image in pixels of an 800×1066 image, (8, 4)."""
    height, width = story().resized.shape[1:]
    scale = torch.tensor([1066 / width, 800 / height]).repeat(2)
    return torch.cat((story().boxes, torch.tensor([[0.0, 0, width, height]]))) * scale


FIGURES: dict[str, Callable[[], Figure]] = {
    "level_mapper": level_mapper,
    "scale_rounding": scale_rounding,
    "level_equation": level_equation,
    "level_clamp": level_clamp,
    "boxes_to_levels": boxes_to_levels,
}
