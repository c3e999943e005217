"""One object in all ten stages: the two anchors that matter for it, and the boxes that the network makes of each."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.story import AnchorPlace, Story, follow, place, source
from frcnn_edu.ops import box_iou, clip_boxes_to_image
from frcnn_edu.viz.trace import moved_anchors

#: The ten stages as in notebook 00, and the explorers of each, by name.
STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Transform", ()),
    ("Backbone", ()),
    ("FPN", ("fpn_levels",)),
    ("Anchors", ("base_anchors", "stride_grid")),
    ("RPN head", ("iou_labeling", "box_coding")),
    ("Proposals", ("proposals",)),
    ("RoIAlign", ("level_mapper", "roi_align")),
    ("Box head", ("any_box",)),
    ("Detections", ("detections",)),
    ("Postprocess", ()),
)
#: What the explorers are about, in the list of them.
TITLES = {
    "fpn_levels": "levels",
    "base_anchors": "shapes",
    "stride_grid": "grid",
    "iou_labeling": "labels in training",
    "box_coding": "deltas",
    "proposals": "NMS",
    "level_mapper": "choice of the map",
    "roi_align": "sampling points",
    "any_box": "your own box",
    "detections": "thresholds",
}
LEAST = 0.5  # score of a detection that can be followed, and IoU of a detection with its object


@dataclass(frozen=True)
class State:
    object: int  # an index into the image's objects; beyond them, into its detections without an object
    stage: str = ""  # the explorer that is open, by its name


@dataclass(frozen=True)
class Way:
    """The way of one anchor through the network. Boxes are (4,), in pixels of the resized image.

    Attributes:
        place: the anchor, and where it is placed.
        anchor: its box; decoded: that box moved by its deltas and clipped.
        logit: its objectness.
        proposal: index of the decoded box among the proposals; None if it is not one of them.
        level: index of the map that the proposal is read from.
        likely: (C,) the box head's class probabilities for the proposal, background first.
        label, score, refined: the class of the final box, its probability, and the box itself.
        detection: index of the final box among the detections; None if it is not one of them.
    """

    place: AnchorPlace
    anchor: Tensor
    decoded: Tensor
    logit: float
    proposal: int | None = None
    level: int = 0
    likely: Tensor | None = None
    label: int = 0
    score: float = 0.0
    refined: Tensor | None = None
    detection: int | None = None

    def boxes(self) -> list[Tensor]:
        """The anchor, its decoded box and, if that is a proposal, its final box."""
        return [self.anchor, self.decoded, *([] if self.refined is None else [self.refined])]


@dataclass(frozen=True)
class Result:
    """The followed object in the tensors of each stage.

    Attributes:
        story: the image, with the chosen object as the one that is followed.
        true: whether there is such an object; otherwise it is a detection without one.
        detection: index of the detection that fits the object best.
        best: the way of the anchor that fits the object best; winner: of the anchor that the detection comes from.
    """

    state: State
    story: Story
    true: bool
    detection: int
    best: Way
    winner: Way

    @property
    def same(self) -> bool:
        """Whether the best fit is the winner."""
        return self.best.place == self.winner.place

    def ways(self) -> dict[str, Way]:
        """The anchors that are shown, by what they are called."""
        return {"best fit": self.best} if self.same else {"best fit": self.best, "winner": self.winner}

    def fits(self) -> list[tuple[str, str, float]]:
        """(anchor, step, IoU with the object) for each box of each way."""
        return [
            (name, step_of(way, number), float(box_iou(self.story.box[None], box[None])))
            for name, way in self.ways().items()
            for number, box in enumerate(way.boxes())
        ]


def step_of(way: Way, number: int) -> str:
    """What the box of that number on an anchor's way is called."""
    proposal = "decoded box" if way.proposal is None else f"proposal {way.proposal}"
    final = "final box" if way.detection is None else f"detection {way.detection}"
    return (f"anchor {way.place.anchor}", proposal, final)[number]


def strays(of: Story) -> Tensor:
    """Detections with a high score that fit no object, as indices (K,)."""
    found = of.trace.resized_detections
    nowhere = box_iou(found["boxes"], of.boxes).amax(dim=1) < LEAST
    return torch.where(nowhere & (found["scores"] >= LEAST))[0]


def followed_boxes(of: Story) -> Tensor:
    """All boxes that can be followed, (N, 4): the image's objects, then detections without an object."""
    return torch.cat((of.boxes, of.trace.resized_detections["boxes"][strays(of)]))


def object_of_detection(of: Story, detection: int) -> int | None:
    """What is followed after a click on a detection: the object that it fits best, or the detection itself; None if its score is low."""
    ious = box_iou(of.trace.resized_detections["boxes"][[detection]], of.boxes)[0]
    if float(ious.max()) >= LEAST:
        return int(ious.argmax())
    among = strays(of).tolist()
    return len(of.boxes) + among.index(detection) if detection in among else None


def final_boxes(of: Story) -> Tensor:
    """The boxes that the box head makes of each proposal, one for each class: (N, C, 4), clipped."""
    heads: Any = of.model.roi_heads
    boxes = heads.box_coder.decode(of.trace.box_deltas, [of.trace.proposals])  # (N, C, 4)
    return clip_boxes_to_image(boxes, of.trace.batch.image_sizes[0])


def proposal_of(of: Story, detection: int) -> int:
    """The proposal that a detection comes from: the one whose box for the detection's class it is."""
    found = of.trace.resized_detections
    boxes = final_boxes(of)[:, found["labels"][detection]]  # (N, 4)
    return int((boxes - found["boxes"][detection]).abs().amax(dim=1).argmin())


def read_in(of: Story, proposal: int) -> Tensor:
    """The features (C, 7, 7) that RoIAlign reads in a proposal, by the model's own module."""
    heads: Any = of.model.roi_heads
    with torch.no_grad():
        pooled: Tensor = heads.box_roi_pool(
            of.trace.pyramid, [of.trace.proposals[[proposal]]], of.trace.batch.image_sizes
        )
    return pooled[0]


def way_of(of: Story, anchor: int, detection: int | None = None) -> Way:
    """The way of an anchor, an index into all of them; of a winner, `detection` is where it leads to."""
    seen = of.trace
    where, decoded = place(seen, anchor), moved_anchors(seen, of.model)[anchor]
    logit = float(seen.objectness[where.level][0, where.shape, where.row, where.column])
    way = Way(where, torch.cat(seen.anchors)[anchor], decoded, logit)
    far = (seen.proposals - decoded).abs().amax(dim=1)
    proposal = int(far.argmin())
    if detection is None and float(far[proposal]) > 1e-3:
        return way
    found, likely = seen.resized_detections, seen.class_logits[proposal].softmax(dim=0)
    label = int(likely[1:].argmax()) + 1 if detection is None else int(found["labels"][detection])
    refined = final_boxes(of)[proposal, label]
    if detection is None:
        same = ((found["boxes"] - refined).abs().amax(dim=1) < 1e-3) & (found["labels"] == label)
        detection = int(same.int().argmax()) if bool(same.any()) else None
    return replace(
        way, proposal=proposal, level=int(seen.levels[proposal]), likely=likely, label=label, score=float(likely[label]),
        refined=refined, detection=detection,
    )  # fmt: skip


def compute(state: State, of: Story) -> Result:
    """The object in every stage."""
    box = followed_boxes(of)[state.object]
    true = state.object < len(of.boxes)
    own = replace(of, object=state.object if true else of.object, box=box)
    where = follow(own)
    winner = source(own, proposal_of(own, where.detection))
    best = way_of(own, where.anchor, where.detection if where.anchor == winner else None)
    return Result(
        state,
        own,
        true,
        where.detection,
        best,
        best if where.anchor == winner else way_of(own, winner, where.detection),
    )
