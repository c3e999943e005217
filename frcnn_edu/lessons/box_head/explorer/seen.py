"""One of the images over which detections are counted: its objects, and the model's candidates."""

import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons.stages import shown
from frcnn_edu.lessons.story import Story
from frcnn_edu.model import FasterRCNN
from frcnn_edu.viz.trace import Trace, trace

LEAST = 0.01  # lower scores are never used
OTHERS = ShapesDetection("val", length=23)  # the images in addition to the story's own

Candidates = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, eq=False)  # an image is itself, and can be a key
class Seen:
    """An image's objects, and all candidates of the model. Boxes are in pixels of the resized image.

    Attributes:
        index: in `OTHERS`; None for the story's own image.
        boxes, labels: of the M objects, (M, 4) and (M,).
        candidates: boxes (N, 4), scores (N,) and labels (N,) before NMS, in descending order of score.
    """

    index: int | None
    boxes: Tensor
    labels: Tensor
    candidates: Candidates


def see_own(of: Story) -> Seen:
    """The story's own image."""
    return Seen(None, of.boxes, of.target["labels"], candidates_in(of.model, of.trace))


def see(model: FasterRCNN, index: int) -> Seen:
    """An image of `OTHERS`, passed through the model."""
    image, target = OTHERS[index]
    _, targets = model.transform([image], [target])
    return Seen(index, targets[0]["boxes"], target["labels"], candidates_in(model, trace(model, image)))


def candidates_in(model: FasterRCNN, way: Trace) -> Candidates:
    """Boxes, scores and labels before NMS, in descending order of score: the model's own postprocessing, which removes nothing at IoU 1."""
    heads: Any = copy.copy(model.roi_heads)
    heads.score_thresh, heads.nms_thresh, heads.detections_per_img = LEAST, 1.0, 10**6
    found = heads.postprocess_detections(way.class_logits, way.box_deltas, [way.proposals], way.batch.image_sizes)
    (boxes,), (scores,), (labels,) = found
    return boxes, scores, labels


@cache
def resized(seen: Seen, of: Story) -> Tensor:
    """The image as the model sees it, to draw on: (3, H, W) in 0–1."""
    if seen.index is None:
        return of.resized
    batch, _ = of.model.transform([OTHERS[seen.index][0]])
    height, width = batch.image_sizes[0]
    return shown(batch)[:, :height, :width]


def is_own_picture(index: int, of: Story) -> bool:
    """Whether the story's image is that image of `OTHERS`."""
    height, width = of.image.shape[1:]
    return (height, width) == OTHERS.size and torch.equal(of.image, OTHERS[index][0])
