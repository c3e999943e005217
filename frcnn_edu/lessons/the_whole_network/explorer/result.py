"""One object through every stage, side by side; each panel opens the explorer of its stage."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.stages import LEVEL_KEYS
from frcnn_edu.lessons.story import Followed, Story, follow
from frcnn_edu.ops import box_iou

#: The stages that are shown, in words, in the order in which data meet them.
TITLES = {
    "fpn_levels": "feature pyramid",
    "base_anchors": "base anchors",
    "stride_grid": "stride grid",
    "iou_labeling": "IoU labelling",
    "box_coding": "box coding",
    "proposals": "proposals",
    "level_mapper": "level mapper",
    "roi_align": "RoIAlign",
    "detections": "detections",
}
SURE = 0.5  # a detection less likely than this is not offered to be followed, nor one that fits a ground-truth box better than this IoU


@dataclass(frozen=True)
class State:
    object: int  # of the image's objects; beyond them, of its detections that are no object
    stage: str = ""  # the stage whose explorer is open, by its name in `TITLES`


@dataclass(frozen=True)
class Result:
    """Where the object is found in the tensors of each stage.

    Attributes:
        story: the image, with the chosen object as the one that is followed.
        true: whether there is such an object; else it is a detection without one.
        where: its best fits, by IoU.
        anchor, moved, proposal, detection: (4,) its best anchor, that moved by its deltas, its best proposal and detection.
        labelled: (K, 4) the anchors that training would label with it.
        likely: (C,) what the box head says of its proposal, background first.
        level: index of the map that the proposal is read from.
    """

    state: State
    story: Story
    true: bool
    where: Followed
    anchor: Tensor
    moved: Tensor
    proposal: Tensor
    detection: Tensor
    labelled: Tensor
    likely: Tensor
    level: int

    def fits(self) -> list[tuple[str, float]]:
        """IoU with the object, stage by stage."""
        boxes = torch.stack([self.anchor, self.moved, self.proposal, self.detection])
        ious = box_iou(self.story.box[None], boxes)[0].tolist()
        return list(zip(("best anchor", "moved by deltas", "best proposal", "detection"), ious, strict=True))

    @property
    def key(self) -> str:
        """The model's name of the level that the anchor stands on."""
        return LEVEL_KEYS[self.where.level]


def strays(of: Story) -> Tensor:
    """Detections that are sure of themselves and fit no object, as indices (K,)."""
    found = of.trace.resized_detections
    nowhere = box_iou(found["boxes"], of.boxes).amax(dim=1) < SURE
    return torch.where(nowhere & (found["scores"] >= SURE))[0]


def followed_boxes(of: Story) -> Tensor:
    """All that can be followed, (N, 4): first the image's objects, then stray detections."""
    return torch.cat((of.boxes, of.trace.resized_detections["boxes"][strays(of)]))


def object_of_detection(of: Story, detection: int) -> int | None:
    """Whom a click on a detection means: the object that it fits best, or itself as a stray; None for an unsure one."""
    ious = box_iou(of.trace.resized_detections["boxes"][[detection]], of.boxes)[0]
    if float(ious.max()) >= SURE:
        return int(ious.argmax())
    among = strays(of).tolist()
    return len(of.boxes) + among.index(detection) if detection in among else None


def compute(state: State, of: Story) -> Result:
    """The object at every stage."""
    box = followed_boxes(of)[state.object]
    true = state.object < len(of.boxes)
    own = replace(of, object=state.object if true else of.object, box=box)
    where, seen = follow(own), own.trace
    rpn: Any = own.model.rpn
    anchor = torch.cat(seen.anchors)[where.anchor]
    deltas = seen.deltas[where.level].unflatten(1, (-1, 4))[0, where.shape, :, where.row, where.column]  # (4,)
    labels, matched = rpn.assign_targets_to_anchors([torch.cat(seen.anchors)], [{"boxes": of.boxes}])
    ours = (labels[0] == 1) & (matched[0] == box).all(dim=1)
    return Result(
        state,
        own,
        true,
        where,
        anchor,
        rpn.box_coder.decode_single(deltas[None], anchor[None])[0],
        seen.proposals[where.proposal],
        seen.resized_detections["boxes"][where.detection],
        torch.cat(seen.anchors)[ours],
        seen.class_logits[where.proposal].softmax(dim=0),
        int(seen.levels[where.proposal]),
    )
