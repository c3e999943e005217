"""One object through every stage, side by side; each panel opens the explorer of its stage."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import torch

from frcnn_edu.lessons.base_anchors.explorer.explorer import BaseAnchorsExplorer
from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.scene import Scene
from frcnn_edu.lessons.box_coding.explorer.explorer import BoxCodingExplorer
from frcnn_edu.lessons.box_head.explorer.explorer import DetectionsExplorer
from frcnn_edu.lessons.fpn.explorer.explorer import FpnLevelsExplorer
from frcnn_edu.lessons.iou_labeling.explorer.explorer import IouLabelingExplorer
from frcnn_edu.lessons.level_mapper.explorer.explorer import LevelMapperExplorer
from frcnn_edu.lessons.proposals.explorer.explorer import ProposalsExplorer
from frcnn_edu.lessons.roi_align.explorer.explorer import RoiAlignExplorer
from frcnn_edu.lessons.story import Story
from frcnn_edu.lessons.stride_grid.explorer.explorer import StrideGridExplorer
from frcnn_edu.ops import box_iou

from .panels import draw
from .result import TITLES, Result, State, compute, followed_boxes, object_of_detection, strays

#: The explorer of each stage.
EXPLORERS: dict[str, Callable[[Story], Explorer]] = {
    "fpn_levels": FpnLevelsExplorer,
    "base_anchors": BaseAnchorsExplorer,
    "stride_grid": StrideGridExplorer,
    "iou_labeling": IouLabelingExplorer,
    "box_coding": BoxCodingExplorer,
    "proposals": ProposalsExplorer,
    "level_mapper": LevelMapperExplorer,
    "roi_align": RoiAlignExplorer,
    "detections": DetectionsExplorer,
}


class WholePathExplorer(Explorer[State, Result]):
    title = "One object through the whole network"

    def __init__(self, subject: Story | None = None) -> None:
        self.opened: dict[tuple[str, int], Explorer] = {}
        super().__init__(subject)
        self._show_stage()

    def start(self) -> State:
        return State(self.subject.object)

    def make_prompts(self) -> Sequence[Prompt]:
        name = self.subject.classes[int(self.subject.target["labels"][self.subject.object])]
        sizes = self.subject.boxes[:, 2:] - self.subject.boxes[:, :2]
        areas = sizes.prod(dim=1)
        ious = box_iou(self.subject.boxes, torch.cat(self.subject.trace.anchors)).amax(dim=1)
        return (
            (
                f"The smallest object: does an anchor fit it better or worse than our {name}?",
                {"object": int(areas.argmin())},
            ),
            ("The largest: which maps see it, and from which one is it read?", {"object": int(areas.argmax())}),
            (
                "The object that its best anchor fits worst: how much do the deltas mend?",
                {"object": int(ious.argmin())},
            ),
            ("What is inside the fourth panel? Open its stage.", {"stage": "iou_labeling"}),
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
        stages = [("none", ""), *((title, name) for name, title in TITLES.items())]
        return {
            "object": ipywidgets.Dropdown(options=options, description="object", style=style),
            "stage": ipywidgets.Dropdown(options=stages, description="open the explorer of", style=style),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result)

    def set(self, **changes: Any) -> None:
        super().set(**changes)
        self._show_stage()

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        if group == "stage":
            name = list(TITLES)[id]
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
                self.opened[key] = EXPLORERS[name](self.result.story)
            shown.append(self.opened[key].widget)
        if tuple(shown) != self.widget.children:
            self.widget.children = shown
