"""The sieve of the region proposal network, and NMS one suppression at a time: the numbers."""

import copy
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor

from ...model.rpn import RegionProposalNetwork, concat_box_prediction_layers
from ...ops import box_iou
from ..course.proposals import Step, sieve
from ..story import Story

BEFORE_NMS = 4  # the steps of `sieve`: what enters NMS …
AFTER_NMS = 5  # … and what it leaves


@dataclass(frozen=True)
class State:
    pre: int  # the best of each level that go on
    threshold: float  # of NMS
    smallest: int  # shortest side of a box, in pixels
    post: int  # the best of all levels that are left
    step: int = AFTER_NMS + 1  # whose boxes are shown
    level: int = 1  # whose NMS is shown
    place: int = 0  # how many suppressions have happened there


@dataclass(frozen=True)
class Suppression:
    """A box of a level stays and drops another: their ranks by probability, and their IoU."""

    kept: int
    dropped: int
    iou: float


@dataclass(frozen=True)
class Result:
    """All steps of the sieve (`course.proposals.Step`), and one level's NMS.

    `boxes` (N, 4) and `probabilities` (N,) are what enters NMS on that level, the best first; `suppressions` what happens to them, in
    order. `best` is each step's largest IoU with the followed object.
    """

    state: State
    steps: list[Step]
    boxes: Tensor
    probabilities: Tensor
    suppressions: tuple[Suppression, ...]
    best: list[float]

    @property
    def now(self) -> Suppression | None:
        """The suppression that is looked at."""
        return self.suppressions[self.state.place - 1] if self.state.place else None


def sieve_with(state: State, of: Story) -> RegionProposalNetwork:
    """The model's own RPN, sifting with the state's settings."""
    rpn: Any = copy.copy(of.model.rpn)
    rpn._pre_nms_top_n, rpn._post_nms_top_n = dict(testing=state.pre), dict(testing=state.post)
    rpn.nms_thresh, rpn.min_size = state.threshold, max(float(state.smallest), 1e-3)
    return rpn


@cache
def moved_anchors(of: Story) -> tuple[Tensor, Tensor, list[int]]:
    """All anchors moved by their deltas (A, 4), their logits (A,), and how many each level has."""
    rpn: Any = of.model.rpn
    logits, deltas = concat_box_prediction_layers(of.trace.objectness, of.trace.deltas)  # (A, 1), (A, 4)
    moved = rpn.box_coder.decode_single(deltas, torch.cat(of.trace.anchors))
    return moved, logits.flatten(), [len(anchors) for anchors in of.trace.anchors]


@lru_cache(maxsize=16)
def steps_of(of: Story, pre: int, threshold: float, smallest: int, post: int) -> list[Step]:
    """The sieve's steps; they are kept, for most events change only what is looked at."""
    moved, logits, counts = moved_anchors(of)
    rpn = sieve_with(State(pre, threshold, smallest, post), of)
    return sieve(rpn, moved, logits, of.trace.batch.image_sizes[0], counts)


@lru_cache(maxsize=16)
def nms_of(
    of: Story, pre: int, threshold: float, smallest: int, level: int
) -> tuple[Tensor, Tensor, tuple[Suppression, ...]]:
    """What enters NMS on a level, (N, 4) and (N,), the best first; and all its suppressions, in order."""
    entering = steps_of(of, pre, threshold, smallest, 1)[BEFORE_NMS]
    ours = torch.where(entering.levels == level)[0]
    ours = ours[entering.probabilities[ours].sort(descending=True, stable=True).indices]
    boxes, probabilities = entering.boxes[ours], entering.probabilities[ours]
    return boxes, probabilities, suppressions(boxes, threshold)


def suppressions(boxes: Tensor, threshold: float) -> tuple[Suppression, ...]:
    """Greedy NMS of boxes (N, 4), the best first: who drops whom."""
    ious = box_iou(boxes, boxes).numpy()
    waiting = torch.ones(len(boxes), dtype=torch.bool).numpy()
    found = []
    for kept in range(len(boxes)):
        if not waiting[kept]:
            continue
        waiting[kept] = False
        for dropped in (waiting & (ious[kept] > threshold)).nonzero()[0].tolist():
            waiting[dropped] = False
            found.append(Suppression(kept, dropped, float(ious[kept, dropped])))
    return tuple(found)


def compute(state: State, of: Story) -> Result:
    """The sieve with the state's settings."""
    steps = steps_of(of, state.pre, state.threshold, state.smallest, state.post)
    boxes, probabilities, found = nms_of(of, state.pre, state.threshold, state.smallest, state.level)
    best = [float(box_iou(step.boxes, of.box[None]).max()) if len(step.boxes) else 0.0 for step in steps]
    return Result(state, steps, boxes, probabilities, found, best)


def first_state(of: Story) -> State:
    """The model's own settings, and the first suppression by a box that fits the followed object."""
    rpn: Any = of.model.rpn
    settings = (rpn._pre_nms_top_n["testing"], rpn.nms_thresh, 0, rpn._post_nms_top_n["testing"])
    for level in (1, 2, 0, 3, 4):
        boxes, _, found = nms_of(of, *settings[:3], level)
        fits = box_iou(boxes, of.box[None])[:, 0] if len(boxes) else boxes.new_empty(0)
        for place, one in enumerate(found, 1):
            if float(fits[one.kept]) > 0.5:
                return State(*settings, level=level, place=place)
    return State(*settings)
