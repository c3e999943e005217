"""Figures of notebook 06: what the RPN head computes from one map, and from all five."""

from collections.abc import Callable
from typing import Any, cast

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from frcnn_edu.lessons.stages import LEVEL_KEYS, show_map, strength
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.model.rpn import RPNHead
from frcnn_edu.viz import style as st
from frcnn_edu.viz.sheet import Page

from .cells import DELTAS, LIMIT, SHAPES, mark_cells, plot_one_cell, show_signed
from .order import plot_order


def _stack(page: Page, x: float, y: float, features: Tensor, color: str, cell: tuple[int, int], width: float) -> Axes:
    """The five channels of a map (1, C, H, W) that are highest in a cell, one behind the other; returns the front one."""
    height = width * features.shape[-2] / features.shape[-1]
    channels = features[0, :, cell[0], cell[1]].topk(5).indices.tolist()
    for place, channel in reversed(list(enumerate(channels))):
        ax = page.panel(x + 0.09 * place, y - 0.09 * place, width, height)
        ax.set_zorder(10 - place)
        show_map(ax, features[0, channel], color, top=float(features[0, channel].max()))
    return ax


def plot_rpn_head(features: Tensor, head: RPNHead, key: str, cell: tuple[int, int]) -> Figure:
    """One map on its way through the head: a hidden map, then A logits and 4·A deltas for each cell.

    Args:
        features: (1, C, H, W), the map of level `key`.
        cell: (row, column) that is marked.
    """
    with torch.no_grad():
        hidden = head.conv(features)
        logits, deltas = head.cls_logits(hidden), head.bbox_pred(hidden)
    channels, color = features.shape[1], st.level_color(key)
    weights = {name: sum(p.numel() for p in part.parameters()) for name, part in head.named_children()}
    top, wide = 1.6, 1.4
    with st.style():
        page = Page(4.5)
        for x, values, title, radius in (
            (0.12, features, f"{st.LEVEL_NAMES[key]}  N×C×H×W", 1),
            (2.38, hidden, "hidden  N×C×H×W", 0),
        ):
            page.text(x, top - 0.92, title, fontweight="bold", fontsize=9)
            page.text(x, top - 0.72, "×".join(map(str, values.shape)), color=st.MUTED)
            mark_cells(_stack(page, x, top, values, color, cell, wide), *cell, radius=radius)
            page.text(x, top + 1.2, f"5 of the {channels} channels,\nhighest at our cell", color=st.MUTED, fontsize=7.5)
        page.arrow((1.93, top + 0.45), (2.32, top + 0.45))
        page.sheet.plot([2.12, 2.12], [top + 1.88, top + 0.55], color=st.MUTED, linewidth=0.8, linestyle=":")
        page.text(2.12, top + 1.93, "3×3 convolution, ReLU", ha="center", fontsize=9)
        page.text(2.12, top + 2.12, f"{weights['conv']:,} parameters", ha="center", color=st.MUTED)
        for start, end, name, y in ((0.3, 1.0, "cls_logits", 0.58), (0.7, 3.35, "bbox_pred", 3.42)):
            page.arrow((4.18, top + start), (4.4, top + start), (4.4, end), (4.66, end))
            page.text(4.4, y, "1×1 conv.", fontsize=9, ha="center")
            page.text(4.4, y + 0.18, f"{weights[name]:,} parameters", color=st.MUTED, fontsize=7.5, ha="center")
        page.text(0.12, 4.24, "marked: our cell, and the 3×3 cells that its numbers are computed from", color=st.MUTED)
        _draw_logits(page, 5.16, 0.1, logits, cell)
        _draw_deltas(page, 5.16, 1.72, deltas.unflatten(1, (-1, 4)), cell)
    return page.figure


def _draw_logits(page: Page, left: float, top: float, logits: Tensor, cell: tuple[int, int]) -> None:
    """Maps of probabilities, one for each anchor, with the logits of one cell."""
    page.text(left, top, "logits  N×A×H×W", fontsize=9, fontweight="bold")
    page.text(left, top + 0.19, "×".join(map(str, logits.shape)) + ": is something there?", color=st.MUTED)
    wide = 0.88
    for anchor, name in enumerate(SHAPES):
        ax = page.panel(left + anchor * (wide + 0.05), top + 0.58, wide, wide * 0.8)
        show_map(ax, logits[0, anchor].sigmoid(), st.STAGES["rpn"], top=1.0)
        ax.set_title(name, fontsize=8, pad=2, fontweight="normal")
        mark_cells(ax, *cell, thin=True)
        value = float(logits[0, anchor, cell[0], cell[1]])
        ax.text(0.03, 0.05, f"{value:.1f}", transform=ax.transAxes, color="#ffffff", fontsize=8, fontweight="bold")


def _draw_deltas(page: Page, left: float, top: float, deltas: Tensor, cell: tuple[int, int]) -> None:
    """Maps of deltas (1, A, 4, H, W), a row for each anchor, with the values of one cell."""
    page.text(left, top, "deltas  N×4A×H×W", fontsize=9, fontweight="bold")
    shape = f"{len(deltas)}×{deltas.shape[1] * 4}×{deltas.shape[3]}×{deltas.shape[4]}"
    page.text(left, top + 0.19, f"{shape}: blue −{LIMIT}, white 0, orange {LIMIT}", color=st.MUTED)
    wide = 0.65
    for anchor, name in enumerate(SHAPES):
        y = top + 0.58 + anchor * (wide * 0.8 + 0.2)
        page.text(left - 0.06, y + wide * 0.4, name, ha="right", va="center")
        for k, delta in enumerate(DELTAS):
            ax = page.panel(left + k * (wide + 0.05), y, wide, wide * 0.8)
            show_signed(ax, deltas[0, anchor, k], st.STAGES["rpn"])
            mark_cells(ax, *cell, thin=True)
            value = f"{float(deltas[0, anchor, k, cell[0], cell[1]]):.2f}".replace("-", "−")
            page.text(left + k * (wide + 0.05), y + wide * 0.8 + 0.03, value, fontsize=7.3, color=st.MUTED)
            if anchor == 0:
                ax.set_title(delta, fontsize=8, pad=2, fontweight="normal")


def plot_over_levels(pyramid: dict[str, Tensor], head: RPNHead, size: tuple[int, int], anchor: int = 1) -> Figure:
    """The same head on every level: the level's map, the objectness of each cell's best anchor, one anchor's deltas.

    Args:
        pyramid: maps (1, C, Hᵢ, Wᵢ) by the model's names.
        size: (height, width) in pixels of the padded image, over which all maps are drawn.
        anchor: the anchor whose deltas are shown: 0 wide, 1 square, 2 tall.
    """
    with torch.no_grad():
        objectness, deltas = head(list(pyramid.values()))
    wide, small, pitch, top = 1.12, 0.7, 1.05, 0.62
    ratio = size[0] / size[1]
    weights = sum(p.numel() for p in head.parameters())
    channels, number = head.cls_logits.in_channels, head.cls_logits.out_channels
    with st.style():
        page = Page(top + pitch * len(pyramid) + 0.02)
        for x, title, note in (
            (0.72, "pyramid", f"{channels} channels each"),
            (3.62, "objectness", f"best of {number} anchors"),
            (4.97, f"deltas of the {SHAPES[anchor]} anchor", f"blue −{LIMIT}, white 0, orange {LIMIT}"),
        ):
            page.text(x, 0.1, title, fontsize=9, fontweight="bold")
            page.text(x, 0.29, note, color=st.MUTED, fontsize=7.5)
        bottom = top + pitch * (len(pyramid) - 1) + wide * ratio
        look: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.08", "linewidth": 1.6}
        page.sheet.add_patch(
            FancyBboxPatch(
                (2.3, top), 0.86, bottom - top, facecolor="#ffffff", edgecolor=st.STAGES["rpn"], zorder=3, **look
            )
        )
        page.text(
            2.73, (top + bottom) / 2, f"one head\nfor all\n\n3×3, ReLU\n1×1 | 1×1\n\n{weights:,}\nparameters",
            ha="center", va="center", fontsize=9, linespacing=1.4, zorder=4,
        )  # fmt: skip
        for row, (key, features) in enumerate(pyramid.items()):
            y, name, color = top + row * pitch, st.LEVEL_NAMES[key], st.level_color(key)
            rows, columns = features.shape[-2:]
            middle = y + wide * ratio / 2
            page.text(0.62, middle - 0.09, name, ha="right", va="center", fontsize=9, fontweight="bold")
            page.text(0.62, middle + 0.1, f"{rows}×{columns}", ha="right", va="center", color=st.MUTED, fontsize=7.5)
            show_map(page.panel(0.72, y, wide, wide * ratio), strength(features), color, size=size)
            page.arrow((1.92, middle), (2.26, middle), color=color)
            page.arrow((3.2, middle), (3.54, middle), color=color)
            best = objectness[row][0].sigmoid().amax(dim=0)
            show_map(page.panel(3.62, y, wide, wide * ratio), best, color, size=size, top=1.0)
            moves = deltas[row][0].unflatten(0, (number, 4))[anchor]  # (4, H, W)
            for k in range(4):
                ax = page.panel(4.97 + k * (small + 0.04), middle - small * ratio / 2, small, small * ratio)
                show_signed(ax, moves[k], color)
                ax.set_aspect("auto")
                if row == 0:
                    ax.set_title(DELTAS[k], fontsize=8, pad=2, fontweight="normal", loc="center")
    return page.figure


def _head() -> RPNHead:
    return cast(RPNHead, cast(Any, story().model.rpn).head)


def _opening() -> Figure:
    key = LEVEL_KEYS[followed().level]
    return plot_rpn_head(story().trace.pyramid[key], _head(), key, (followed().row, followed().column))


def _over_levels() -> Figure:
    size = story().trace.batch.tensors.shape[-2:]
    return plot_over_levels(story().trace.pyramid, _head(), (size[0], size[1]))


def _one_cell() -> Figure:
    key, at = LEVEL_KEYS[followed().level], followed()
    return plot_one_cell(story().trace.pyramid[key], _head(), key, (at.row, at.column), at.shape)


def _order() -> Figure:
    return plot_order(torch.arange(12).view(1, 2, 2, 3))


FIGURES: dict[str, Callable[[], Figure]] = {
    "rpn_head": _opening,
    "rpn_over_levels": _over_levels,
    "rpn_one_cell": _one_cell,
    "rpn_order": _order,
}
