"""Figures of notebook 11: which cells a box is read from, and what changes if the box is moved or read from a wrong level."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.stages import LEVEL_KEYS, frame, show_map, strength
from frcnn_edu.model import FasterRCNN
from frcnn_edu.ops import box_iou, roi_align
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, panels
from frcnn_edu.viz.sheet import Page, bare

ALIGN, POOL = st.STAGES["roi_align"], st.INK


# ----------------------------------------------------------------------------------------------------- moved by a pixel


def moved_features(features: Tensor, box: Tensor, scale: float, shifts: Tensor) -> tuple[Tensor, Tensor]:
    """RoIPool's and RoIAlign's features (S, C, 7, 7) of a box (4,) moved to the right by each of the shifts (S,)."""
    boxes = box + shifts[:, None] * torch.tensor([1.0, 0, 1, 0])  # (S, 4)
    rois = F.pad(boxes, (1, 0))
    pooled: Tensor = torchvision.ops.roi_pool(features, rois, (7, 7), scale)
    return pooled, roi_align(features, rois, (7, 7), scale, 2)


def changes(values: Tensor) -> Tensor:
    """How far each step of (S, C, 7, 7) is from the one before, as the length of the difference: (S − 1,)."""
    return (values[1:] - values[:-1]).flatten(1).norm(dim=1)


def plot_moved_box(features: Tensor, box: Tensor, scale: float, farthest: float = 8.0, step: float = 0.1) -> Figure:
    """One feature of a box that is moved to the right, and how much all of its features change at each step."""
    shifts = torch.arange(round(farthest / step) + 1) * step
    pooled, aligned = moved_features(features, box, scale, shifts)
    moving = torch.minimum(aligned.std(dim=0), pooled.std(dim=0)).flatten()  # (C·49,)
    liveliest = int(moving.argmax())
    channel, place = divmod(liveliest, aligned[0, 0].numel())
    row, column = divmod(place, aligned.shape[-1])
    with st.style():
        page = Page(4.5)
        ax = page.panel(0.62, 0.4, 7.2, 1.75)
        low = page.panel(0.62, 2.75, 7.2, 1.25)
        for values, color, name, side in ((pooled, POOL, "RoIPool", "top"), (aligned, ALIGN, "RoIAlign", "bottom")):
            line = values[:, channel, row, column]
            if name == "RoIPool":
                ax.step(shifts, line, where="mid", color=color, linewidth=1.6)
            else:
                ax.plot(shifts, line, color=color, linewidth=2.2)
            at = int(0.62 * len(shifts))
            ax.annotate(name, (float(shifts[at]), float(line[at])), (0, 7 if side == "top" else -7), va="bottom" if side == "top" else "top",
                        textcoords="offset points", color=color, fontweight="bold", ha="center")  # fmt: skip
        middles = (shifts[1:] + shifts[:-1]) / 2
        low.bar(middles.tolist(), changes(pooled).tolist(), width=0.8 * step, color=POOL, linewidth=0)
        low.plot(middles, changes(aligned), color=ALIGN, linewidth=2.2)
        jumps = int((changes(pooled) > 0).sum())
        where = float(middles[changes(pooled) > 0][1])
        low.text(
            where + 0.12,
            0.93 * float(changes(pooled).max()),
            f"RoIPool: {jumps} jumps, otherwise 0",
            color=POOL,
            va="top",
            fontsize=8,
        )
        low.text(
            float(farthest) - 0.1,
            float(changes(aligned).max()) * 2.2,
            "RoIAlign: small changes",
            color=ALIGN,
            ha="right",
            fontsize=8,
        )
        for panel in (ax, low):
            panel.set(xlim=(0, farthest))
            panel.set_xticks(range(int(farthest) + 1))
        low.set_xlabel("shift of the box to the right, in pixels")
        page.text(0.62, 0.12, f"one feature: channel {channel}, bin ({row}, {column})", fontsize=9.5, fontweight="bold")
        page.text(
            0.62,
            2.47,
            f"change of all {aligned[0].numel()} features per tenth of a pixel",
            fontsize=9.5,
            fontweight="bold",
        )
    return page.figure


# -------------------------------------------------------------------------------------------------------- cells and weights


def cell_weights(rois: Tensor, size: tuple[int, int], scale: float, sampling_ratio: int = 2) -> Tensor:
    """How much each cell counts in the sum of all bins of boxes (K, 4): the gradient of that sum, (H, W)."""
    with torch.enable_grad():
        features = torch.zeros(1, 1, *size, requires_grad=True)
        roi_align(features, F.pad(rois, (1, 0)), (7, 7), scale, sampling_ratio).sum().backward()
    assert features.grad is not None
    return features.grad[0, 0]


def plot_cells_read(box: Tensor, boxes: Tensor, size: tuple[int, int], scale: float, key: str) -> Figure:
    """How much each cell of a map counts for one box (4,), in numbers, and for all boxes (N, 4) that are read from it."""
    one, all_ = cell_weights(box[None], size, scale), cell_weights(boxes, size, scale)
    x1, y1, x2, y2 = (box * scale).tolist()
    left, top, right, bottom = int(x1) - 1, int(y1) - 1, int(x2) + 3, int(y2) + 3
    wide = 4.25
    with st.style():
        page = Page(0.42 + wide * (bottom - top) / (right - left) + 0.1)
        ax = page.panel(0.08, 0.38, wide, wide * (bottom - top) / (right - left))
        show_map(ax, one, st.level_color(key), top=float(one.max()))
        for i in range(top, bottom):
            for j in range(left, right):
                if one[i, j] > 0.005:
                    dark = one[i, j] < 0.6 * one.max()
                    ax.text(j + 0.5, i + 0.5, f"{one[i, j]:.2f}".replace("0.", "."), ha="center", va="center", fontsize=7.2,
                            color=st.PAPER if dark else st.INK, zorder=10)  # fmt: skip
        draw_boxes(ax, (box * scale + 0.5)[None], st.PROPOSAL, linewidth=1.2)
        ax.set(xlim=(left, right), ylim=(bottom, top))
        other = page.panel(wide + 0.3, 0.38, WIDTH - wide - 0.38, (WIDTH - wide - 0.38) * size[0] / size[1])
        show_map(other, all_, st.level_color(key))
        draw_boxes(other, (box * scale + 0.5)[None], st.PROPOSAL, linewidth=1.4)
        page.text(0.08, 0.1, f"our cross's proposal: {one.sum():.0f} in all", fontsize=9.5, fontweight="bold")
        page.text(
            wide + 0.3, 0.1, f"all {len(boxes)} proposals on {st.LEVEL_NAMES[key]}", fontsize=9.5, fontweight="bold"
        )
    return page.figure


def plot_left_out(side: float, ratios: Sequence[int], cells: int = 48) -> Figure:
    """Which cells of a large box are read at all, for some sampling ratios; the box has `side` cells."""
    box = torch.tensor([2.0, 2, 2 + side, 2 + side])
    with st.style():
        figure, axes = panels([1.0] * len(ratios), columns=len(ratios), title=0.26, caption=0.22, gap=0.14)
        for ax, number in zip(axes, ratios, strict=True):
            weights = cell_weights(box[None], (cells, cells), 1.0, number)
            inside = weights[2 : int(side) + 2, 2 : int(side) + 2]
            show_map(ax, weights, st.MUTED, top=float(weights.quantile(0.98)))
            draw_boxes(ax, box[None] + 0.5, st.PROPOSAL, linewidth=1.6)
            ax.set_title(f"sampling_ratio {number}".replace("-", "−"), fontsize=9)
            share = float((inside == 0).float().mean())
            ax.text(
                0,
                -0.03,
                f"{100 * share:.0f} % of cells never read" if share else "every cell is read",
                transform=ax.transAxes,
                va="top",
                fontsize=8,
                color=st.MUTED,
            )
    return figure


# ------------------------------------------------------------------------------------------------------- the wrong level


@torch.no_grad()
def verdict(model: FasterRCNN, pooled: Tensor, proposal: Tensor, ground_truth: Tensor) -> tuple[Tensor, float]:
    """The box head's predictions for one proposal's features (C, 7, 7): probabilities (K,), and the IoU of the likeliest class's box.

    The background has no box: for it, the IoU is the proposal's own.
    """
    heads: Any = model.roi_heads
    logits, deltas = heads.box_predictor(heads.box_head(pooled[None]))
    probabilities = logits[0].softmax(dim=0)
    best = int(probabilities.argmax())
    box = heads.box_coder.decode(deltas, [proposal[None]])[0, best] if best else proposal
    return probabilities, float(box_iou(ground_truth[None], box[None]))


def plot_wrong_level(
    model: FasterRCNN, pyramid: dict[str, Tensor], proposal: Tensor, ground_truth: Tensor, classes: Sequence[str]
) -> Figure:
    """One proposal (4,) on each of the four maps, the 7×7 features it gets there, and the box head's prediction."""
    pool: Any = model.roi_heads.box_roi_pool
    wide, gap = 1.86, 0.14
    x1, y1, x2, y2 = proposal.tolist()
    reach = 1.7 * max(x2 - x1, y2 - y1)
    with st.style():
        page = Page(4.55)
        for number, key in enumerate(LEVEL_KEYS[:4]):
            scale, features = pool.scales[number], pyramid[key]
            pooled = roi_align(features, F.pad(proposal[None], (1, 0)), (7, 7), scale, 2)[0]
            probabilities, _ = verdict(model, pooled, proposal, ground_truth)
            x = 0.08 + number * (wide + gap)
            ax = page.panel(x, 0.36, wide, wide)
            show_map(ax, strength(features), st.level_color(key))
            on_map = proposal * scale + 0.5
            draw_boxes(ax, on_map[None], st.PROPOSAL, linewidth=1.8)
            middle = ((on_map[:2] + on_map[2:]) / 2).tolist()
            half = reach * scale / 2
            ax.set(
                xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] + half, middle[1] - half), facecolor=st.FAINT
            )
            ax.set_aspect("auto")  # panel and part are squares: no rounding may make one side a pixel shorter
            width, height = ((x2 - x1) * scale, (y2 - y1) * scale)
            page.text(x, 0.1, st.LEVEL_NAMES[key], fontsize=9.5, fontweight="bold")
            page.text(x + wide, 0.13, f"{height:.1f}×{width:.1f} cells", ha="right", fontsize=7.5, color=st.MUTED)
            window = page.panel(x, 0.48 + wide, wide, wide)
            show_map(window, strength(pooled[None], among=features), st.PROPOSAL)
            best = int(probabilities.argmax())
            page.text(x, 0.56 + 2 * wide, f"{classes[best]} {probabilities[best]:.2f}", fontsize=9.5, fontweight="bold")
    return page.figure


def plot_channels(pooled: Tensor, chosen: Sequence[int]) -> Figure:
    """All channels of one box's features (64, 7, 7), and some of them larger."""
    low, high = pooled.quantile(torch.tensor([0.01, 0.99])).tolist()
    sheet = np.full((8 * 8 - 1, 8 * 8 - 1), np.nan)
    for channel, values in enumerate(pooled):
        row, column = divmod(channel, 8)
        sheet[8 * row : 8 * row + 7, 8 * column : 8 * column + 7] = values
    with st.style():
        page = Page(4.75)
        ax = page.panel(0.08, 0.36, 4.3, 4.3)
        ax.imshow(sheet, cmap=st.FEATURE_CMAP, vmin=low, vmax=high, extent=(0, 63, 63, 0))
        bare(ax)
        page.text(0.08, 0.1, f"all {len(pooled)} channels, 7×7 each", fontsize=9.5, fontweight="bold")
        side = 1.62
        for number, channel in enumerate(chosen):
            row, column = divmod(number, 2)
            x, y = 4.6 + column * (side + 0.14), 0.62 + row * (side + 0.46)
            panel = page.panel(x, y, side, side)
            panel.imshow(pooled[channel].numpy(), cmap=st.FEATURE_CMAP, vmin=low, vmax=high, extent=(0, 7, 7, 0))
            bare(panel)
            frame(panel, st.PROPOSAL)
            page.text(x, y - 0.06, f"channel {channel}", fontsize=8.5, va="bottom")
            top, left = (8 * part for part in divmod(channel, 8))
            draw_boxes(
                ax,
                torch.tensor([[left - 0.5, top - 0.5, left + 7.5, top + 7.5]]),
                st.PROPOSAL,
                linewidth=1.4,
                clip=False,
            )
        page.text(4.6, 0.1, "the four that vary most", fontsize=9.5, fontweight="bold")
    return page.figure
