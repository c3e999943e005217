"""Which anchor learns which object, and why: the numbers."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from ...ops import BalancedPositiveNegativeSampler, Matcher, box_area, box_iou
from ..story import Story, follow
from .scene import Rect

FOREGROUND, BACKGROUND, IGNORED = 1, 0, -1  # the labels that the RPN learns from; ignored anchors teach nothing


@dataclass(frozen=True)
class State:
    box: Rect  # of the true box that is dragged
    truth: int  # which of the picture's true boxes it is
    anchor: int  # the selected one, among all anchors of the picture
    foreground: float = 0.7  # from this IoU on
    background: float = 0.3  # below that one
    low_quality: bool = True
    sampled: bool = False
    draw: int = 1  # seed of the sampler


@dataclass(frozen=True)
class Result:
    """Labels of all A anchors, by the model's `Matcher`.

    Attributes:
        truths: (M, 4) with the dragged one where it is now.
        anchors: (A, 4).
        ious: (M, A); best, best_truth: (A,) of each anchor.
        labels: (A,) 1, 0 or −1; matched: (A,) index of the true box that a foreground anchor learns.
        asked: (A,) whether the anchor is the best one for some true box, so that the low-quality rule restores it.
        positives, negatives: anchors drawn for training, indices; empty while the sampler is off.
    """

    state: State
    truths: Tensor
    anchors: Tensor
    ious: Tensor
    best: Tensor
    best_truth: Tensor
    labels: Tensor
    matched: Tensor
    asked: Tensor
    positives: Tensor
    negatives: Tensor

    def count(self, label: int) -> int:
        """How many anchors have a label."""
        return int((self.labels == label).sum())

    def intersection(self) -> tuple[Tensor, float, float]:
        """Of the selected anchor and its best truth: the box (4,) where they meet, its area, and that of their union."""
        anchor, truth = self.anchors[self.state.anchor], self.truths[self.best_truth[self.state.anchor]]
        box = torch.cat((torch.maximum(anchor[:2], truth[:2]), torch.minimum(anchor[2:], truth[2:])))
        box[2:] = torch.maximum(box[2:], box[:2])
        shared = float(box_area(box[None]))
        return box, shared, float(box_area(anchor[None]) + box_area(truth[None])) - shared


@cache
def anchors_of(of: Story) -> Tensor:
    """All anchors of the picture, (A, 4)."""
    return torch.cat(of.trace.anchors)


def first_state(of: Story) -> State:
    """The course's object and its best anchor, with the model's own thresholds."""
    rpn: Any = of.model.rpn
    box = tuple(round(value, 1) for value in of.box.tolist())
    matcher = rpn.proposal_matcher
    return State(box, of.object, follow(of).anchor, matcher.high_threshold, matcher.low_threshold)


def compute(state: State, of: Story) -> Result:
    """Labels and samples as the RPN makes them."""
    truths = of.boxes.clone()
    truths[state.truth] = torch.tensor(state.box)
    anchors = anchors_of(of)
    matcher = Matcher(state.foreground, state.background, state.low_quality)
    matched = matcher.match_boxes(truths, anchors)  # (A,) index, −1 background, −2 ignored
    labels = torch.where(
        matched >= 0, FOREGROUND, torch.where(matched == Matcher.BETWEEN_THRESHOLDS, IGNORED, BACKGROUND)
    )
    ious = box_iou(truths, anchors)
    best, best_truth = ious.max(dim=0)
    asked = (ious == ious.amax(dim=1, keepdim=True)).any(dim=0)
    positives = negatives = torch.empty(0, dtype=torch.int64)
    if state.sampled:
        rpn: Any = of.model.rpn
        own = rpn.fg_bg_sampler
        sampler = BalancedPositiveNegativeSampler(own.batch_size_per_image, own.positive_fraction)
        with torch.random.fork_rng(devices=[]):  # chance of its own: a notebook's stays where it was
            torch.manual_seed(state.draw)
            (positives,), (negatives,) = sampler.draw([labels])
    return Result(state, truths, anchors, ious, best, best_truth, labels, matched, asked, positives, negatives)


def reason(result: Result, of: Story) -> str:
    """Why the selected anchor has its label, in words."""
    index, state = result.state.anchor, result.state
    names = ["the " + of.classes[label] for label in of.target["labels"].tolist()]
    iou, own = float(result.best[index]), names[int(result.best_truth[index])]
    overlap = f"overlaps {own} by {iou:.2f}" if iou > 0 else "meets no true box"
    if iou >= state.foreground:
        return f"Foreground: the anchor {overlap}, and {state.foreground:.2f} would be enough."
    by_iou = "background" if iou < state.background else "ignored"
    if result.labels[index] == FOREGROUND:
        wanted = [m for m in range(len(names)) if result.ious[m, index] == result.ious[m].max()]
        words = f"It {overlap}: {by_iou}, by its IoU. But no anchor fits {names[wanted[0]]} better, so the low-quality rule makes it foreground"
        other = int(result.best_truth[index]) not in wanted
        return words + (f"; and it learns {own}, its own best, not the one that asked." if other else ".")
    if by_iou == "background":
        return f"Background: the anchor {overlap}, less than {state.background:.2f}."
    return f"Ignored: the anchor {overlap}, too little for foreground ({state.foreground:.2f}), too much for background ({state.background:.2f})."
