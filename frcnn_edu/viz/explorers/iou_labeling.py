"""Drag a true box, move the thresholds: which anchor learns it, and why?"""

from typing import Any

import ipywidgets

from .explorer import Explorer
from .iou_labeling_panels import draw
from .iou_labeling_result import Result, State, compute, first_state
from .scene import Scene


class IouLabelingExplorer(Explorer[State, Result]):
    title = "Which anchor learns which object?"
    prompts = (
        ("Without the low-quality rule: who still learns our cross?", {"low_quality": False}),
        ("Foreground from 0.5 on: how many more anchors learn?", {"foreground": 0.5}),
        ("Both thresholds at 0.5: what becomes of the ignored anchors?", {"foreground": 0.5, "background": 0.5}),
        ("The true box made small, 6 × 6 pixels: does any anchor reach it?", {"box": (103.0, 56.0, 109.0, 62.0)}),
        ("Draw a sample: how many of its anchors are foreground?", {"sampled": True}),
        ("Background up to 0.8, foreground from 0.7: can that be?", {"background": 0.8}),
    )

    def start(self) -> State:
        return first_state(self.subject)

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        share = {"min": 0.0, "max": 1.0, "step": 0.05, "style": style}
        names = [
            f"{number + 1}: {self.subject.classes[label]}"
            for number, label in enumerate(self.subject.target["labels"].tolist())
        ]
        return {
            "foreground": ipywidgets.FloatSlider(0.7, description="foreground from IoU", **share),
            "background": ipywidgets.FloatSlider(0.3, description="background below IoU", **share),
            "low_quality": ipywidgets.Checkbox(True, description="low-quality matches", indent=False),
            "sampled": ipywidgets.Checkbox(False, description="draw a sample", indent=False),
            "draw": ipywidgets.IntSlider(1, min=1, max=50, description="draw no.", style=style),
            "truth": ipywidgets.Dropdown(
                options=[(name, k) for k, name in enumerate(names)], description="true box", style=style
            ),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def problem(self, state: State) -> str | None:
        if state.background > state.foreground:
            return (
                f"An anchor with an IoU between {state.foreground:.2f} and {state.background:.2f} would be foreground and background "
                "at once: the background's threshold must not be above the foreground's."
            )
        x1, y1, x2, y2 = state.box
        if x2 <= x1 or y2 <= y1:
            return f"A true box from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) has no area: no anchor can overlap it."
        return None

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """Another true box: where it was drawn, and its best anchor. Another draw: the sampler is on."""
        if "draw" in changes:
            changes.setdefault("sampled", True)
        if "truth" in changes and "box" not in changes:
            changes["box"] = tuple(round(value, 1) for value in self.subject.boxes[changes["truth"]].tolist())
            changes.setdefault("anchor", int(self.result.ious[changes["truth"]].argmax()))
        return changes

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        return {group: id} if group in ("anchor", "truth") and getattr(state, group) != id else {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        if dy:
            return {"truth": (state.truth + dy) % len(self.subject.boxes)}
        order = self.result.ious[state.truth].argsort(descending=True, stable=True).tolist()
        place = order.index(state.anchor) + dx
        return {"anchor": order[min(max(place, 0), len(order) - 1)]}
