"""One object in all ten stages: the two anchors that matter for it, and the boxes that the network makes of each."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.story import AnchorPlace, Story, follow, place
from frcnn_edu.ops import box_iou
from frcnn_edu.viz.trace import moved_anchors, moved_proposals

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
        said, boxes = [], []
        for name, way in self.ways().items():
            for number, box in enumerate(way.boxes()):
                said.append((name, step_of(way, number)))
                boxes.append(box)
        ious = box_iou(self.story.box[None], torch.stack(boxes))[0].tolist()
        return [(name, step, iou) for (name, step), iou in zip(said, ious, strict=True)]


def step_of(way: Way, number: int) -> str:
    """What the box of that number on an anchor's way is called."""
    proposal = "decoded box" if way.proposal is None else f"proposal {way.proposal}"
    final = "final box" if way.detection is None else f"detection {way.detection}"
    return (f"anchor {way.place.anchor}", proposal, final)[number]


@lru_cache(maxsize=8)
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


@lru_cache(maxsize=64)
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
    refined = moved_proposals(seen, of.model)[proposal, label]
    if detection is None:
        same = ((found["boxes"] - refined).abs().amax(dim=1) < 1e-3) & (found["labels"] == label)
        detection = int(same.int().argmax()) if bool(same.any()) else None
    return replace(
        way, proposal=proposal, level=int(seen.levels[proposal]), likely=likely, label=label, score=float(likely[label]),
        refined=refined, detection=detection,
    )  # fmt: skip


def compute(state: State, of: Story) -> Result:
    """The object in every stage."""
    return Result(state, *_path(state.object, of))


@lru_cache(maxsize=64)  # opening a stage changes nothing of it
def _path(object: int, of: Story) -> tuple[Story, bool, int, Way, Way]:
    """The story of the object, whether there is one, its detection, and the ways of the best fit and of the winner."""
    true = object < len(of.boxes)
    own = replace(of, object=object if true else of.object, box=followed_boxes(of)[object])
    where = follow(own)
    best = way_of(own, where.anchor, where.detection if where.anchor == where.winner.anchor else None)
    winner = best if where.anchor == where.winner.anchor else way_of(own, where.winner.anchor, where.detection)
    return own, true, where.detection, best, winner
