"""Figures of notebook 12: a box for every class, and the candidates that become detections."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.story import story
from frcnn_edu.ops import box_iou
from frcnn_edu.ops.boxes import batched_nms, clip_boxes_to_image, remove_small_boxes
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, draw_ground_truth, draw_labels, panels, ratio, show_image
from frcnn_edu.viz.sheet import caption

from .scores import crop


def plot_class_boxes(
    image: Tensor, proposal: Tensor, boxes: Tensor, probabilities: Tensor, classes: Sequence[str], ground_truth: Tensor
) -> Figure:
    """One proposal, and the box that it would become for each class.

    Args:
        proposal: (4,).
        boxes: (K, 4), decoded, for K classes with the background.
        ground_truth: (N, 4) objects, dashed; the crop is around them.
    """
    x1, y1, x2, y2 = crop(torch.cat((ground_truth, proposal[None])), 12, image)
    overlaps = box_iou(ground_truth, boxes).amax(dim=0)  # (K,)
    with st.style():
        figure, axes = panels([(y2 - y1) / (x2 - x1)] * len(classes), columns=3, title=0.25, caption=0.2, gap=0.1)
        for label, ax in enumerate(axes):
            show_image(ax, image, dim=0.45)
            draw_ground_truth(ax, ground_truth)
            draw_boxes(ax, proposal[None], st.PROPOSAL, linewidth=1.2)
            draw_boxes(ax, boxes[[label]], st.class_color(label), linewidth=2.4)
            look: Any = {"arrowstyle": "-|>", "color": st.INK, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
            for a in (0, 2):  # the top left corner, and the bottom right one
                start = float(proposal[a]), float(proposal[a + 1])
                ax.annotate("", (float(boxes[label, a]), float(boxes[label, a + 1])), start, arrowprops=look)
            ax.set(xlim=(x1, x2), ylim=(y2, y1))
            ax.set_title(f"as {classes[label]}, {float(probabilities[label]):.2f}", fontsize=9)
            caption(ax, f"IoU {float(overlaps[label]):.2f}" + (": no loss uses this box" if label == 0 else ""))
    return figure


@dataclass(frozen=True)
class Candidates:
    """What is left of one image's pairs after a step of `postprocess_detections`.

    Attributes:
        name: of the step.
        boxes, scores, labels: (N, 4), (N,) and (N,).
    """

    name: str
    boxes: Tensor
    scores: Tensor
    labels: Tensor


def candidates(
    roi_heads: Any, logits: Tensor, deltas: Tensor, proposals: Tensor, size: tuple[int, int]
) -> list[Candidates]:
    """`postprocess_detections` for one image in torchvision's order, with what is left after each of its steps.

    Args:
        logits, deltas: (N, K) and (N, 4·K).
        proposals: (N, 4).
        size: (height, width) of the image inside its padding.
    """
    probabilities = logits.softmax(dim=1)
    boxes = roi_heads.box_coder.decode(deltas, [proposals])  # (N, K, 4)
    labels = torch.arange(logits.shape[1], device=logits.device).expand_as(logits)
    steps = [Candidates("all pairs", boxes.flatten(0, 1), probabilities.flatten(), labels.flatten())]
    boxes = clip_boxes_to_image(boxes, size)
    steps.append(Candidates("clipped", boxes.flatten(0, 1), probabilities.flatten(), labels.flatten()))
    without = (boxes[:, 1:].reshape(-1, 4), probabilities[:, 1:].flatten(), labels[:, 1:].flatten())
    steps.append(Candidates("no background", *without))

    def go_on(name: str, index: Tensor) -> None:
        last = steps[-1]
        steps.append(Candidates(name, last.boxes[index], last.scores[index], last.labels[index]))

    go_on("above 0.05", torch.where(steps[-1].scores > roi_heads.score_thresh)[0])
    go_on("not empty", remove_small_boxes(steps[-1].boxes, 1e-2))
    last = steps[-1]
    go_on("after NMS per class", batched_nms(last.boxes, last.scores, last.labels, roi_heads.nms_thresh))
    go_on("detections", torch.arange(min(roi_heads.detections_per_img, len(steps[-1].boxes))))
    return steps


@cache
def story_candidates() -> list[Candidates]:
    """Those of the course's image."""
    seen, heads = story().trace, story().model.roi_heads
    return candidates(heads, seen.class_logits, seen.box_deltas, seen.proposals, seen.batch.image_sizes[0])


def plot_candidates(image: Tensor, steps: Sequence[Candidates], classes: Sequence[str]) -> Figure:
    """The candidates after some steps in the colours of their classes, the more opaque the higher the score; the last with names."""
    with st.style():
        figure, axes = panels([ratio(image)] * len(steps), columns=len(steps), title=0.25, caption=0.2, gap=0.1)
        for ax, step in zip(axes, steps, strict=True):
            show_image(ax, image, dim=0.5)
            order = step.scores.argsort().tolist()  # the best one last, on top
            colors = [st.class_color(int(step.labels[i])) for i in order]
            few = len(order) <= 20
            for i, color in zip(order, colors, strict=True):
                alpha = 1.0 if few else 0.1 + 0.9 * float(step.scores[i])
                draw_boxes(ax, step.boxes[[i]], color, linewidth=1.6 if few else 0.8, alpha=alpha, halo=few)
            if few:
                names = [f"{classes[int(step.labels[i])]} {float(step.scores[i]):.2f}" for i in order[::-1]]
                draw_labels(ax, step.boxes[order[::-1]], names, colors[::-1], fontsize=7.2)
            ax.set_title(f"{len(step.boxes)}  {step.name}", fontsize=9)
            per_class = step.labels.bincount(minlength=len(classes)).tolist()
            words = ", ".join(f"{n} {name}" for n, name in zip(per_class, classes, strict=True) if n) if few else ""
            caption(ax, words, fontsize=7.2)
    return figure


def plot_same_place(
    image: Tensor, sides: Sequence[tuple[str, Tensor, Tensor, Tensor]], classes: Sequence[str]
) -> Figure:
    """The same corner of an image once for each way of NMS: (title, boxes (N, 4), labels (N,), scores (N,)).

    The crop is around the boxes of the first side.
    """
    x1, y1, x2, y2 = crop(sides[0][1], 14, image)
    with st.style():
        figure, axes = panels([(y2 - y1) / (x2 - x1)] * len(sides), columns=len(sides), title=0.25, gap=0.1)
        for ax, (title, boxes, labels, scores) in zip(axes, sides, strict=True):
            show_image(ax, image, dim=0.3)
            ax.set(xlim=(x1, x2), ylim=(y2, y1))
            colors = [st.class_color(int(label)) for label in labels]
            draw_boxes(ax, boxes, colors, linewidth=2.2)
            for index, (box, label, score) in enumerate(zip(boxes, labels, scores, strict=True)):
                color = colors[index]
                at = (float(box[0]), float(box[1]) - 1.0) if index == 0 else (float(box[2]), float(box[3]) + 1.0)
                ax.text(
                    *at, f"{classes[int(label)]} {float(score):.2f}", fontsize=9, fontweight="bold",
                    color=st.text_color(color), ha="left" if index == 0 else "right", va="bottom" if index == 0 else "top",
                    bbox={"boxstyle": "square,pad=0.15", "facecolor": color, "edgecolor": "none"},
                )  # fmt: skip
            ax.set_title(title, fontsize=9)
    return figure
