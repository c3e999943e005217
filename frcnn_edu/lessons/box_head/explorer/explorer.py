"""Thresholds of score and NMS: which detections are shown, which are correct, which objects are missed?"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ipywidgets

from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.scene import Scene
from frcnn_edu.lessons.story import story

from .gallery import gallery
from .panels import draw
from .result import (
    EVERY_CLASS,
    STRIDE,
    Result,
    State,
    compute,
    duplicate_of,
    first_state,
    is_looked_at,
    neighbour,
    walked,
)


class DetectionsExplorer(Explorer[State, Result]):
    title = "Which detections are correct?"

    def start(self) -> State:
        return first_state(self.subject)

    def make_prompts(self) -> Sequence[Prompt]:
        first, classes = self.first, self.subject.classes
        _, _, labels = gallery(self.subject).seen[0].candidates
        name = int(labels[first.chosen])
        duplicate = {"nms": 1.0, "most": 300, **duplicate_of(first, self.subject)}
        beside = {"nms": 0.0, **neighbour(first, self.subject, 0.0)}
        return (
            (
                "A score threshold of 0.01: how many more objects are found, and how many more detections are wrong?",
                {"score": 0.01},
            ),
            ("A score threshold of 0.99: precision rises. What happens to recall?", {"score": 0.99}),
            ("No NMS (threshold 1): does the selected duplicate count as correct?", duplicate),
            ("An NMS threshold of 0: which detection is lost to a neighbour of the same class?", beside),
            ("Correct only at an IoU of at least 0.9: where does the operating point move?", {"iou": 0.9}),
            (f"Only the class {classes[name]}: is its AP higher or lower?", {"label": name}),
            ("At most three detections per image: what happens to recall?", {"most": 3}),
        )

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        slider = ipywidgets.FloatSlider
        classes = [("all", EVERY_CLASS), *((name, k) for k, name in enumerate(self.subject.classes) if k)]
        shown = [
            ("the course’s" if k == 0 and self.subject is story() else f"{k}", k)
            for k in range(gallery(self.subject).size)
        ]
        return {
            "score": slider(0.5, min=0.01, max=0.99, step=0.01, description="score threshold", style=style),
            "nms": slider(0.5, min=0.0, max=1.0, step=0.05, description="NMS threshold", style=style),
            "iou": slider(0.5, min=0.05, max=0.95, step=0.05, description="correct: IoU ≥", style=style),
            "label": ipywidgets.Dropdown(options=classes, description="class", style=style),
            "most": ipywidgets.IntSlider(100, min=1, max=300, description="detections per image", style=style),
            "picture": ipywidgets.Dropdown(options=shown, description="image", style=style),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def compute_more(self) -> bool:
        """One more image, with a model other than the course's."""
        missing = self.result.coming > 0
        if missing:
            gallery(self.subject).upto(self.result.pictures)
        return missing

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        boxes, _, _ = gallery(self.subject).seen[state.picture].candidates
        return {"chosen": (0, max(len(boxes) - 1, 0))}

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """In another image or class, select the detection with the highest score."""
        state = replace(before, **changes)
        gallery(self.subject).upto(state.picture)
        elsewhere = state.picture != before.picture
        if "chosen" not in changes and (elsewhere or ("label" in changes and not is_looked_at(state, self.subject))):
            first = walked(state, self.subject)[:1] or ([0] if elsewhere else [before.chosen])
            changes["chosen"] = first[0]
        return changes

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        return {"picture": id // STRIDE, "chosen": id % STRIDE} if group == "detection" else {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        """Select the detection with the next higher or next lower score."""
        ids = walked(state, self.subject)
        before, after = [i for i in ids if i < state.chosen], [i for i in ids if i > state.chosen]
        way = after[:1] if dx + dy > 0 else before[-1:]
        return {"chosen": way[0]} if way else {}
