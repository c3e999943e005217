"""The one image, and the one object in it, that the whole course follows."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from ..data import ShapesDetection
from ..model import FasterRCNN, fasterrcnn_small_fpn
from ..model.fast import run_as
from ..ops import box_iou
from ..viz.trace import Trace, moved_anchors, moved_proposals, trace
from .stages import shown

SIZE = (240, 320)  # twice the size at which the small model works, so that the transform has something to do
INDEX = 1152
OBJECT = 2


@dataclass(frozen=True, eq=False)  # compared by identity, so that a story can be a key
class Story:
    """An image and what a model computes from it; the sizes are those of the course's own story.

    Attributes:
        model: `fasterrcnn_small_fpn` with the shipped weights, in evaluation mode. In the course's own story it runs as
            the textbook, so that what a lesson computes by hand agrees with it to the last bit.
        image: (3, 240, 320) in 0–1.
        target: its annotated objects, "boxes" (N, 4) xyxy in pixels of `image` and "labels" (N,).
        object: index of the object that is followed.
        classes: names by label.
        trace: what each stage computed from the image.
        boxes: (N, 4) the annotated boxes in pixels of the resized image, like everything between the transform and
            its `postprocess`.
        box: (4,) the box of the object that is followed, in the same pixels.
        resized: (3, 120, 160) in 0–1, the resized image without padding, to draw on.
    """

    model: FasterRCNN
    image: Tensor
    target: dict[str, Any]
    object: int
    classes: tuple[str, ...]
    trace: Trace
    boxes: Tensor
    box: Tensor
    resized: Tensor


@dataclass(frozen=True)
class AnchorPlace:
    """One anchor, and where it is placed.

    Attributes:
        anchor: index into all anchors, the levels one after another.
        level: index of its pyramid level, 0 for P2.
        row, column: the position of its cell.
        shape: which of its cell's anchors it is: 0 wide, 1 square, 2 tall.
    """

    anchor: int
    level: int
    row: int
    column: int
    shape: int


@dataclass(frozen=True)
class Followed(AnchorPlace):
    """The followed object in the tensors of `Story.trace`.

    The anchor that fits the object best is the one that training assigns to it; the detection may come from a different
    one.

    Attributes:
        anchor, level, row, column, shape: the best-fitting anchor.
        detection: index into the detections: the one that fits best.
        proposal: index into the proposals: the one that this detection comes from.
        winner: the anchor that this proposal was decoded from.
    """

    proposal: int
    winner: AnchorPlace
    detection: int


@cache
def story() -> Story:
    """The course's image and its trace, computed once per process."""
    data = ShapesDetection("test", length=INDEX + 1, size=SIZE)
    image, target = data[INDEX]
    model: Any = run_as(fasterrcnn_small_fpn(weights="DEFAULT").eval(), "textbook")
    return tell(model, image, target, data.classes, OBJECT)


def tell(model: FasterRCNN, image: Tensor, target: dict[str, Any], classes: tuple[str, ...], object: int = 0) -> Story:
    """The story of any image, float (3, H, W) in 0–1, and of one of the objects in its target.

    Raises:
        ValueError: the target has no object of that number, or the model found nothing at all in the image.
    """
    if not 0 <= object < len(target["boxes"]):
        raise ValueError(f"there is no object {object} to follow: the target has {len(target['boxes'])} boxes")
    seen = trace(model, image)
    if not len(seen.resized_detections["boxes"]):
        raise ValueError("the model found nothing in this image, so no object can be followed to its detection")
    _, targets = model.transform([image], [target])
    boxes = targets[0]["boxes"]
    height, width = seen.batch.image_sizes[0]
    resized = shown(seen.batch)[:, :height, :width]
    return Story(model, image, target, object, classes, seen, boxes, boxes[object], resized)


@cache
def followed() -> Followed:
    """The course's object in the tensors of each stage."""
    return follow(story())


def follow(of: Story) -> Followed:
    """The object of a story in the tensors of each stage."""
    seen = of.trace
    anchor, detection = (
        int(box_iou(of.box[None], boxes)[0].argmax())
        for boxes in (torch.cat(seen.anchors), seen.resized_detections["boxes"])
    )
    proposal = refined_from(of, detection)
    winner = place(seen, source(of, proposal))
    return Followed(**vars(place(seen, anchor)), proposal=proposal, winner=winner, detection=detection)


def refined_from(of: Story, detection: int) -> int:
    """The index of the proposal that a detection comes from: its box, refined and clipped, equals the detection's."""
    seen = of.trace
    found, label = (seen.resized_detections[name][detection] for name in ("boxes", "labels"))
    boxes = moved_proposals(seen, of.model)[:, label]  # (N, 4)
    return int((boxes - found).abs().amax(dim=1).argmin())


def place(seen: Trace, anchor: int) -> AnchorPlace:
    """Where an anchor, an index into those of all levels, is placed."""
    level, index = 0, anchor  # index: of the anchor on its level
    while index >= len(seen.anchors[level]):
        index -= len(seen.anchors[level])
        level += 1
    anchors_per_cell, _, columns = seen.objectness[level].shape[1:]
    cell, shape = divmod(index, anchors_per_cell)
    return AnchorPlace(anchor, level, *divmod(cell, columns), shape)


def source(of: Story, proposal: int) -> int:
    """The index of the anchor that a proposal was decoded from: its box, decoded and clipped, equals the proposal."""
    boxes = moved_anchors(of.trace, of.model)  # (A, 4)
    return int((boxes - of.trace.proposals[proposal]).abs().amax(dim=1).argmin())
