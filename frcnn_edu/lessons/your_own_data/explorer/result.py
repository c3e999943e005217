"""The network's class, score and final box for any box, which is taken as the only proposal."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.board.scene import Rect
from frcnn_edu.lessons.stages import shown
from frcnn_edu.lessons.story import Story
from frcnn_edu.model import FasterRCNN
from frcnn_edu.ops import box_iou, clip_boxes_to_image
from frcnn_edu.viz.trace import trace

SMALLEST = 4.0  # pixels: the shortest side of the box


@dataclass(frozen=True)
class State:
    box: Rect  # in pixels of the resized image


@dataclass(frozen=True)
class Result:
    """What the second stage makes of one box.

    Attributes:
        probabilities: (C,) of the classes, background first.
        label: the class with the highest probability except the background.
        corrected: (4,) the box that this class's deltas make of the given one, clipped.
        iou: of the given and the corrected box; shared, union: the areas that it is computed from.
        level: index of the map that the box is read from; pooled: its features (C, 7, 7).
        threshold: the score that a detection must exceed.
    """

    state: State
    probabilities: Tensor
    label: int
    corrected: Tensor
    iou: float
    shared: float
    union: float
    level: int
    pooled: Tensor
    threshold: float

    @property
    def score(self) -> float:
        return float(self.probabilities[self.label])

    @property
    def is_background(self) -> bool:
        """Whether the background is more probable than every class."""
        return int(self.probabilities.argmax()) == 0


def compute(state: State, of: Story) -> Result:
    """RoIAlign, box head and box decoding, by the model's own modules, with the box as the only proposal."""
    heads: Any = of.model.roi_heads
    given, sizes = torch.tensor([state.box], dtype=torch.float32), of.trace.batch.image_sizes
    with torch.no_grad():
        pooled = heads.box_roi_pool(of.trace.pyramid, [given], sizes)  # (1, C, 7, 7)
        logits, deltas = heads.box_predictor(heads.box_head(pooled))  # (1, C), (1, 4·C)
        boxes = clip_boxes_to_image(heads.box_coder.decode(deltas, [given]), sizes[0])  # (1, C, 4)
    probabilities = logits[0].softmax(dim=0)
    label = int(probabilities[1:].argmax()) + 1
    corrected = boxes[0, label]
    shared = float(
        (torch.minimum(given[0, 2:], corrected[2:]) - torch.maximum(given[0, :2], corrected[:2])).clamp(min=0).prod()
    )
    union = sum(float((box[2:] - box[:2]).prod()) for box in (given[0], corrected)) - shared
    return Result(
        state, probabilities, label, corrected, float(box_iou(given, corrected[None])), shared, union,
        int(heads.box_roi_pool.map_levels([given])), pooled[0], heads.score_thresh,
    )  # fmt: skip


def first_state(of: Story) -> State:
    """The followed object's box, moved and enlarged a little, so that there is something to correct."""
    x1, y1, x2, y2 = of.box.tolist()
    wide, high = x2 - x1, y2 - y1
    return State(inside((x1 - 0.02 * wide, y1 - 0.15 * high, x2 + 0.15 * wide, y2 - 0.05 * high), of))


def inside(box: Rect, of: Story) -> Rect:
    """The part of a box that is inside the image, at least `SMALLEST` wide and high, with one digit after the point."""
    height, width = of.resized.shape[1:]
    (x1, x2), (y1, y2) = (_within(box[k], box[k + 2], side) for k, side in ((0, width), (1, height)))
    return (x1, y1, x2, y2)


def _within(low: float, high: float, end: float) -> tuple[float, float]:
    low = min(max(low, 0.0), end - SMALLEST)
    return round(low, 1), round(max(min(high, end), low + SMALLEST), 1)


def nothing(of: Story) -> Rect | None:
    """A box as large as the object, as far from all annotated boxes as possible; None if every place overlaps one."""
    height, width = of.resized.shape[1:]
    wide, high = ((of.box[2:] - of.box[:2]) * 0.8).tolist()
    places = [
        (x, y, x + wide, y + high)
        for y in torch.linspace(0, max(height - high, 0), 9).tolist()
        for x in torch.linspace(0, max(width - wide, 0), 9).tolist()
    ]
    overlaps = box_iou(torch.tensor(places), of.boxes).amax(dim=1)
    best = int(overlaps.argmin())
    return inside(places[best], of) if float(overlaps[best]) < 0.05 else None


def without_target(model: FasterRCNN, image: Tensor, classes: tuple[str, ...]) -> Story:
    """The story of an image without annotations: its objects are the model's detections, or, if there are none, its middle."""
    seen = trace(model, image)
    height, width = seen.batch.image_sizes[0]
    middle = torch.tensor([[0.3 * width, 0.3 * height, 0.7 * width, 0.7 * height]])
    found = seen.resized_detections
    boxes, labels = (
        (found["boxes"], found["labels"]) if len(found["boxes"]) else (middle, torch.ones(1, dtype=torch.int64))
    )
    scale = torch.tensor([image.shape[2] / width, image.shape[1] / height]).repeat(2)
    resized = shown(seen.batch)[:, :height, :width]
    return Story(model, image, {"boxes": boxes * scale, "labels": labels}, 0, classes, seen, boxes, boxes[0], resized)
