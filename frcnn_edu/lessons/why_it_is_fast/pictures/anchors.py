"""Matched and sampled anchors: the table of IoUs, and the cells that the losses use."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes
from frcnn_edu.viz.sheet import bare

from ..work import IMAGE
from .counts import FAST, written


def plot_table_of_ious(iou: Tensor, rows: int, piece: int, level_sizes: Sequence[int], columns: int = 780) -> Figure:
    """The table of IoUs, processed in pieces: only one piece is in memory, and the best of all rows before it.

    Args:
        iou: (M, N), ground truth by anchor.
        rows: number of rows in a piece.
        piece: index of the piece that is in memory.
        level_sizes: number of anchors of each level, adding up to N.
        columns: number of columns in the figure; each shows the largest IoU of its anchors.
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
            Rectangle((0, first), columns, last - first, fill=False, edgecolor=FAST, linewidth=2.4, clip_on=False)
        )
        for edge in range(rows, len(iou), rows):
            ax.axhline(edge, color=st.MUTED, linewidth=0.6, linestyle=(0, (4, 3)))
        ax.set_title(f"{len(iou)} objects × {iou.shape[1]:,} anchors", pad=6)
        held = f"in memory:\n{last - first} rows"
        for y, text, color in (
            (first / 2, "done,\nfreed" if first else "", st.MUTED),
            ((first + last) / 2, held, FAST),
            ((last + len(iou)) / 2, "not yet\ncomputed", st.MUTED),
        ):
            ax.text(-0.015, y, text, transform=ax.get_yaxis_transform(), ha="right", va="center", color=color)
        below = figure.add_axes((0.15, 0.235, 0.835, 0.06))
        below.imshow(best.numpy(), extent=(0, columns, 1, 0), **look)
        below.add_patch(Rectangle((0, 0), columns, 1, fill=False, edgecolor=FAST, linewidth=2.0, clip_on=False))
        below.text(
            -0.015, 0.5, "in memory:\nbest so far", transform=below.get_yaxis_transform(), ha="right", va="center",
            color=FAST,
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


def plot_touched(touched: Sequence[Tensor], gt_boxes: Tensor, size: tuple[int, int] = IMAGE) -> Figure:
    """The cells of each level, with those in the patches of the sampled anchors.

    Args:
        touched: (H, W) for each of five levels, 0 outside all patches.
        gt_boxes: (N, 4) annotated boxes, in pixels.
        size: (height, width) of the image in pixels.
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
            draw_boxes(ax, gt_boxes, st.GROUND_TRUTH, linewidth=1.0, dashes=st.DASHES, halo=False)
            ax.set(xlim=(0, size[1]), ylim=(size[0], 0))
            bare(ax)
            ax.set_title(f"{name}: {written(int(mask.sum()))} of {written(cells.numel())} cells", fontsize=9, pad=4)
    return figure
