"""Thresholds of score and NMS: which detections are shown, which are right, which objects are missed?"""

from typing import Any

import ipywidgets

from .detections_panels import draw
from .detections_result import EVERY_CLASS, Result, State, compute, first_state, found_in, pictures
from .explorer import Explorer
from .scene import Scene


class DetectionsExplorer(Explorer[State, Result]):
    title = "Which detections are right?"
    prompts = (
        ("A threshold of 0.01: how many more objects are found, and at what price?", {"score": 0.01}),
        ("Only what is surer than 0.99: precision up, and recall?", {"score": 0.99}),
        ("No NMS, threshold 1: which detections are counted as wrong now?", {"nms": 1.0, "most": 300}),
        ("NMS from IoU 0 on: whom does a neighbour of its own class cost?", {"nms": 0.0}),
        ("Right only from IoU 0.9 on: where does the working point go?", {"iou": 0.9}),
        ("Only crosses.", {"label": 5}),
        ("At most three detections a picture.", {"most": 3, "chosen": 0}),
    )

    def start(self) -> State:
        return first_state(self.subject)

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        slider = ipywidgets.FloatSlider
        classes = [("all", EVERY_CLASS), *((name, k) for k, name in enumerate(self.subject.classes) if k)]
        shown = [("the course's" if k == 0 else f"no. {k}", k) for k in range(len(pictures(self.subject)))]
        return {
            "score": slider(0.5, min=0.01, max=0.99, step=0.01, description="score threshold", style=style),
            "nms": slider(0.5, min=0.0, max=1.0, step=0.05, description="NMS threshold", style=style),
            "iou": slider(0.5, min=0.05, max=0.95, step=0.05, description="right from IoU", style=style),
            "label": ipywidgets.Dropdown(options=classes, description="class", style=style),
            "most": ipywidgets.IntSlider(100, min=1, max=300, description="detections per image", style=style),
            "picture": ipywidgets.Dropdown(options=shown, description="picture", style=style),
            "chosen": ipywidgets.IntSlider(0, min=0, max=10_000, description="selected, by rank", style=style),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        seen = pictures(self.subject)[state.picture]
        number = len(found_in(self.subject.model, seen, state.nms, state.iou, state.most).boxes)
        return {"chosen": (0, max(number - 1, 0))}

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """In another picture, its best detection."""
        if changes.get("picture", before.picture) != before.picture:
            changes.setdefault("chosen", 0)
        return changes

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        return {"chosen": id} if group == "detection" else {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        return {"chosen": state.chosen + dx + dy}
