"""Which detections are right, over some pictures: the numbers."""

import copy
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...data import ShapesDetection
from ...model import FasterRCNN
from ...ops import box_iou
from ...ops.boxes import batched_nms
from ..story import Story, follow
from ..trace import Trace, trace

LEAST = 0.01  # scores below are never looked at
OTHERS = 23  # pictures besides the course's
EVERY_CLASS = 0  # in place of a label


@dataclass(frozen=True)
class State:
    chosen: int  # the selected detection of the picture, by its rank
    score: float = 0.5
    nms: float = 0.5
    label: int = EVERY_CLASS
    iou: float = 0.5  # from which a detection is right
    most: int = 100  # detections a picture
    picture: int = 0


@dataclass(frozen=True, eq=False)
class Seen:
    """One picture: what the model made of it, its true boxes (M, 4) in pixels of the resized picture, and their labels (M,)."""

    trace: Trace
    boxes: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Found:
    """Detections of one picture after NMS, the best first: (N, 4), (N,), (N,); and of each the true box that it matched.

    `matched` (N,) is that box's index, −1 for a wrong detection; `fits` (N,) the IoU with the best true box of its class, 0 if there is none.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    matched: Tensor
    fits: Tensor


@dataclass(frozen=True)
class Result:
    """All pictures with the state's settings.

    Attributes:
        seen, found: of the picture that is shown.
        scores, right: (D,) of all pictures' detections of the chosen class or classes, the best first.
        truths: how many objects there are.
        precision, recall: (D,) if the score threshold were just below each detection.
        passing: how many of them are above the threshold.
        average: the area under the curve, as COCO interpolates it.
        pictures: how many there are.
    """

    state: State
    seen: Seen
    found: Found
    scores: Tensor
    right: Tensor
    truths: int
    precision: Tensor
    recall: Tensor
    passing: int
    average: float
    pictures: int

    def counts(self) -> tuple[int, int, int]:
        """Right and wrong detections above the threshold, and missed objects."""
        right = int(self.right[: self.passing].sum())
        return right, self.passing - right, self.truths - right


@cache
def pictures(of: Story) -> tuple[Seen, ...]:
    """The story's picture, and some of the validation pictures, through the same model."""
    seen = [Seen(of.trace, of.boxes, of.target["labels"])]
    if of.classes == ShapesDetection.classes:
        data = ShapesDetection("val", length=OTHERS)
        for image, target in (data[index] for index in range(OTHERS)):
            way = trace(of.model, image)
            _, targets = of.model.transform([image], [target])
            seen.append(Seen(way, targets[0]["boxes"], target["labels"]))
    return tuple(seen)


@cache
def candidates_of(model: FasterRCNN, seen: Seen) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes, scores and labels of a picture before NMS, best first: the model's own postprocessing, which drops nothing at IoU 1."""
    heads: Any = copy.copy(model.roi_heads)
    way = seen.trace
    heads.score_thresh, heads.nms_thresh, heads.detections_per_img = LEAST, 1.0, 10**6
    found = heads.postprocess_detections(way.class_logits, way.box_deltas, [way.proposals], way.batch.image_sizes)
    (boxes,), (scores,), (labels,) = found
    return boxes, scores, labels


@lru_cache(maxsize=256)
def found_in(model: FasterRCNN, seen: Seen, nms: float, iou: float, most: int) -> Found:
    """A picture's detections with other settings. (A score threshold can wait: NMS lets only better ones drop worse ones.)"""
    boxes, scores, labels = candidates_of(model, seen)
    keep = batched_nms(boxes, scores, labels, nms)[:most]
    boxes, scores, labels = boxes[keep], scores[keep], labels[keep]
    matched, fits = match(boxes, labels, seen, iou)
    return Found(boxes, scores, labels, matched, fits)


def match(boxes: Tensor, labels: Tensor, seen: Seen, iou: float) -> tuple[Tensor, Tensor]:
    """COCO's rule: the best detection first, each takes the free true box of its class that it overlaps most, if by `iou` or more."""
    matched = torch.full((len(boxes),), -1)
    same = labels[:, None] == seen.labels[None]  # (N, M)
    overlaps = torch.where(same, box_iou(boxes, seen.boxes), 0.0)
    fits = overlaps.amax(dim=1) if len(seen.boxes) else torch.zeros(len(boxes))
    table, free = overlaps.tolist(), [True] * len(seen.boxes)
    for index, row in enumerate(table):
        open_ = [k for k, overlap in enumerate(row) if free[k] and overlap >= max(iou, 1e-9)]
        if open_:
            best = max(open_, key=row.__getitem__)
            matched[index], free[best] = best, False
    return matched, fits


def compute(state: State, of: Story) -> Result:
    """Precision and recall over all pictures."""
    every = [(seen, found_in(of.model, seen, state.nms, state.iou, state.most)) for seen in pictures(of)]

    def ours(labels: Tensor) -> Tensor:
        return labels == state.label if state.label != EVERY_CLASS else torch.ones_like(labels, dtype=torch.bool)

    scores = torch.cat([found.scores[ours(found.labels)] for _, found in every])
    right = torch.cat([found.matched[ours(found.labels)] >= 0 for _, found in every])
    truths = sum(int(ours(seen.labels).sum()) for seen, _ in every)
    scores, order = scores.sort(descending=True, stable=True)
    right = right[order]
    hits = right.cumsum(dim=0).double()
    precision, recall = hits / torch.arange(1, len(hits) + 1), hits / max(truths, 1)
    seen, found = every[state.picture]
    passing = int((scores > state.score).sum())
    return Result(
        state, seen, found, scores, right, truths, precision, recall, passing, average_precision(precision, recall), len(every),
    )  # fmt: skip


def average_precision(precision: Tensor, recall: Tensor) -> float:
    """COCO's: at 101 recalls from 0 to 1 the best precision at that recall or a larger one, 0 where it is never reached."""
    if not len(precision):
        return 0.0
    best_later = precision.flip(0).cummax(dim=0).values.flip(0)
    # NumPy's spacing, as COCO has it: PyTorch's differs in last bits, and a recall may lie right on one of them.
    places = torch.searchsorted(recall.contiguous(), torch.from_numpy(np.linspace(0.0, 1.0, 101)))
    reached = places < len(recall)
    return float(torch.where(reached, best_later[places.clamp(max=len(recall) - 1)], 0.0).mean())


def first_state(of: Story) -> State:
    """The followed object's detection, with the model's own NMS."""
    heads: Any = of.model.roi_heads
    return State(follow(of).detection, nms=heads.nms_thresh, most=heads.detections_per_img)
