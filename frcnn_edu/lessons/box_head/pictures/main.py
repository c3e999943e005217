"""Figures of notebook 12: the box head's layers and predictions, and where the parameters are."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.lessons.story import followed, story
from frcnn_edu.viz import style as st
from frcnn_edu.viz.sheet import Page, bare, number_table

from .scores import plot_score_by_shift, score_of_shifts

# -------------------------------------------------------------------------------------------------------- the two heads


def plot_heads(
    pooled: Tensor, hidden: Tensor, vector: Tensor, logits: Tensor, deltas: Tensor, classes: Sequence[str]
) -> Figure:
    """One proposal's features, the two layers, and the class scores and box deltas predicted from them.

    Args:
        pooled: (C, 7, 7), C a square number: the channels are shown as tiles.
        hidden, vector: (R,) after the first and the second fully connected layer.
        logits, deltas: (K,) and (K, 4) for K classes with the background.
    """
    channels, size = pooled.shape[0], pooled.shape[-1]
    side = round(channels**0.5)
    tiles = pooled.view(side, side, size, size).permute(0, 2, 1, 3).reshape(side * size, side * size)
    probabilities = logits.softmax(dim=0)
    high = 3.1
    top = 0.72
    with st.style():
        page = Page(4.55)
        ax = page.panel(0.1, top + 0.28, 2.5, 2.5)
        limit = float(tiles.abs().quantile(0.98))
        ax.imshow(tiles.numpy(), cmap=st.FEATURE_CMAP, vmin=-limit, vmax=limit)
        for line in range(1, side):
            ax.axhline(line * size - 0.5, color=st.PAPER, linewidth=1.0)
            ax.axvline(line * size - 0.5, color=st.PAPER, linewidth=1.0)
        bare(ax)
        page.text(0.1, top + 0.04, f"{channels} channels of {size}×{size} features", fontweight="bold", fontsize=9)
        page.text(0.1, top + 2.86, f"{pooled.numel()} numbers", fontsize=8)

        xs = (3.13, 3.85)
        for x, values, name in zip(xs, (hidden, vector), ("fc6", "fc7"), strict=True):
            strip = page.panel(x, top, 0.17, high)
            strip.imshow(values[:, None].numpy(), cmap=st.FEATURE_CMAP, aspect="auto", vmin=0, vmax=float(values.max()))
            bare(strip)
            page.text(x + 0.085, top + high + 0.06, f"{len(values)}", ha="center", fontsize=8)
            page.text(x - 0.27, top + high / 2 - 0.12, name, ha="center", va="bottom", fontsize=8, fontweight="bold")
            page.text(x - 0.27, top + high / 2 + 0.07, "ReLU", ha="center", va="top", fontsize=7.2, color=st.MUTED)
        page.arrow((2.66, top + high / 2), (xs[0] - 0.05, top + high / 2), head=8)
        page.arrow((xs[0] + 0.21, top + high / 2), (xs[1] - 0.05, top + high / 2), head=8)

        middle, left = top + high / 2, 5.42
        for y, name in ((top + 0.6, "cls_score"), (top + 2.56, "bbox_pred")):
            page.arrow((xs[1] + 0.22, middle), (xs[1] + 0.4, middle), (xs[1] + 0.4, y), (4.95, y), head=8)
            page.text(4.31, y - 0.05, name, fontsize=7.5, fontweight="bold", va="bottom")
        _scores(page, left, 0.58, logits, probabilities, classes)
        _deltas(page, left, top + 1.5, deltas, classes)
        words = (
            (0.1, "full model: 256×7×7 = 12,544"),
            (2.9, "1024  →  1024"),
            (left, "91 scores, and 91 · 4 = 364 deltas"),
        )
        for x, text in words:
            page.text(x, 4.3, text, fontsize=7.5, color=st.MUTED)
    return page.figure


def _scores(page: Page, left: float, top: float, logits: Tensor, probabilities: Tensor, classes: Sequence[str]) -> None:
    page.text(left, top - 0.28, f"{len(classes)} class scores", fontweight="bold", fontsize=9)
    page.text(left + 0.62, top - 0.06, "logit", fontsize=7.2, color=st.MUTED, ha="center")
    page.text(left + 1.05, top - 0.06, "softmax", fontsize=7.2, color=st.MUTED)
    for row, (name, logit, share) in enumerate(zip(classes, logits.tolist(), probabilities.tolist(), strict=True)):
        y = top + 0.11 + row * 0.21
        page.text(left - 0.06 + 0.36, y + 0.1, name, ha="right", va="center_baseline", fontsize=7.5)
        page.text(
            left + 0.82, y + 0.1, f"{logit:.1f}".replace("-", "−"), ha="right", va="center_baseline", fontsize=7.5
        )
        color = st.class_color(row)
        page.sheet.add_patch(Rectangle((left + 1.05, y + 0.02), 1.1, 0.155, facecolor=st.FAINT, linewidth=0, alpha=0.5))
        page.sheet.add_patch(Rectangle((left + 1.05, y + 0.02), 1.1 * share, 0.155, facecolor=color, linewidth=0))
        page.text(left + 2.2, y + 0.1, f"{share:.2f}", va="center_baseline", fontsize=7.5)


def _deltas(page: Page, left: float, top: float, deltas: Tensor, classes: Sequence[str]) -> None:
    cell = 0.29
    number_table(page.sheet, deltas, left + 0.45, top + 0.25, cell, "", tint=st.DETECTION)
    page.text(left, top - 0.13, f"{len(classes)} · 4 box deltas", fontweight="bold", fontsize=9)
    for column, name in enumerate(("dx", "dy", "dw", "dh")):
        page.text(
            left + 0.45 + (column + 0.5) * cell,
            top + 0.23,
            name,
            ha="center",
            va="bottom",
            fontsize=7.2,
            color=st.MUTED,
        )
    for row, name in enumerate(classes):
        page.text(left + 0.4, top + 0.25 + (row + 0.5) * cell, name, ha="right", va="center_baseline", fontsize=7.5)
    page.text(
        left + 0.45 + 4 * cell + 0.12, top + 0.27, "four for\neach class,\ndivided by\n10, 10, 5, 5\nbefore use",
        fontsize=7.5, color=st.MUTED, linespacing=1.35,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ parameters


def plot_parameters(rows: Sequence[tuple[str, Sequence[tuple[str, int, str]]]]) -> Figure:
    """Where a model's parameters are: a bar for each model, divided into its parts.

    Args:
        rows: (name of the model, its parts as (name, parameters, colour)).
    """
    with st.style():
        page = Page(0.95 * len(rows) + 0.1)
        for index, (model, parts) in enumerate(rows):
            whole = sum(number for _, number, _ in parts)
            y, x, length = 0.1 + index * 0.95, 0.12, 7.76
            page.text(x, y, model, fontweight="bold", fontsize=9)
            page.text(x + length, y, f"{whole / 1e6:.1f} million parameters", ha="right", color=st.MUTED)
            for name, number, color in parts:
                wide = length * number / whole
                page.sheet.add_patch(
                    Rectangle((x, y + 0.2), wide, 0.36, facecolor=color, edgecolor=st.PAPER, linewidth=1)
                )
                if wide > 0.6:
                    page.text(
                        x + wide / 2, y + 0.38, f"{100 * number / whole:.0f} %", ha="center", va="center_baseline",
                        color=st.text_color(color), fontweight="bold",
                    )  # fmt: skip
                last = name == parts[-1][0]
                if wide > 0.42:
                    page.text(x, y + 0.6, name, fontsize=7.5)
                elif last:
                    page.text(x + wide, y + 0.6, name, fontsize=7.5, ha="right")
                else:
                    page.text(x + wide / 2, y + 0.17, name, fontsize=7.5, ha="center", va="bottom")
                x += wide
    return page.figure


# -------------------------------------------------------------------------------------------------------------- figures


def box_head() -> Figure:
    """Class scores and box deltas of the proposal of our cross."""
    seen, index = story().trace, followed().proposal
    head: Any = story().model.roi_heads.box_head
    with torch.no_grad():
        hidden = F.relu(head.fc6(seen.pooled[index].flatten()))
        vector = F.relu(head.fc7(hidden))
    deltas = seen.box_deltas[index].view(-1, 4)
    return plot_heads(seen.pooled[index], hidden, vector, seen.class_logits[index], deltas, story().classes)


def score_by_shift() -> Figure:
    """The score of class cross, if the proposal is moved away from our cross."""
    return plot_score_by_shift(story().resized, story().box, *score_of_shifts(), story().classes[5])


FIGURES: dict[str, Callable[[], Figure]] = {"box_head": box_head, "score_by_shift": score_by_shift}
