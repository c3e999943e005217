"""Figures of notebook 12: the head's scores for moved boxes, and precision and recall."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.story import story
from frcnn_edu.ops import box_iou
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, draw_ground_truth, show_image
from frcnn_edu.viz.sheet import bare


def crop(boxes: Tensor, margin: float, image: Tensor) -> tuple[float, float, float, float]:
    """x1, y1, x2, y2 of the part of the image around some boxes."""
    x1, y1 = (boxes[:, :2].amin(dim=0) - margin).clamp(min=0).tolist()
    x2, y2 = (boxes[:, 2:].amax(dim=0) + margin).tolist()
    return x1, y1, min(x2, image.shape[-1]), min(y2, image.shape[-2])


def read(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The box head's predictions for any boxes (N, 4) on the course's image: probabilities (N, K), boxes (N, K, 4)."""
    seen, heads = story().trace, story().model.roi_heads
    parts: Any = heads
    with torch.no_grad():
        pooled = parts.box_roi_pool(seen.pyramid, [boxes], seen.batch.image_sizes)  # (N, 64, 7, 7)
        logits, deltas = parts.box_predictor(parts.box_head(pooled))
    return logits.softmax(dim=1), parts.box_coder.decode(deltas, [boxes])


def shifts(reach: int = 26, step: int = 2) -> Tensor:
    """A square of shifts (dx, dy) in pixels, row by row: (S, S, 2)."""
    line = torch.arange(-reach, reach + 1, step, dtype=torch.float32)
    dy, dx = torch.meshgrid(line, line, indexing="ij")
    return torch.stack((dx, dy), dim=2)


@cache
def score_of_shifts() -> tuple[Tensor, Tensor, Tensor]:
    """Our cross's box, moved: the shifts (S, S, 2), the probability of a cross and the IoU with the cross, (S, S)."""
    moves = shifts()
    label = int(story().target["labels"][story().object])
    boxes = story().box + moves.repeat(1, 1, 2).view(-1, 4)  # (S·S, 4)
    probabilities, _ = read(boxes)
    overlap = box_iou(story().box[None], boxes)[0]
    return moves, probabilities[:, label].view(moves.shape[:2]), overlap.view(moves.shape[:2])


def plot_score_by_shift(
    image: Tensor, box: Tensor, moves: Tensor, scores: Tensor, overlaps: Tensor, name: str
) -> Figure:
    """The class score of a moved box, drawn at the box's centre on the image, and as a function of its IoU with the object.

    Args:
        box: (4,) of the object.
        moves: (S, S, 2) shifts in x and y.
        scores, overlaps: (S, S) of the moved box.
    """
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    reach, step = float(moves.max()), float(moves[0, 1, 0] - moves[0, 0, 0])
    edge = reach + step / 2
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.9))
        left = figure.add_axes((0.02, 0.09, 0.44, 0.8))
        show_image(left, image, dim=0.3)
        color = torch.tensor(to_rgb(st.DETECTION)).expand(*scores.shape, 3)
        overlay = torch.cat(
            (color, 0.85 * scores[..., None]), dim=2
        )  # (S, S, 4), the higher the score, the more opaque
        left.imshow(overlay.numpy(), extent=(x - edge, x + edge, y + edge, y - edge))
        line = (moves[0, :, 0] + x).tolist(), (moves[:, 0, 1] + y).tolist()
        left.contour(*line, overlaps.numpy(), levels=[0.5], colors=st.INK, linewidths=1.6)
        draw_ground_truth(left, box[None])
        left.plot([x], [y], marker="+", color=st.INK, markersize=9, markeredgewidth=1.6)
        left.set(xlim=(x - edge - 14, x + edge + 14), ylim=(y + edge + 6, y - edge - 6))
        left.set_title(f"score of {name} for a box centred here", fontsize=9)
        bare(left)
        left.text(
            0, -0.03, "black line: IoU 0.5    orange: high score", transform=left.transAxes, va="top", color=st.MUTED
        )

        right = figure.add_axes((0.56, 0.15, 0.42, 0.74))
        right.axvspan(0, 0.5, color=st.BACKGROUND, alpha=0.12, linewidth=0)
        right.axvline(0.5, color=st.INK, linewidth=1.6)
        right.scatter(
            overlaps.flatten().tolist(), scores.flatten().tolist(), s=11, color=st.DETECTION, linewidths=0, alpha=0.7
        )
        right.set(xlim=(0, 1.02), ylim=(-0.02, 1.04), xlabel="IoU of the moved box with the object")
        right.set_title(f"score of {name}", fontsize=9)
        right.text(0.03, 0.93, "in training labelled\nbackground", color=st.INK, va="top")
        right.text(0.99, 0.1, f"in training\nlabelled {name}", color=st.INK, ha="right")
    return figure


def plot_walk(
    image: Tensor, start: Tensor, end: Tensor, probabilities: Tensor, labels: tuple[int, int], classes: Sequence[str]
) -> Figure:
    """A box that changes step by step from one object's into another's, and the head's scores at each step.

    Args:
        start, end: (4,) boxes of the two objects.
        probabilities: (S, K) at S equal steps from one to the other.
        labels: of the two objects.
    """
    share = torch.linspace(0, 1, len(probabilities))
    x1, y1, x2, y2 = crop(torch.stack((start, end)), 6, image)
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.9))
        left = figure.add_axes((0.01, 0.04, 0.36, 0.84))
        show_image(left, image, dim=0.35)
        for at in (0.25, 0.5, 0.75):
            draw_boxes(left, ((1 - at) * start + at * end)[None], st.PROPOSAL, linewidth=1.0, alpha=0.9, halo=False)
        draw_boxes(left, start[None], st.class_color(labels[0]), linewidth=2.2)
        draw_boxes(left, end[None], st.class_color(labels[1]), linewidth=2.2)
        left.set(xlim=(x1, x2), ylim=(y2, y1), title=f"from {classes[labels[0]]} to {classes[labels[1]]}")
        right = figure.add_axes((0.45, 0.16, 0.53, 0.72))
        lines = ((labels[0], "-"), (0, ":"), (labels[1], "--"))
        for label, line in lines:
            values = probabilities[:, label]
            right.plot(share.tolist(), values.tolist(), color=st.class_color(label), linestyle=line, linewidth=2.4)
            peak = float(share[values > 0.5 * values.max()].mean())
            right.text(peak, 1.04, classes[label], ha="center", color=st.INK, fontweight="bold")
        right.set(xlim=(0, 1), ylim=(0, 1.14), xlabel="fraction of the way", yticks=[0, 0.5, 1], title="softmax")
    return figure


def plot_precision_recall(
    thresholds: Sequence[float], precision: Sequence[float], recall: Sequence[float],
    by_nms: Sequence[tuple[float, float, float]],
) -> Figure:  # fmt: skip
    """Precision and recall over the score threshold, and for several NMS thresholds.

    Args:
        precision, recall: one for each of `thresholds`.
        by_nms: (NMS threshold, precision, recall), ascending.
    """
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.0))
        left, right = figure.add_axes((0.065, 0.16, 0.42, 0.72)), figure.add_axes((0.565, 0.16, 0.42, 0.72))
        for ax, xs, both in (
            (left, thresholds, (precision, recall)),
            (right, [row[0] for row in by_nms], ([row[1] for row in by_nms], [row[2] for row in by_nms])),
        ):
            for values, color, line, name in zip(
                both, (st.DETECTION, st.FOREGROUND), ("-", "--"), ("precision", "recall"), strict=True
            ):
                marker = "o" if ax is right else ""
                ax.plot(xs, values, color=color, linestyle=line, linewidth=2.4, marker=marker, markersize=5, label=name)
            ax.set(ylim=(0, 1.04))
        left.set(xlim=(0, 1), xlabel="score threshold", title="NMS threshold 0.5")
        right.set(xlabel="NMS threshold", xticks=[row[0] for row in by_nms], title="score threshold 0.5")
        left.text(0.2, 0.64, "precision: share of\ndetections that are right", va="top", color=st.DETECTION)
        left.text(0.98, 0.82, "recall: share of\nobjects that are found", ha="right", va="top", color=st.FOREGROUND)
    return figure


def plot_named(classes: Sequence[str], counted: Sequence[int], sides: Sequence[tuple[str, Sequence[float]]]) -> Figure:
    """For each class, the share of its proposals that are classified correctly, in two trainings side by side.

    Args:
        classes: names, without the background.
        counted: proposals of each class.
        sides: (title, share for each class).
    """
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.1))
        for index, (title, shares) in enumerate(sides):
            ax = figure.add_axes((0.1 + 0.5 * index, 0.06, 0.36, 0.78))
            ax.barh(range(len(classes)), [1] * len(classes), color=st.FAINT, alpha=0.5, height=0.66)
            colors = [st.class_color(label) for label in range(1, len(classes) + 1)]
            ax.barh(range(len(classes)), shares, color=colors, height=0.66)
            for row, (share, number) in enumerate(zip(shares, counted, strict=True)):
                inside = share > 0.5
                ax.text(
                    share - 0.02 if inside else share + 0.02, row, f"{100 * share:.0f} % of {number}", va="center_baseline",
                    ha="right" if inside else "left", color=st.text_color(colors[row]) if inside else st.INK,
                )  # fmt: skip
            bare(ax)
            ax.set(yticks=range(len(classes)), yticklabels=classes, xlim=(0, 1), title=title)
            ax.tick_params(length=0)
            ax.invert_yaxis()
    return figure
