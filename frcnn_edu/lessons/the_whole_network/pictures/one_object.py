"""One object: what the box head predicts for a proposal, and the two chains from an anchor to a refined box."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.stages import frame, show_map, strength
from frcnn_edu.lessons.story import AnchorPlace, Story, follow
from frcnn_edu.ops import box_iou
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import (
    WIDTH,
    draw_boxes,
    draw_detections,
    draw_ground_truth,
    draw_labels,
    panels,
    picture_axes,
    show_image,
)
from frcnn_edu.viz.trace import moved_anchors


def plot_answer(image: Tensor, answer: dict[str, Tensor], classes: Sequence[str], least: float = 0.5) -> Figure:
    """The detections of an image that have a score of at least `least`."""
    boxes, labels, scores = (answer[name][answer["scores"] >= least] for name in ("boxes", "labels", "scores"))
    ax = picture_axes(image, longest=5)
    draw_detections(image, boxes, labels, scores, classes=classes, ax=ax)
    figure = ax.get_figure(root=True)
    assert figure is not None  # `picture_axes` made it
    return figure


def plot_box_head(
    image: Tensor,
    proposal: Tensor,
    probabilities: Tensor,
    boxes: Tensor,
    classes: Sequence[str],
    ground_truth: Tensor | None = None,
) -> Figure:
    """What the box head predicts for one proposal: the probability of each class, and the box refined for each class.

    Args:
        proposal: (4,).
        probabilities: (K,) for K classes with the background.
        boxes: (K, 4), decoded.
    """
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.1))
        left = figure.add_axes((0.125, 0.06, 0.33, 0.82))
        colors = [st.class_color(label) for label in range(len(classes))]
        left.barh(range(len(classes)), probabilities.tolist(), color=colors, height=0.68)
        for row, value in enumerate(probabilities.tolist()):
            inside = value > 0.8
            left.text(
                value + (-0.015 if inside else 0.015), row, f"{value:.2f}", va="center", ha="right" if inside else "left",
                color=st.text_color(colors[row]) if inside else st.INK,
            )  # fmt: skip
        left.set(yticks=range(len(classes)), yticklabels=classes, xlim=(0, 1), xticks=[], title="class probabilities")
        left.invert_yaxis()
        left.grid(False)
        left.spines["bottom"].set_visible(False)
        right = figure.add_axes((0.5, 0.06, 0.49, 0.82))
        show_image(right, image)
        best = int(probabilities[1:].argmax()) + 1
        others = [label for label in range(1, len(classes)) if label != best]
        draw_boxes(right, boxes[others], [colors[label] for label in others], linewidth=1.0)
        draw_boxes(right, proposal[None], st.INK, linewidth=1.6, dashes=(1, 1.5))
        draw_boxes(right, boxes[best : best + 1], colors[best])
        if ground_truth is not None:
            draw_ground_truth(right, ground_truth)
        draw_labels(right, boxes[best : best + 1], [f"as {classes[best]}"], [colors[best]], fontsize=7.5)
        right.set_title("the proposal (dotted), refined for each class")
    return figure


@dataclass(frozen=True)
class Chain:
    """What became of one anchor.

    Attributes:
        name: what the anchor is called.
        anchor, proposal, refined: boxes (4,), before and after each of the two stages.
        pooled: (C, 7, 7) features of the proposal.
        key: name of the level they were pooled from.
        captions: what to say below the four panels.
    """

    name: str
    anchor: Tensor
    proposal: Tensor
    refined: Tensor
    pooled: Tensor
    key: str
    captions: tuple[str, str, str, str]


def chain(of: Story, name: str, place: AnchorPlace) -> Chain:
    """The chain from an anchor to the box that the box head makes of it, for an anchor whose proposal is kept."""
    seen, followed = of.trace, follow(of)

    def overlap(box: Tensor, digits: int = 2) -> str:
        return f"IoU {float(box_iou(of.box[None], box[None])):.{digits}f}"

    anchor = torch.cat(seen.anchors)[place.anchor]
    number = int((moved_anchors(seen, of.model)[place.anchor] - seen.proposals).abs().amax(dim=1).argmin())
    proposal, key = seen.proposals[number], str(int(seen.levels[number]))
    probabilities = seen.class_logits[number].softmax(dim=0)
    label = int(probabilities[1:].argmax()) + 1
    coder: Any = of.model.roi_heads.box_coder
    refined = coder.decode(seen.box_deltas[number][None], [proposal[None]])[0, label]  # (4,)
    score = f"{of.classes[label]} {float(probabilities[label]):.4f}, {overlap(refined, 3)}"
    end = f"kept: detection {followed.detection}" if place.anchor == followed.winner.anchor else "removed by NMS"
    captions = (
        f"anchor {place.anchor} on P{2 + place.level}\n{overlap(anchor)}",
        f"proposal {number}\n{overlap(proposal)}",
        f"{'×'.join(map(str, seen.pooled[number].shape))}\nread from {st.LEVEL_NAMES[key]}",
        f"{score}\n{end}",
    )
    return Chain(name, anchor, proposal, refined, seen.pooled[number], key, captions)


def plot_chains(image: Tensor, ground_truth: Tensor, chains: Sequence[Chain]) -> Figure:
    """For each chain a row of four panels: anchor, proposal, features, refined box; the ground truth (4,) is dashed."""
    x1, y1, x2, y2 = ground_truth.tolist()
    x, y, reach = (x1 + x2) / 2, (y1 + y2) / 2, 0.95 * max(x2 - x1, y2 - y1)
    titles = ("anchor", "proposal", "features", "refined box")
    with st.style():
        figure, axes = panels([0.8] * 4 * len(chains), columns=4, title=0.24, caption=0.36, gap=0.1)
        for row, one in enumerate(chains):
            boxes = [
                (one.anchor, st.ANCHOR),
                (one.proposal, st.PROPOSAL),
                (None, st.level_color(one.key)),
                (one.refined, st.DETECTION),
            ]
            for column, (box, color) in enumerate(boxes):
                ax = axes[4 * row + column]
                if box is None:
                    show_map(ax, strength(one.pooled[None]), color)
                    ax.set_aspect("auto")
                else:
                    show_image(ax, image)
                    draw_boxes(ax, box[None], color, linewidth=2.2)
                    draw_ground_truth(ax, ground_truth[None])
                    ax.set(xlim=(x - reach, x + reach), ylim=(y + 0.8 * reach, y - 0.8 * reach), facecolor=st.FAINT)
                    frame(ax, color)
                ax.set_title(f"{one.name}: {titles[column]}" if column == 0 else titles[column], fontsize=9)
                ax.text(
                    0, -0.04, one.captions[column], transform=ax.transAxes, va="top", fontsize=8, color=st.INK,
                    linespacing=1.3,
                )  # fmt: skip
    return figure


def two_chains(of: Story) -> Figure:
    """What became of the anchor that fits the followed object best, and of the one that its detection comes from."""
    followed = follow(of)
    both = [chain(of, "best fit", followed), chain(of, "winner", followed.winner)]
    return plot_chains(of.resized, of.box, both)
