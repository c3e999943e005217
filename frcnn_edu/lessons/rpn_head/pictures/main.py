"""Figures of notebook 06: what the RPN head makes of the maps, and of one cell."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from frcnn_edu.lessons.stages import LEVEL_KEYS, frame, shape_text, show_map, strength
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.model.rpn import RPNHead
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, panels
from frcnn_edu.viz.sheet import Page, caption

from .order import plot_order

SHAPES = ("wide", "square", "tall")  # an anchor's place in its cell, for ratios 0.5, 1, 2
DELTAS = ("dx", "dy", "dw", "dh")
SIGNED_CMAP = LinearSegmentedColormap.from_list("signed", [st.ANCHOR, st.PAPER, st.PROPOSAL])  # −1, 0, 1


def show_signed(ax: Axes, values: Tensor, color: str) -> None:
    """Show a map (H, W) of numbers around 0: blue −1, white 0, orange 1; one data unit per cell."""
    rows, columns = values.shape
    ax.imshow(values.detach().cpu().numpy(), cmap=SIGNED_CMAP, vmin=-1, vmax=1, extent=(0, columns, rows, 0))
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    frame(ax, color, linewidth=1.0)


def mark_cells(ax: Axes, row: int, column: int, radius: int = 0, *, thin: bool = False) -> None:
    """Outline a cell, or the square of cells around it, on a map with one data unit per cell."""
    square = torch.tensor([[column - radius, row - radius, column + 1 + radius, row + 1 + radius]])
    draw_boxes(ax, square.float(), st.FOCUS, linewidth=0.9 if thin else 1.6)


def _stack(page: Page, x: float, y: float, features: Tensor, color: str, cell: tuple[int, int], width: float) -> Axes:
    """The five channels of a map (1, C, H, W) that are highest in a cell, as a stack of cards; returns the front card."""
    height = width * features.shape[-2] / features.shape[-1]
    channels = features[0, :, cell[0], cell[1]].topk(5).indices.tolist()
    for place, channel in reversed(list(enumerate(channels))):
        ax = page.panel(x + 0.09 * place, y - 0.09 * place, width, height)
        ax.set_zorder(10 - place)
        show_map(ax, features[0, channel], color, top=float(features[0, channel].max()))
    return ax


def plot_rpn_head(features: Tensor, head: RPNHead, key: str, cell: tuple[int, int]) -> Figure:
    """One map on its way through the head: a hidden map, then A logits and 4·A deltas for every cell.

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
        page.text(0.12, 4.24, "marked: our cell, and the 3×3 cells that its numbers are made from", color=st.MUTED)
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
    page.text(left, top + 0.19, f"{shape}: how far off? blue −, orange +", color=st.MUTED)
    wide = 0.65
    for anchor, name in enumerate(SHAPES):
        y = top + 0.58 + anchor * (wide * 0.8 + 0.2)
        page.text(left - 0.06, y + wide * 0.4, name, ha="right", va="center")
        for k, delta in enumerate(DELTAS):
            ax = page.panel(left + k * (wide + 0.05), y, wide, wide * 0.8)
            show_signed(ax, deltas[0, anchor, k], st.STAGES["rpn"])
            mark_cells(ax, *cell, thin=True)
            value = f"{float(deltas[0, anchor, k, cell[0], cell[1]]):.2f}".replace("-", "−")
            page.text(left + k * (wide + 0.05), y + wide * 0.8 + 0.03, value, fontsize=7, color=st.MUTED)
            if anchor == 0:
                ax.set_title(delta, fontsize=8, pad=2, fontweight="normal")


def plot_over_levels(pyramid: dict[str, Tensor], head: RPNHead, size: tuple[int, int], anchor: int = 1) -> Figure:
    """The same head on every level: its map, the objectness of the best anchor, the deltas of one of them.

    Args:
        pyramid: maps (1, C, Hᵢ, Wᵢ) by the model's names.
        size: (height, width) in pixels of the padded image, over which all maps are drawn.
        anchor: whose deltas are shown: 0 wide, 1 square, 2 tall.
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
            (4.97, f"deltas of the {SHAPES[anchor]} anchor", "blue −1, white 0, orange 1"),
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


def plot_one_cell(features: Tensor, head: RPNHead, key: str, cell: tuple[int, int], anchor: int) -> Figure:
    """One logit by hand: the 3×3 patch, the hidden values of its cell, and the products that the logit is the sum of."""
    row, column = cell
    with torch.no_grad():
        patch = F.pad(features, (1, 1, 1, 1))[:, :, row : row + 3, column : column + 3]  # (1, C, 3, 3)
        conv, last = cast(Any, head.conv)[0][0], cast(Any, head.cls_logits)
        hidden = F.relu(F.conv2d(patch, conv.weight, conv.bias)).flatten()  # (C,)
        products, bias = last.weight[anchor, :, 0, 0] * hidden, last.bias[anchor].clone()
    active = hidden.nonzero().flatten()
    order = active[products[active].argsort(descending=True)]
    steps = torch.cat((bias[None], products[order]))
    ends = steps.cumsum(dim=0)
    names = ["bias", *(f"{i}" for i in order.tolist())]
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.6))
        left = figure.add_axes((0.015, 0.2, 0.27, 0.69))
        show_map(left, strength(features), st.level_color(key))
        mark_cells(left, row, column, radius=1)
        left.set_title(f"the patch: {shape_text(patch)}", fontsize=9)
        caption(left, f"3×3 cells of {st.LEVEL_NAMES[key]}, around ({row}, {column})")

        middle = figure.add_axes((0.335, 0.2, 0.25, 0.69))
        middle.bar(range(len(hidden)), hidden.tolist(), color=st.MUTED, width=0.9)
        middle.set(yticks=[0, 2, 4, 6], xticks=[], xlim=(-1, len(hidden)))
        middle.set_title(f"{len(hidden)} hidden values", fontsize=9)
        caption(middle, f"{len(hidden) - len(active)} are 0 after the ReLU,\n{len(active)} respond to this patch")

        right = figure.add_axes((0.635, 0.2, 0.355, 0.69))
        for i, (value, end) in enumerate(zip(steps.tolist(), ends.tolist(), strict=True)):
            right.bar(i, value, bottom=end - value, color=st.PROPOSAL if value >= 0 else st.ANCHOR, width=0.8)
        total = float(ends[-1])
        right.axhline(total, color=st.INK, linewidth=0.8, linestyle="--")
        right.text(-0.4, total + 0.12, f"logit {total:.1f}", fontweight="bold", fontsize=9)
        right.set(ylim=(0, 1.22 * max(ends.tolist())), yticks=[0, 2, 4, 6])
        right.set_xticks(range(len(names)), names, fontsize=7)
        right.set_title("weight × hidden value, added up", fontsize=9)
        right.text(
            0, -0.13, "hidden channel; orange adds, blue takes away", transform=right.transAxes, va="top", fontsize=8,
            color=st.MUTED,
        )  # fmt: skip
    return figure


def plot_objectness_by_shape(
    size: tuple[int, int],
    objectness: Sequence[Tensor],
    ground_truth: Tensor,
    cell: tuple[int, int, int, int] | None = None,
) -> Figure:
    """How likely each anchor holds an object: a column a level, a row a shape.

    Args:
        size: (height, width) of the padded image.
        objectness: logits (1, A, Hᵢ, Wᵢ) for each level.
        ground_truth: (N, 4), drawn over each map.
        cell: (level, row, column, shape) of an anchor that is marked.
    """
    number = objectness[0].shape[1]
    with st.style():
        figure, axes = panels([size[0] / size[1]] * 5 * number, columns=5, title=0.2, gap=0.08)
        for i, ax in enumerate(axes):
            shape, level = divmod(i, 5)
            probability = objectness[level][0, shape].sigmoid()
            color = st.level_color(LEVEL_KEYS[level])
            show_map(ax, probability, color, size=size, top=1.0)
            draw_boxes(ax, ground_truth, st.GROUND_TRUTH, linewidth=0.8, dashes=st.DASHES, halo=False)
            name = st.LEVEL_NAMES[LEVEL_KEYS[level]]
            ax.set_title(f"{name} {SHAPES[shape]}  {float(probability.max()):.2f}", fontsize=8, pad=3)
            if cell is not None and (level, shape) == (cell[0], cell[3]):
                high, wide = (s / n for s, n in zip(size, probability.shape, strict=True))
                y, x = cell[1] * high, cell[2] * wide
                draw_boxes(ax, torch.tensor([[x, y, x + wide, y + high]]), st.FOCUS, linewidth=1.6)
    return figure


def plot_saturation(logits: Tensor) -> Figure:
    """What is left of large logits (N,) as float32 probabilities: their distance to 1, beside the exact one."""
    exact = 1 / (1 + logits.double().exp())  # 1 − sigmoid, without the subtraction
    stored = 1 - logits.float().sigmoid().double()
    kept = stored > 0
    first, floor = float(logits[~kept].min()), float(exact.min()) / 8
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.7))
        ax = figure.add_axes((0.09, 0.17, 0.89, 0.73))
        ax.plot(logits, exact, color=st.MUTED, linewidth=1.2, linestyle="--")
        ax.scatter(logits[kept], stored[kept], s=7, color=st.PROPOSAL, linewidths=0, zorder=3)
        ax.scatter(logits[~kept], [floor] * int((~kept).sum()), s=7, color=st.DETECTION, linewidths=0, zorder=3)
        ax.axvline(first, color=st.FAINT, linewidth=1)
        ax.set(yscale="log", xlabel="logit", ylabel="1 − probability", ylim=(floor / 3, 1e-3))
        ax.set(xlim=(float(logits.min()), float(logits.max()) + 0.1))
        ax.set_title("how far a probability stays below 1", fontsize=9)
        ax.text(18.7, 2e-8, "exact", color=st.MUTED, fontsize=9)
        ax.text(first - 0.2, 8e-8, "float32: a staircase", fontsize=9, va="top", ha="right")
        ax.text(first - 0.2, floor, "float32: exactly 1, all the same", fontsize=9, va="center", ha="right")
    return figure


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
