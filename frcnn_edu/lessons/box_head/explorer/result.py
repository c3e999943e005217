"""Which detections are correct, over some images: the numbers."""

from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from frcnn_edu.lessons.story import Story, follow
from frcnn_edu.ops import box_iou
from frcnn_edu.ops.boxes import batched_nms

from .gallery import gallery
from .seen import Seen

EVERY_CLASS = 0  # in place of a label
STRIDE = 100_000  # the id of a detection among all images is image · STRIDE + candidate


@dataclass(frozen=True)
class State:
    chosen: int  # the selected candidate of the image, by its rank before NMS, which no setting changes
    score: float = 0.5
    nms: float = 0.5
    label: int = EVERY_CLASS
    iou: float = 0.5  # the least IoU of a correct detection
    most: int = 100  # detections per image
    picture: int = 0


@dataclass(frozen=True)
class Found:
    """Detections of one image after NMS, in descending order of score: (N, 4), (N,), (N,); and the ground-truth box that each matched.

    `kept` (N,) are their ranks among the candidates, `survivors` those of all that NMS keeps, before the limit; `matched` (N,)
    is the ground-truth box's index, −1 for a wrong detection; `fits` (N,) the IoU with the best ground-truth box of its class, 0 without one.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    kept: Tensor
    survivors: Tensor
    matched: Tensor
    fits: Tensor


class Fate(Enum):
    """What happened to a candidate, in the order of the model's and then COCO's rules."""

    UNCOUNTED = "of another class"
    BELOW = "not above the score threshold"
    DROPPED = "removed by NMS"
    BEYOND = "beyond the number of detections"
    RIGHT = "correct"
    TAKEN = "fits an object that a higher-scoring detection has claimed"
    ELSEWHERE = "fits no object of its class"


@dataclass(frozen=True)
class Selected:
    """The selected candidate.

    Attributes:
        box, score, label: (4,), a number, its class.
        fate: what happened to it.
        ground_truth, fit: index of the ground-truth box of its class that it overlaps most, and by how much; −1 and 0 without one.
        dropper: largest IoU with a kept candidate of its class and higher score; above the threshold, that one removes this one.
        other, other_fit: label of the ground-truth box of another class that it overlaps most, and by how much.
    """

    box: Tensor
    score: float
    label: int
    fate: Fate
    ground_truth: int
    fit: float
    dropper: float
    other: int
    other_fit: float


@dataclass(frozen=True)
class Result:
    """All known images, with the state's settings.

    Attributes:
        seen, found: of the image that is shown.
        selected: None where the image has no candidate at all.
        ids, scores, right: (D,) of all images' detections of the chosen class or classes, in descending order of score.
        objects: the number of objects.
        precision, recall: (D,) if the score threshold were just below each detection.
        passing: the number of detections above the threshold.
        average: the area under the curve, as COCO interpolates it.
        pictures: the number of known images.
        coming: the number of images that have yet to be computed.
    """

    state: State
    seen: Seen
    found: Found
    selected: Selected | None
    ids: Tensor
    scores: Tensor
    right: Tensor
    objects: int
    precision: Tensor
    recall: Tensor
    passing: int
    average: float
    pictures: int
    coming: int

    def counts(self) -> tuple[int, int, int]:
        """Correct and wrong detections above the threshold, and missed objects."""
        right = int(self.right[: self.passing].sum())
        return right, self.passing - right, self.objects - right


@lru_cache(maxsize=256)
def found_in(seen: Seen, nms: float, iou: float, most: int) -> Found:
    """An image's detections with other settings. (The score threshold can be applied later: in NMS only higher scores remove lower ones.)"""
    boxes, scores, labels = seen.candidates
    survivors = survivors_in(seen, nms)
    kept = survivors[:most]
    matched, fits = match(kept, seen, iou)
    return Found(boxes[kept], scores[kept], labels[kept], kept, survivors, matched, fits)


@lru_cache(maxsize=256)
def survivors_in(seen: Seen, nms: float) -> Tensor:
    """The candidates of an image that NMS keeps: their ranks."""
    return batched_nms(*seen.candidates, nms)


@lru_cache(maxsize=256)
def overlaps_in(seen: Seen) -> Tensor:
    """The IoU of each candidate of an image with each ground-truth box of its class, and 0 with the others, (N, M)."""
    boxes, _, labels = seen.candidates
    return torch.where(labels[:, None] == seen.labels[None], box_iou(boxes, seen.boxes), 0.0)


def match(kept: Tensor, seen: Seen, iou: float) -> tuple[Tensor, Tensor]:
    """COCO's rule: in descending order, each detection claims the free ground-truth box of its class with the largest IoU, if at least `iou`.

    Args:
        kept: (K,) the detections: their ranks among the candidates of the image.
    """
    matched, overlaps = torch.full((len(kept),), -1), overlaps_in(seen)[kept]  # (K, M)
    fits = overlaps.amax(dim=1) if len(seen.boxes) else torch.zeros(len(kept))
    table, free = overlaps.tolist(), [True] * len(seen.boxes)
    for index, row in enumerate(table):
        open_ = [k for k, overlap in enumerate(row) if free[k] and overlap >= max(iou, 1e-9)]
        if open_:
            best = max(open_, key=row.__getitem__)
            matched[index], free[best] = best, False
    return matched, fits


def counted(labels: Tensor, label: int) -> Tensor:
    """The labels (N,) that count: those of one class, or all."""
    return labels == label if label != EVERY_CLASS else torch.ones_like(labels, dtype=torch.bool)


def compute(state: State, of: Story) -> Result:
    """Precision and recall over all known images."""
    known = gallery(of)
    every = [(seen, found_in(seen, state.nms, state.iou, state.most)) for seen in known.seen]
    masks = [counted(found.labels, state.label) for _, found in every]
    ids = torch.cat(
        [found.kept[mask] + STRIDE * k for k, ((_, found), mask) in enumerate(zip(every, masks, strict=True))]
    )
    scores = torch.cat([found.scores[mask] for (_, found), mask in zip(every, masks, strict=True)])
    right = torch.cat([found.matched[mask] >= 0 for (_, found), mask in zip(every, masks, strict=True)])
    objects = sum(int(counted(seen.labels, state.label).sum()) for seen, _ in every)
    scores, order = scores.sort(descending=True, stable=True)
    ids, right = ids[order], right[order]
    hits = right.cumsum(dim=0).double()
    precision, recall = hits / torch.arange(1, len(hits) + 1), hits / max(objects, 1)
    seen, found = every[state.picture]
    return Result(
        state, seen, found, select(state, seen, found), ids, scores, right, objects, precision, recall,
        int((scores > state.score).sum()), average_precision(precision, recall), len(every), len(known.coming),
    )  # fmt: skip


def select(state: State, seen: Seen, found: Found) -> Selected | None:
    """The selected candidate, and what happened to it."""
    boxes, scores, labels = seen.candidates
    if not len(boxes):
        return None
    box, score, label = boxes[state.chosen], float(scores[state.chosen]), int(labels[state.chosen])
    overlaps = box_iou(box[None], seen.boxes)[0]  # (M,)
    own = torch.where(seen.labels == label, overlaps, 0.0)
    others = torch.where(seen.labels != label, overlaps, 0.0)
    fit = float(own.max()) if len(own) else 0.0
    other = int(others.argmax()) if len(others) else -1
    better = found.survivors[(found.survivors < state.chosen) & (labels[found.survivors] == label)]
    dropper = float(box_iou(box[None], boxes[better]).max()) if len(better) else 0.0
    return Selected(
        box, score, label, _fate(state, found, label, score, fit), int(own.argmax()) if fit else -1, fit, dropper,
        int(seen.labels[other]) if other >= 0 else EVERY_CLASS, float(others[other]) if other >= 0 else 0.0,
    )  # fmt: skip


def _fate(state: State, found: Found, label: int, score: float, fit: float) -> Fate:
    if state.label not in (EVERY_CLASS, label):
        return Fate.UNCOUNTED
    if score <= state.score:
        return Fate.BELOW
    if state.chosen not in found.survivors.tolist():
        return Fate.DROPPED
    kept = found.kept.tolist()
    if state.chosen not in kept:
        return Fate.BEYOND
    if found.matched[kept.index(state.chosen)] >= 0:
        return Fate.RIGHT
    return Fate.TAKEN if fit >= state.iou else Fate.ELSEWHERE


def is_looked_at(state: State, of: Story) -> bool:
    """Whether the selected candidate is of the chosen class."""
    _, _, labels = gallery(of).seen[state.picture].candidates
    return state.chosen < len(labels) and state.label in (EVERY_CLASS, int(labels[state.chosen]))


def walked(state: State, of: Story) -> list[int]:
    """Candidates of the image that are detections of the chosen class, in descending order of score."""
    found = found_in(gallery(of).seen[state.picture], state.nms, state.iou, state.most)
    ids: list[int] = found.kept[counted(found.labels, state.label)].sort().values.tolist()
    return ids


def average_precision(precision: Tensor, recall: Tensor) -> float:
    """COCO's: at 101 recalls from 0 to 1, the best precision at that recall or a larger one, 0 if it is never reached."""
    if not len(precision):
        return 0.0
    best_later = precision.flip(0).cummax(dim=0).values.flip(0)
    # NumPy's spacing, as in COCO: PyTorch's differs in the last bits, and a recall may be equal to one of them.
    places = torch.searchsorted(recall.contiguous(), torch.from_numpy(np.linspace(0.0, 1.0, 101)))
    reached = places < len(recall)
    return float(torch.where(reached, best_later[places.clamp(max=len(recall) - 1)], 0.0).mean())


def first_state(of: Story) -> State:
    """The followed object's detection, with the model's own NMS."""
    heads: Any = of.model.roi_heads
    state = State(0, nms=heads.nms_thresh, most=heads.detections_per_img)
    return replace(state, chosen=walked(state, of)[follow(of).detection])


def duplicate_of(state: State, of: Story) -> dict[str, Any]:
    """The selected detection's best duplicate: a candidate that NMS removes because of it."""
    boxes, scores, labels = gallery(of).seen[state.picture].candidates
    same = (labels == labels[state.chosen]) & (scores > state.score)
    overlaps = torch.where(same, box_iou(boxes[[state.chosen]], boxes)[0], 0.0)
    overlaps[: state.chosen + 1] = 0.0
    return {"chosen": int((overlaps > state.nms).int().argmax())} if bool((overlaps > state.nms).any()) else {}


def neighbour(state: State, of: Story, nms: float) -> dict[str, Any]:
    """A correct detection, in any known image, that a stricter NMS removes because of a neighbour; empty if there is none."""
    for picture, seen in enumerate(gallery(of).seen):
        found = found_in(seen, state.nms, state.iou, state.most)
        left = found_in(seen, nms, state.iou, state.most).survivors
        lost = found.kept[(found.matched >= 0) & (found.scores > state.score) & ~torch.isin(found.kept, left)]
        if len(lost):
            return {"picture": picture, "chosen": int(lost[0])}
    return {}
