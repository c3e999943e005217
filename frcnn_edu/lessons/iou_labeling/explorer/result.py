"""Which anchor is trained on which object, and why: the numbers."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.board.names import called, entry
from frcnn_edu.lessons.board.scene import Rect
from frcnn_edu.lessons.story import Story
from frcnn_edu.ops import Matcher, box_area, box_iou
from frcnn_edu.viz.trace import Trace

from ..pictures.iou import intersection

FOREGROUND, BACKGROUND, IGNORED = 1, 0, -1  # the RPN's labels
BEST = -1  # in place of an anchor: the one that overlaps the chosen object most at the moment


@dataclass(frozen=True)
class State:
    box: Rect  # of the chosen object, in pixels of the resized image
    object: int  # its index
    foreground: float  # anchors with at least this IoU are positive
    background: float  # those with less than this are background
    anchor: int = BEST  # the selected anchor, an index into all of them
    low_quality: bool = True
    sampled: bool = False
    seed: int = 1  # the sampler's


@dataclass(frozen=True)
class Result:
    """The labels of all A anchors, given M objects.

    Attributes:
        ground_truth: (M, 4) with the chosen one where it is now.
        names, entries: of the objects, in a sentence and in a list.
        anchors, middles: (A, 4) boxes, and (A, 2) their middles.
        ious: (M, A); best, best_object: (A,) the maximum over the objects, and the object that it belongs to.
        matched: (A,) the `Matcher`'s answer: an object's index, −1 background, −2 ignored.
        labels: (A,) the labels that the RPN makes of these: 1, 0 or −1.
        by_threshold: (A,) the labels without low-quality matches.
        positives, negatives: the anchors sampled for one training step, indices; empty while the sampler is off.
        anchor: index of the selected one.
    """

    state: State
    ground_truth: Tensor
    names: tuple[str, ...]
    entries: tuple[str, ...]
    anchors: Tensor
    middles: Tensor
    ious: Tensor
    best: Tensor
    best_object: Tensor
    matched: Tensor
    labels: Tensor
    by_threshold: Tensor
    positives: Tensor
    negatives: Tensor
    anchor: int

    def where(self, label: int) -> Tensor:
        """The anchors with a label: their indices."""
        return torch.where(self.labels == label)[0]

    def count(self, label: int) -> int:
        """The number of anchors with a label."""
        return int((self.labels == label).sum())

    def overlap(self) -> tuple[Tensor, float, float]:
        """Intersection (4,) of the selected anchor and its best object, its area, and the area of their union."""
        anchor, ground_truth = self.anchors[self.anchor], self.ground_truth[self.best_object[self.anchor]]
        shared = intersection(anchor, ground_truth)
        shared[2:] = torch.maximum(shared[:2], shared[2:])  # no area if they do not overlap
        area = float(box_area(shared[None]))
        return shared, area, float(box_area(torch.stack((anchor, ground_truth))).sum()) - area

    def written(self, digits: int) -> str:
        """The selected anchor's best IoU with this many digits, or with more if it would be on the wrong side of a threshold."""
        iou, label = float(self.best[self.anchor]), int(self.by_threshold[self.anchor])
        for digit in range(digits, 8):
            seen = round(iou, digit)
            if (seen >= self.state.foreground) == (label == FOREGROUND) and (
                label == FOREGROUND or (seen >= self.state.background) == (label == IGNORED)
            ):
                return f"{iou:.{digit}f}"
        return f"{iou:.{digits}f}"


def start(of: Story) -> State:
    """The followed object and the model's own thresholds."""
    rpn: Any = of.model.rpn
    matcher = rpn.proposal_matcher
    return State(place(of, of.object), of.object, matcher.high_threshold, matcher.low_threshold)


def place(of: Story, index: int) -> Rect:
    """The box that an object is annotated with."""
    x1, y1, x2, y2 = (round(value, 1) for value in of.boxes[index].tolist())
    return (x1, y1, x2, y2)


@cache
def names(of: Story) -> tuple[str, ...]:
    """What the objects are called in a sentence."""
    return tuple(called(of, number) for number in range(len(of.boxes)))


@cache
def entries(of: Story) -> tuple[str, ...]:
    """What they are called in a list."""
    return tuple(entry(of, number) for number in range(len(of.boxes)))


# Stories of several objects in one image have the same trace and the same boxes, by which the following are known.
@lru_cache(maxsize=8)
def all_anchors(seen: Trace) -> Tensor:
    """The anchors of all levels, (A, 4)."""
    return torch.cat(seen.anchors)


@lru_cache(maxsize=8)
def middles(seen: Trace) -> Tensor:
    """Their middles, (A, 2)."""
    anchors = all_anchors(seen)
    return (anchors[:, :2] + anchors[:, 2:]) / 2


@lru_cache(maxsize=8)
def annotated_ious(boxes: Tensor, seen: Trace) -> Tensor:
    """The IoU of each annotated box with each anchor, (M, A)."""
    return box_iou(boxes, all_anchors(seen))


def compute(state: State, of: Story) -> Result:
    """Matches, labels and the sample, computed by the RPN's own code."""
    ground_truth = of.boxes.clone()
    ground_truth[state.object] = torch.tensor(state.box)
    anchors = all_anchors(of.trace)
    ious = annotated_ious(of.boxes, of.trace).clone()  # (M, A)
    ious[state.object] = box_iou(ground_truth[[state.object]], anchors)[0]  # only this box can have been moved
    matched = Matcher(state.foreground, state.background, state.low_quality)(ious)
    by_threshold = Matcher(state.foreground, state.background)(ious)
    labels = _labels(matched)
    positives, negatives = sample(labels, state.seed, of) if state.sampled else (labels.new_empty(0),) * 2
    anchor = int(ious[state.object].argmax()) if state.anchor == BEST else state.anchor
    best, best_object = ious.max(dim=0)
    return Result(
        state, ground_truth, names(of), entries(of), anchors, middles(of.trace), ious, best, best_object,
        matched, labels, _labels(by_threshold), positives, negatives, anchor,
    )  # fmt: skip


def onto_another(of: Story) -> tuple[int, Rect] | None:
    """Another object, and our box centred on it, such that our best anchor is assigned to the other object; None if there is none."""
    wide, high = (of.box[2:] - of.box[:2]).tolist()
    for other in box_area(of.boxes).argsort(descending=True).tolist():
        x, y = ((of.boxes[other, :2] + of.boxes[other, 2:]) / 2).tolist()
        box = (round(x - wide / 2, 1), round(y - high / 2, 1), round(x + wide / 2, 1), round(y + high / 2, 1))
        ours = box_iou(torch.tensor([box]), all_anchors(of.trace))[0]  # (A,)
        anchor = int(ours.argmax())
        ious = annotated_ious(of.boxes, of.trace)[:, anchor].clone()  # (M,)
        ious[of.object] = ours[anchor]
        if other != of.object and int(ious.argmax()) == other:
            return other, box
    return None


def _labels(matched: Tensor) -> Tensor:
    """Labels from matches, as in `assign_targets_to_anchors`: any object 1, background 0, ignored −1."""
    return (matched + 1).clamp(max=1)


def sample(labels: Tensor, seed: int, of: Story) -> tuple[Tensor, Tensor]:
    """The sample that the model's sampler draws with this seed: positives and negatives, as indices."""
    rpn: Any = of.model.rpn
    with torch.random.fork_rng(devices=[]):  # the notebook's own random numbers stay the same
        torch.manual_seed(seed)
        positives, negatives = rpn.sample([labels])
    return positives, negatives
