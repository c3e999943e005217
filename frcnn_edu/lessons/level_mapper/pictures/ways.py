"""Figures of notebook 10: on which level a proposal's anchor is, and from which it is read."""

import torch
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from torch import Tensor

from frcnn_edu.lessons.stages import frame
from frcnn_edu.model import FasterRCNN
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, show_image
from frcnn_edu.viz.sheet import Page, draw_grid
from frcnn_edu.viz.trace import Trace, moved_anchors

from .boxes import sides


def anchor_levels(seen: Trace, model: FasterRCNN) -> Tensor:
    """The level of the anchor that each proposal was decoded from, (N,): 0 for P2 … 4 for pool."""
    distances = torch.cdist(seen.proposals, moved_anchors(seen, model), p=float("inf"))  # (N, A)
    anchor = distances.argmin(dim=1)  # (N,)
    ends = torch.tensor([len(level) for level in seen.anchors]).cumsum(0)
    return torch.bucketize(anchor, ends, right=True)


def flow(before: Tensor, after: Tensor) -> Tensor:
    """The number of boxes with each anchor level and each pooling level: (N,), (N,) → (5, 4)."""
    return (before * 4 + after).bincount(minlength=20).view(5, 4)


def plot_level_change(
    image: Tensor, anchor: Tensor, anchor_level: int, box: Tensor, level: int, table: Tensor
) -> Figure:
    """An anchor on the cells of its level, and its proposal on the cells that it is read from; in between, all proposals.

    Args:
        image: (3, H, W), resized.
        anchor, box: (4,) in its pixels.
        table: (5, 4) number of boxes by anchor level and pooling level.
    """
    names = list(st.LEVELS)
    wide, left = 2.75, 0.06
    reach = 0.8 * max(float((each[2:] - each[:2]).max()) for each in (anchor, box))
    x, y = ((anchor[:2] + anchor[2:]) / 2).tolist()
    with st.style():
        page = Page(3.5)
        top = 0.36
        for place, shown_box, index, color, title, words in (
            (left, anchor, anchor_level, st.ANCHOR, f"the winner, an anchor on {names[anchor_level]}", "chosen by the anchor's size"),
            (WIDTH - left - wide, box, level, st.PROPOSAL, f"its proposal is read from {names[level]}", "chosen by the proposal's size"),
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
            words = f"{words}: side {float(sides(shown_box[None])):.0f} pixels"
            page.text(place, top + wide + 0.08, words, color=st.MUTED, fontsize=8)
        _draw_ribbons(page, table, left + wide + 0.6, WIDTH - left - wide - 0.6, (anchor_level, level))
        page.text(WIDTH / 2, 0.1, f"all {int(table.sum())} proposals", fontsize=9.5, fontweight="bold", ha="center")
        page.text(left + wide + 0.6, 0.36, "anchor on", color=st.MUTED, ha="center")
        page.text(WIDTH - left - wide - 0.6, 0.36, "read from", color=st.MUTED, ha="center")
    return page.figure


def _draw_ribbons(page: Page, table: Tensor, left: float, right: float, ours: tuple[int, int]) -> None:
    """The table as ribbons from x = `left` to x = `right` inches of the page; their widths are its numbers."""
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
