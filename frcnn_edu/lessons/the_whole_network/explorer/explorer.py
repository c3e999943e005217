"""One object in all ten stages, side by side; clicking a stage opens its explorer."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import torch

from frcnn_edu.lessons.base_anchors.explorer.explorer import BaseAnchorsExplorer
from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.names import called, entry
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
from frcnn_edu.lessons.your_own_data.explorer.explorer import AnyBoxExplorer
from frcnn_edu.ops import box_iou

from .panels import draw
from .result import STAGES, TITLES, Result, State, compute, followed_boxes, object_of_detection, strays

EXPLORERS: dict[str, Callable[[Story], Explorer]] = {
    "fpn_levels": FpnLevelsExplorer,
    "base_anchors": BaseAnchorsExplorer,
    "stride_grid": StrideGridExplorer,
    "iou_labeling": IouLabelingExplorer,
    "box_coding": BoxCodingExplorer,
    "proposals": ProposalsExplorer,
    "level_mapper": LevelMapperExplorer,
    "roi_align": RoiAlignExplorer,
    "any_box": AnyBoxExplorer,
    "detections": DetectionsExplorer,
}


class WholePathExplorer(Explorer[State, Result]):
    title = "One object through all ten stages"

    def __init__(self, subject: Story | None = None) -> None:
        self.opened: dict[tuple[str, int], Explorer] = {}
        super().__init__(subject)
        self._show_stage()

    def start(self) -> State:
        return State(self.subject.object)

    def make_prompts(self) -> Sequence[Prompt]:
        of = self.subject
        areas = (of.boxes[:, 2:] - of.boxes[:, :2]).prod(dim=1)
        ious = box_iou(of.boxes, torch.cat(of.trace.anchors)).amax(dim=1)
        small, large, worst = int(areas.argmin()), int(areas.argmax()), int(ious.argmin())
        return (
            (f"Follow the smallest object. Is its best anchor better or worse than that of {called(of, of.object)}?", {"object": small}),
            ("Follow the largest object. Which map is its proposal read from?", {"object": large}),
            ("Follow the object whose best anchor has the smallest IoU. How much do the deltas improve it?", {"object": worst}),
            ("Open the explorer of stage 6. How does its NMS work?", {"stage": "proposals"}),
        )  # fmt: skip

    def make_controls(self) -> dict[str, Any]:
        style, of = {"description_width": "initial"}, self.subject
        options = [(entry(of, number), number) for number in range(len(of.boxes))]
        found = of.trace.resized_detections["labels"]
        options += [
            (f"detection {detection} · {of.classes[int(found[detection])]}, no object", len(of.boxes) + k)
            for k, detection in enumerate(strays(of).tolist())
        ]
        stages = [("none", "")]
        for number, (stage, explorers) in enumerate(STAGES, 1):
            stages += [(f"{number} {stage}: {TITLES[name]}", name) for name in explorers]
        return {
            "object": ipywidgets.Dropdown(options=options, description="object", style=style),
            "stage": ipywidgets.Dropdown(options=stages, description="open the explorer", style=style),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result)

    def set(self, **changes: Any) -> None:
        super().set(**changes)
        self._show_stage()

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        if group == "stage":  # its explorers one after another, then none
            names = [*STAGES[id][1], ""]
            return {"stage": names[names.index(state.stage) + 1] if state.stage in names[:-1] else names[0]}
        if group == "object":
            return {"object": id}
        chosen = object_of_detection(self.subject, id) if group == "detection" else None
        return {} if chosen is None else {"object": chosen}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        number = len(followed_boxes(self.subject))
        return {"object": (state.object + (dx or dy)) % number}

    def _show_stage(self) -> None:
        """Show the explorer of the chosen stage below; each is made once for each object."""
        name, object = self.state.stage, self.state.object
        shown = list(self.widget.children[:3])
        if name:
            key = (name, object)
            if key not in self.opened:
                self.opened[key] = EXPLORERS[name](self.result.story)
            shown.append(self.opened[key].widget)
        if tuple(shown) != self.widget.children:
            self.widget.children = shown
