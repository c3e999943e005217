"""From anchors to proposals, and NMS one suppression at a time: the numbers."""

import copy
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.story import Story
from frcnn_edu.model import FasterRCNN
from frcnn_edu.model.rpn import RegionProposalNetwork, concat_box_prediction_layers
from frcnn_edu.ops import box_iou, clip_boxes_to_image
from frcnn_edu.ops.boxes import nms
from frcnn_edu.viz.trace import Trace

from ..pictures.main import Step, sieve

BEFORE_NMS = 4  # the step of `sieve` before NMS …
AFTER_NMS = 5  # … and NMS
TITLES = (
    *("all anchors, decoded", "the best of each level", "… clipped", "… large enough", "… likely enough"),
    *("kept by NMS", "the best of all levels"),
)


@dataclass(frozen=True)
class State:
    pre: int  # boxes kept on each level before NMS
    threshold: float  # of NMS
    smallest: int  # minimum side of a box, in pixels
    post: int  # boxes kept of all levels after NMS
    step: int = AFTER_NMS + 1  # the step whose boxes are shown
    level: int = 1  # the level whose NMS is shown
    place: int = 0  # the number of suppressions so far on that level


@dataclass(frozen=True)
class Suppression:
    """A box of a level is kept and another one removed: their ranks by probability, from 0, and their IoU."""

    kept: int
    dropped: int
    iou: float


@dataclass(frozen=True)
class Level:
    """NMS on one level.

    Attributes:
        boxes, probabilities: (N, 4) and (N,), the boxes before NMS, in descending order of probability.
        anchors: (N,) the anchors that they were decoded from, as indices.
        suppressions: in the order in which they happen.
    """

    boxes: Tensor
    probabilities: Tensor
    anchors: Tensor
    suppressions: tuple[Suppression, ...]


@dataclass(frozen=True)
class Champion:
    """Of all decoded anchors, the one that fits the followed object best after clipping.

    Attributes:
        fit: its IoU with the object.
        level: index of its level; rank, among: its rank there by probability, from 0, and the number of anchors of the level.
        lost: index of the step that removes it; None if it becomes a proposal.
        dropper: the suppression that removes it, if NMS does; dropper_fit: IoU of the box that is kept with the object.
        place: its index among the boxes that NMS keeps on all levels, if it is one of them.
    """

    fit: float
    level: int
    rank: int
    among: int
    lost: int | None
    dropper: Suppression | None = None
    dropper_fit: float = 0.0
    place: int = 0


@dataclass(frozen=True)
class Result:
    """All steps (`Step`), and NMS on one level.

    `best` is the largest IoU with the followed object after each step.
    """

    state: State
    steps: list[Step]
    nms: Level
    best: list[float]
    champion: Champion

    @property
    def now(self) -> Suppression | None:
        """The suppression that is shown."""
        return self.nms.suppressions[self.state.place - 1] if self.state.place else None

    @property
    def others(self) -> list[Suppression]:
        """The other suppressions by the box that is kept in the present one."""
        return [one for one in self.nms.suppressions if self.now and one.kept == self.now.kept and one is not self.now]


def sieve_with(state: State, model: FasterRCNN) -> RegionProposalNetwork:
    """The model's own RPN with the state's settings."""
    rpn: Any = copy.copy(model.rpn)
    rpn._pre_nms_top_n, rpn._post_nms_top_n = dict(testing=state.pre), dict(testing=state.post)
    rpn.nms_thresh, rpn.min_size = state.threshold, max(float(state.smallest), 1e-3)
    return rpn


@lru_cache(maxsize=8)  # by the trace, not by the story: stories of several objects in one image have the same trace
def moved_anchors(seen: Trace, model: FasterRCNN) -> tuple[Tensor, Tensor, list[int]]:
    """All boxes decoded from the anchors (A, 4), their logits (A,), and their number on each level."""
    rpn: Any = model.rpn
    logits, deltas = concat_box_prediction_layers(seen.objectness, seen.deltas)  # (A, 1), (A, 4)
    moved = rpn.box_coder.decode_single(deltas, torch.cat(seen.anchors))
    return moved, logits.flatten(), [len(anchors) for anchors in seen.anchors]


@lru_cache(maxsize=16)
def steps_of(seen: Trace, model: FasterRCNN, pre: int, threshold: float, smallest: int, post: int) -> list[Step]:
    """All steps; they are cached because most events only change what is shown."""
    moved, logits, counts = moved_anchors(seen, model)
    rpn = sieve_with(State(pre, threshold, smallest, post), model)
    return sieve(rpn, moved, logits, seen.batch.image_sizes[0], counts)


@lru_cache(maxsize=16)
def nms_of(seen: Trace, model: FasterRCNN, pre: int, threshold: float, smallest: int, post: int, level: int) -> Level:
    """NMS on a level with these settings."""
    entering = steps_of(seen, model, pre, threshold, smallest, post)[BEFORE_NMS]
    ours = torch.where(entering.levels == level)[0]
    ours = ours[entering.probabilities[ours].sort(descending=True, stable=True).indices]
    boxes = entering.boxes[ours]
    return Level(boxes, entering.probabilities[ours], entering.anchors[ours], suppressions(boxes, threshold))


def suppressions(boxes: Tensor, threshold: float) -> tuple[Suppression, ...]:
    """Greedy NMS of boxes (N, 4) in descending order: a box is removed by the first kept box that overlaps it too much."""
    ranks = torch.arange(len(boxes))
    kept = nms(boxes, -ranks.float(), threshold)
    dropped = ranks[~torch.isin(ranks, kept)]
    if not len(dropped):
        return ()
    ious = box_iou(boxes[kept], boxes[dropped])  # (K, D)
    too_much = (ious > threshold) & (kept[:, None] < dropped)
    by = too_much.int().argmax(dim=0)  # (D,) the first one, as `kept` is in order
    order = by.sort(stable=True).indices
    return tuple(map(Suppression, kept[by[order]].tolist(), dropped[order].tolist(), ious[by[order], order].tolist()))


def compute(state: State, of: Story) -> Result:
    """All steps with the state's settings."""
    settings = (state.pre, state.threshold, state.smallest, state.post)
    steps = steps_of(of.trace, of.model, *settings)
    return Result(
        state,
        steps,
        nms_of(of.trace, of.model, *settings, state.level),
        best_fits(of, *settings),
        champion(of, *settings),
    )


@lru_cache(maxsize=16)
def best_fits(of: Story, pre: int, threshold: float, smallest: int, post: int) -> list[float]:
    """The largest IoU with the followed object after each step."""
    steps = steps_of(of.trace, of.model, pre, threshold, smallest, post)
    return [float(box_iou(step.boxes, of.box[None]).max()) if len(step.boxes) else 0.0 for step in steps]


@cache
def best_anchor(of: Story) -> tuple[int, float]:
    """The anchor whose decoded and clipped box fits the followed object best, and its IoU."""
    moved, _, _ = moved_anchors(of.trace, of.model)
    fits = box_iou(clip_boxes_to_image(moved, of.trace.batch.image_sizes[0]), of.box[None])[:, 0]
    return int(fits.argmax()), float(fits.max())


@lru_cache(maxsize=16)
def champion(of: Story, pre: int, threshold: float, smallest: int, post: int) -> Champion:
    """What happens to the box that fits the object best."""
    (anchor, fit), steps = best_anchor(of), steps_of(of.trace, of.model, pre, threshold, smallest, post)
    level = int(steps[0].levels[anchor])
    likely = steps[0].probabilities[steps[0].levels == level]
    rank = int((likely > steps[0].probabilities[anchor]).sum())
    lost = next((k for k, step in enumerate(steps) if not bool((step.anchors == anchor).any())), None)
    found = Champion(fit, level, rank, len(likely), lost)
    if lost == AFTER_NMS:
        there = nms_of(of.trace, of.model, pre, threshold, smallest, post, level)
        mine = int(torch.where(there.anchors == anchor)[0])
        dropper = next(one for one in there.suppressions if one.dropped == mine)
        return replace(found, dropper=dropper, dropper_fit=float(box_iou(there.boxes[[dropper.kept]], of.box[None])))
    if lost is None or lost > AFTER_NMS:
        return replace(found, place=int(torch.where(steps[AFTER_NMS].anchors == anchor)[0]))
    return found


def first_state(of: Story) -> State:
    """The model's own settings, and the first suppression by a box that fits the followed object."""
    rpn: Any = of.model.rpn
    settings = (rpn._pre_nms_top_n["testing"], rpn.nms_thresh, 0, rpn._post_nms_top_n["testing"])
    for level in (1, 2, 0, 3, 4):
        there = nms_of(of.trace, of.model, *settings, level)
        fits = box_iou(there.boxes, of.box[None])[:, 0] if len(there.boxes) else there.boxes.new_empty(0)
        for place, one in enumerate(there.suppressions, 1):
            if float(fits[one.kept]) > 0.5:
                return State(*settings, level=level, place=place)
    return State(*settings)
