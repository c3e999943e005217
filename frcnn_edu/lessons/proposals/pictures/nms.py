"""Figures of notebook 09: non-maximum suppression, step by step and level by level."""

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.lessons.stages import frame
from frcnn_edu.ops import box_iou
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, panels
from frcnn_edu.viz.sheet import bare, caption

#: The tiny example: five squares of 10 pixels in two groups, A–C and D–E; in a group, each is one pixel further right.
FIVE = torch.tensor([[2.0, 5, 12, 15], [3, 5, 13, 15], [4, 5, 14, 15], [20, 5, 30, 15], [21, 5, 31, 15]])
FIVE_SCORES = torch.tensor([0.90, 0.80, 0.70, 0.95, 0.60])


def nms_rounds(boxes: Tensor, scores: Tensor, threshold: float) -> list[tuple[int, dict[int, float], list[int]]]:
    """For each kept box: its index, its IoU with every box that was still there, and the indices of those that are removed."""
    waiting = scores.argsort(descending=True, stable=True).tolist()
    rounds = []
    while waiting:
        best, *rest = waiting
        overlaps = dict(zip(rest, box_iou(boxes[best][None], boxes[rest])[0].tolist(), strict=True))
        dropped = [index for index in rest if overlaps[index] > threshold]
        rounds.append((best, overlaps, dropped))
        waiting = [index for index in rest if index not in dropped]
    return rounds


def plot_nms_steps(boxes: Tensor, scores: Tensor, threshold: float) -> Figure:
    """The boxes with their scores, then a panel for each box that is kept: its overlaps, and the boxes that it removes.

    Args:
        boxes: (N, 4); each has a label above it, so groups of more than three boxes become crowded.
    """
    rounds = nms_rounds(boxes, scores, threshold)
    left, right = float(boxes[:, 0].min()) - 2, float(boxes[:, 2].max()) + 3
    top, bottom = float(boxes[:, 1].min()) - 5.6, float(boxes[:, 3].max()) + 1
    with st.style():
        shape = (bottom - top) / (right - left)
        figure, axes = panels([shape] * (1 + len(rounds)), columns=2, title=0.26, caption=0.24, gap=0.12)
        for ax in axes:
            bare(ax)
            frame(ax, st.FAINT, 0.8)
            ax.set(xlim=(left, right), ylim=(bottom, top))
        every = range(len(boxes))
        draw_boxes(axes[0], boxes, st.PROPOSAL, linewidth=1.8)
        _labels(axes[0], boxes, {i: f"{chr(65 + i)}  {float(scores[i]):.2f}" for i in every}, dict.fromkeys(every, "k"))
        axes[0].set_title(f"{len(boxes)} boxes and their scores")
        caption(axes[0], "which is the most confident?")
        kept: list[int] = []
        gone: list[int] = []
        for number, (ax, (best, overlaps, dropped)) in enumerate(zip(axes[1:], rounds, strict=True), 1):
            draw_boxes(ax, boxes[gone], st.FAINT, linewidth=0.9, halo=False)
            waiting = [i for i in overlaps if i not in dropped]
            draw_boxes(ax, boxes[waiting], st.PROPOSAL, linewidth=1.4)
            draw_boxes(ax, boxes[dropped], st.IGNORED, linewidth=1.4, dashes=(2, 2), halo=False)
            draw_boxes(ax, boxes[kept], st.PROPOSAL, linewidth=1.4, fill=0.12)
            draw_boxes(ax, boxes[[best]], st.PROPOSAL, linewidth=3.0, fill=0.3)
            texts = {best: f"{chr(65 + best)} stays"} | {i: chr(65 + i) for i in kept}
            colors = {best: st.INK} | dict.fromkeys(kept, st.MUTED)
            for i, overlap in overlaps.items():
                texts[i] = f"{chr(65 + i)}  IoU {overlap:.2f}" + (" ✕" if i in dropped else "")
                colors[i] = st.INK if i in dropped else st.MUTED
            _labels(ax, boxes, texts, colors)
            names = ", ".join(chr(65 + i) for i in dropped)
            ax.set_title(f"round {number}: {chr(65 + best)} is the most confident left")
            removed = (
                f"removes {names}: IoU above {threshold:g}"
                if dropped
                else f"removes nothing: no IoU above {threshold:g}"
            )
            caption(ax, removed)
            kept.append(best)
            gone += dropped
    return figure


def _labels(ax: Axes, boxes: Tensor, texts: dict[int, str], colors: dict[int, str]) -> None:
    """A label above each box, tied to its top left corner; in a group, each is higher than its right neighbour's."""
    for index, text in texts.items():
        x1, y1, x2, _ = boxes[index].tolist()
        after = sum(1 for j in texts if j != index and x1 < float(boxes[j, 0]) < x2)
        color = st.INK if colors[index] == "k" else colors[index]
        height = y1 - 0.5 - 1.6 * after
        ax.plot([x1, x1], [y1, height - 0.2], color=color, linewidth=0.7)
        ax.text(x1 + 0.2, height, text, fontsize=8, color=color, va="bottom", fontweight="bold")


def plot_offsets(boxes: Tensor, levels: Tensor, size: tuple[int, int], most: int = 5) -> Figure:
    """The boxes of each level in the image, and where the coordinate trick moves them for one NMS: down the diagonal.

    Args:
        boxes: (N, 4), clipped; of each level, the most confident first.
        levels: (N,) level of each box, 0 for P2.
        size: (height, width) of the image.
        most: number of boxes of each level that are drawn; all are counted.
    """
    step = float(boxes.max() + 1)
    last = int(levels.max())
    reach = last * step + size[1]
    with st.style():
        figure = Figure(figsize=(WIDTH, 4.0))
        near = figure.add_axes((0.02, 0.1, 0.4, 0.74))
        near.set(xlim=(-8, size[1] + 8), ylim=(size[0] + 8, -8), aspect="equal")
        far = figure.add_axes((0.47, 0.03, 0.5, 0.89))
        far.set(xlim=(-step / 4, reach + step / 4), ylim=(reach, -step / 4), aspect="equal")
        for ax in (near, far):
            bare(ax)
            frame(ax, st.FAINT, 0.8)
        for level in range(last, -1, -1):  # the finest on top
            color, mine = list(st.LEVELS.values())[level], boxes[levels == level]
            draw_boxes(near, mine[:most], color, linewidth=1.6, halo=False)
            draw_boxes(far, mine[:most] + level * step, color, linewidth=1.1, halo=False)
            corner = (level * step, level * step)
            far.add_patch(Rectangle(corner, size[1], size[0], facecolor=st.FAINT, alpha=0.5, linewidth=0, zorder=0))
            name = list(st.LEVELS)[level]
            words = f"{name}: {len(mine)} boxes,\nmoved by {level * step:.0f}"
            side = level * step + (size[1] + 12 if level < 2 else -12)
            far.text(
                side, level * step + size[0] / 2, words, va="center", ha="left" if level < 2 else "right", fontsize=8
            )
        near.set_title("where they are: levels overlap", fontsize=9)
        far.set_title("where NMS sees them: levels never overlap", fontsize=9)
        caption(near, f"drawn: the {most} most confident of each level")
    return figure


def plot_saturation(logits: Tensor) -> Figure:
    """The distance of the float32 sigmoid from 1, in units of the spacing of float32 numbers just below 1.

    Args:
        logits: (N,) ascending, around the end of the steps.
    """
    unit = 2.0**-24  # distance of neighbouring float32 numbers in [0.5, 1)
    steps = (1 - logits.sigmoid().double()) / unit
    exact = (1 - logits.double().sigmoid()) / unit
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.9))
        ax = figure.add_axes((0.075, 0.17, 0.9, 0.7))
        ax.plot(logits.tolist(), exact.tolist(), color=st.MUTED, linewidth=1.2, linestyle=(0, (3, 2)))
        ax.plot(logits.tolist(), steps.tolist(), color=st.PROPOSAL, linewidth=2.2)
        ax.set(
            xlabel="logit", xlim=(float(logits[0]), float(logits[-1])), ylim=(-0.6, 12),
            title="1 − sigmoid, in units of $2^{-24}$",
        )  # fmt: skip
        first = float(logits[steps == 0].min())
        middle = (first + float(logits[-1])) / 2
        ax.text(middle, 1.0, "exactly 1: all of these are equal", ha="center", fontweight="bold")
        ax.text(15.1, 6.6, "dashed: the true value", color=st.MUTED)
        ax.text(15.6, 4.0, "float32: 1 + exp(−logit) is a multiple of $2^{-23}$", va="center")
    return figure
