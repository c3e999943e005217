"""Drag a ground-truth box, move the thresholds: which anchor is trained on which object, and why?"""

from collections.abc import Sequence
from typing import Any

import ipywidgets
import torch

from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.scene import Scene

from .panels import anchors_of_bar, draw
from .result import BEST, Result, State, compute, entries, names, onto_another, place, start


class IouLabelingExplorer(Explorer[State, Result]):
    title = "Which anchor is trained on which object?"

    def start(self) -> State:
        return start(self.subject)

    def make_prompts(self) -> Sequence[Prompt]:
        ours, number = names(self.subject)[self.subject.object], len(self.subject.boxes)
        x, y = ((self.subject.box[:2] + self.subject.box[2:]) / 2).round().tolist()
        prompts: list[Prompt] = [
            (
                f"Switch low-quality matches off. How many of the {number} objects have no anchor?",
                {"low_quality": False},
            ),
            (f"Positive at an IoU of at least 0.5: how many anchors are trained on {ours}?", {"foreground": 0.5}),
            (
                "Both thresholds at 0.5, as in the RoI heads: what happens to the ignored anchors?",
                {"foreground": 0.5, "background": 0.5, "low_quality": False},
            ),
            ("An object of 6×6 pixels: is an anchor trained on it?", {"box": (x - 3, y - 3, x + 3, y + 3)}),
            ("Sample anchors, at most half of them positive. How many are positive?", {"sampled": True}),
            (
                "Negative below 0.8, positive at 0.7 or more: is that possible?",
                {"background": 0.8, "foreground": 0.7},
            ),
        ]
        onto = onto_another(self.subject)
        if onto:
            other, box = onto
            words = f"Move {ours} onto {names(self.subject)[other]}. Is its best anchor still trained on it?"
            prompts.insert(4, (words, {"box": box}))
        return prompts

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        share = {"min": 0.0, "max": 1.0, "step": 0.05, "style": style}
        objects = [(name, k) for k, name in enumerate(entries(self.subject))]
        return {
            "foreground": ipywidgets.FloatSlider(0.7, description="positive: IoU ≥", **share),
            "background": ipywidgets.FloatSlider(0.3, description="negative: IoU <", **share),
            "low_quality": ipywidgets.Checkbox(True, description="low-quality matches", indent=False),
            "object": ipywidgets.Dropdown(options=objects, description="object", style=style),
            "sampled": ipywidgets.Checkbox(False, description="sample anchors", indent=False),
            "seed": ipywidgets.IntSlider(1, min=1, max=50, description="seed of the sample", style=style),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def problem(self, state: State) -> str | None:
        if state.background > state.foreground:
            return (
                f"An IoU from {state.foreground:.2f} to {state.background:.2f} would be both positive and negative: "
                "set the threshold for negative anchors no higher than the one for positive anchors."
            )
        x1, y1, x2, y2 = state.box
        if x2 <= x1 or y2 <= y1:
            return f"A box from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) has no area, so no anchor can overlap it: make it larger."
        return None

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        if "object" in changes and "box" not in changes:  # another object, with its annotated box, and its best anchor
            changes = {"box": place(self.subject, changes["object"]), "anchor": BEST, **changes}
        if "seed" in changes:  # show the new sample
            changes = {"sampled": True, **changes}
        return changes

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        if group == "ground_truth":
            return {"object": id} if id != state.object else {"anchor": BEST}
        if group == "bar":  # of its anchors, the one with the largest IoU with the chosen object
            anchors = anchors_of_bar(self.result, id)
            return {"anchor": int(anchors[self.result.ious[state.object, anchors].argmax()])}
        return {"anchor": id} if group == "anchor" else {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        if dy:
            return {"object": (state.object + dy) % len(self.subject.boxes)}
        order = self.result.ious[state.object].argsort(descending=True, stable=True)
        rank = int(torch.where(order == self.result.anchor)[0]) + dx
        return {"anchor": int(order[min(max(rank, 0), len(order) - 1)])}
