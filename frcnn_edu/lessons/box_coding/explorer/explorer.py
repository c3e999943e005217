"""An anchor, a box, and the four deltas between them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ipywidgets

from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.scene import Scene

from ..pictures.main import DELTAS
from .panels import draw
from .result import CODERS, Result, State, compute, decode, encode, start


class BoxCodingExplorer(Explorer[State, Result]):
    title = "Four numbers that move a box"

    def make_prompts(self) -> Sequence[Prompt]:
        x1, y1, x2, y2 = self.first.anchor
        wide, x, y = x2 - x1, (x1 + x2) / 2, (y1 + y2) / 2
        # A prompt resets all fields that it does not name, so a box that has to stay is named as the target.
        return (
            ("The ground-truth box: which deltas would be exactly right?", {"target": tuple(self.subject.box.tolist())}),
            ("The box equals the anchor: what are the deltas?", {"target": self.first.anchor}),
            ("Twice as wide around the same centre: which delta changes, and is it 2?", {"target": (x1 - wide / 2, y1, x2 + wide / 2, y2)}),
            ("Moved to the left by its own width: what is dx?", {"target": (x1 - wide, y1, x2 - wide, y2)}),
            (
                f"For a box one pixel to the right of this anchor, dx is 1/{wide:g} = {1 / wide:.3f}. What is it for an anchor of 8×8 pixels?",
                {"anchor": (x - 4, y - 4, x + 4, y + 4), "target": (x - 3, y - 4, x + 5, y + 4)},
            ),
            (
                "The boxes of the first view, with the box head’s weights: which deltas become ten times as large?",
                {"weights": "head", "target": tuple(decode(self.first).tolist())},
            ),
            ("dw = 5: does the box become exp(5) = 148 times as wide?", {"dw": 5.0}),
        )  # fmt: skip

    def start(self) -> State:
        return start(self.subject)

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        options = [("1, 1, 1, 1 (RPN)", "rpn"), ("10, 10, 5, 5 (box head)", "head")]
        names = ("to the right", "down", "wider", "taller")
        sliders = {
            name: ipywidgets.FloatSlider(0.0, min=-100, max=100, step=0.01, description=f"{name}, {what}", style=style)
            for name, what in zip(DELTAS, names, strict=True)
        }
        return {**sliders, "weights": ipywidgets.Dropdown(options=options, description="weights", style=style)}

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def problem(self, state: State) -> str | None:
        x1, y1, x2, y2 = state.anchor
        if x2 <= x1 or y2 <= y1:
            return (
                f"An anchor from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) has no width or no height, which are the units of the deltas. "
                "Put its second corner to the right of the first, and below it."
            )
        if not all(math.isfinite(delta) for delta in state.deltas[0].tolist()):
            return (
                "A box without width or height has no deltas, because 0 has no logarithm. "
                "Make it at least one pixel wide and one pixel high."
            )
        return None

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        """The range of each slider: wide enough for what is interesting, and for the present value."""
        limits = {}
        for name, weight, far in zip(DELTAS, CODERS[state.weights].weights, (2, 2, 5, 5), strict=True):
            value = abs(getattr(state, name))
            if math.isfinite(value):
                reach = max(far * weight, math.ceil(value))
                limits[name] = (-reach, reach)
        return limits

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """If the anchor or the box is dragged, the deltas are encoded again."""
        target = changes.pop("target", None)
        stays = {"anchor", "weights"} & changes.keys() and not set(DELTAS) & changes.keys()
        if target is None and stays and self.problem(before) is None:
            target = tuple(decode(before).tolist())
        if target is not None:
            changed = replace(before, **changes)
            if self.problem(replace(changed, dx=0.0, dy=0.0, dw=0.0, dh=0.0)) is None:  # the anchor is legal
                changes |= encode(changed.anchor, target, changed.weights)
        return changes
