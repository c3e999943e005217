"""One object through every stage, side by side; each picture opens the explorer of its stage."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from ...ops import box_iou
from ..stages import LEVEL_KEYS
from ..story import Followed, Story, follow
from .explorer import Explorer
from .scene import Scene

SURE = 0.5  # a detection less likely than this is not offered to be followed, nor one that fits a true box better than this IoU


@dataclass(frozen=True)
class State:
    object: int  # of the picture's objects; beyond them, of its detections that are no object
    stage: str = ""  # the stage whose explorer is open, by its name in `STAGES`


@dataclass(frozen=True)
class Result:
    """Where the object is found in the tensors of each stage.

    Attributes:
        story: the picture, with the chosen object as the one that is followed.
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
    """All that can be followed, (N, 4): first the picture's objects, then stray detections."""
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


class WholePathExplorer(Explorer[State, Result]):
    title = "One object through the whole network"

    def __init__(self, subject: Story | None = None) -> None:
        self.opened: dict[tuple[str, int], Explorer] = {}
        super().__init__(subject)
        self._show_stage()

    def start(self) -> State:
        return State(self.subject.object)

    @property
    def prompts(self) -> Any:  # type: ignore[override]
        """What to try: it depends on the picture's objects."""
        sizes = self.subject.boxes[:, 2:] - self.subject.boxes[:, :2]
        areas = sizes.prod(dim=1)
        ious = box_iou(self.subject.boxes, torch.cat(self.subject.trace.anchors)).amax(dim=1)
        return (
            (
                "The smallest object: does an anchor fit it better or worse than the cross?",
                {"object": int(areas.argmin())},
            ),
            ("The largest: which maps see it, and from which one is it read?", {"object": int(areas.argmax())}),
            (
                "The object that its best anchor fits worst: how much do the deltas mend?",
                {"object": int(ious.argmin())},
            ),
            ("What is inside the fourth picture? Open its stage.", {"stage": "iou_labeling"}),
        )

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        names = [self.subject.classes[label] for label in self.subject.target["labels"].tolist()]
        options = [(f"{number + 1}: {name}", number) for number, name in enumerate(names)]
        found = self.subject.trace.resized_detections["labels"][strays(self.subject)].tolist()
        options += [
            (f"detection without object: {self.subject.classes[label]}", len(names) + k)
            for k, label in enumerate(found)
        ]
        stages = [("none", ""), *((title, name) for name, title in titles().items())]
        return {
            "object": ipywidgets.Dropdown(options=options, description="object", style=style),
            "stage": ipywidgets.Dropdown(options=stages, description="open the explorer of", style=style),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        from .whole_path_panels import draw

        return draw(result)

    def set(self, **changes: Any) -> None:
        super().set(**changes)
        self._show_stage()

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        if group == "stage":
            name = list(titles())[id]
            return {"stage": "" if state.stage == name else name}
        if group == "object":
            return {"object": id}
        chosen = object_of_detection(self.subject, id) if group == "detection" else None
        return {} if chosen is None else {"object": chosen}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        number = len(followed_boxes(self.subject))
        return {"object": (state.object + (dx or dy)) % number}

    def _show_stage(self) -> None:
        """The explorer of the chosen stage, below; each is made once for each object."""
        name, object = self.state.stage, self.state.object
        shown = list(self.widget.children[:3])
        if name:
            key = (name, object)
            if key not in self.opened:
                self.opened[key] = openers()[name](self.result.story)
            shown.append(self.opened[key].widget)
        if tuple(shown) != self.widget.children:
            self.widget.children = shown


def openers() -> dict[str, Callable[[Story], Explorer]]:
    """The explorer of each stage, in the order in which data meet them."""
    from . import stage_explorers

    return stage_explorers.EXPLORERS


def titles() -> dict[str, str]:
    """The stages in words."""
    return {
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
