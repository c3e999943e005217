"""Figures of notebook 06: single cells of a map, how one gets its logit, and the objectness of all of them."""

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.stages import LEVEL_KEYS, frame, shape_text, show_map, strength
from frcnn_edu.lessons.story import AnchorPlace
from frcnn_edu.model.rpn import RPNHead
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, panels
from frcnn_edu.viz.sheet import caption

SHAPES = ("wide", "square", "tall")  # the anchors of a cell in their order, for ratios 0.5, 1, 2
DELTAS = ("dx", "dy", "dw", "dh")
LIMIT = 0.5  # a delta that is drawn in the strongest colour
SIGNED_CMAP = LinearSegmentedColormap.from_list("signed", ["#0b4f79", st.ANCHOR, st.PAPER, st.PROPOSAL, "#8a4b00"])


def show_signed(ax: Axes, values: Tensor, color: str) -> None:
    """Show a map (H, W) of numbers around 0: blue below, white at 0, orange above; one data unit per cell."""
    rows, columns = values.shape
    ax.imshow(values.detach().cpu().numpy(), cmap=SIGNED_CMAP, vmin=-LIMIT, vmax=LIMIT, extent=(0, columns, rows, 0))
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    frame(ax, color, linewidth=1.0)


def mark_cells(ax: Axes, row: int, column: int, radius: int = 0, *, thin: bool = False) -> None:
    """Outline a cell, or the square of cells around it, on a map with one data unit per cell."""
    square = torch.tensor([[column - radius, row - radius, column + 1 + radius, row + 1 + radius]])
    draw_boxes(ax, square.float(), st.FOCUS, linewidth=0.9 if thin else 1.6)


def plot_one_cell(features: Tensor, head: RPNHead, key: str, cell: tuple[int, int], anchor: int) -> Figure:
    """One logit by hand: the 3×3 patch, the hidden values of its cell, and the products that add up to the logit."""
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
        right.set_xticks(range(len(names)), names, fontsize=7.3)
        right.set_title("weight × hidden value, added up", fontsize=9)
        right.text(
            0, -0.13, "hidden channel; orange adds, blue subtracts", transform=right.transAxes, va="top", fontsize=8,
            color=st.MUTED,
        )  # fmt: skip
    return figure


def plot_objectness_by_shape(
    size: tuple[int, int],
    objectness: Sequence[Tensor],
    ground_truth: Tensor,
    marked: Sequence[AnchorPlace] = (),
) -> Figure:
    """Each anchor's probability of an object: a column per level, a row per shape.

    Args:
        size: (height, width) of the padded image.
        objectness: logits (1, A, Hᵢ, Wᵢ) for each level.
        ground_truth: (N, 4), drawn over each map.
        marked: anchors whose cells are marked.
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
            for at in marked:
                if (level, shape) != (at.level, at.shape):
                    continue
                high, wide = (s / n for s, n in zip(size, probability.shape, strict=True))
                y, x = at.row * high, at.column * wide
                draw_boxes(ax, torch.tensor([[x, y, x + wide, y + high]]), st.FOCUS, linewidth=1.6)
    return figure
