"""An anchor, a box, and the four numbers that lead from the one to the other."""

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
        # A box that is to stay is named as the target: a prompt sets all that is not named to the first view's.
        return (
            ("The ground-truth box itself: which deltas would be right?", {"target": tuple(self.subject.box.tolist())}),
            ("The box is the anchor itself: what are its deltas?", {"target": self.first.anchor}),
            ("Twice as wide about the same centre: which delta, and is it 2?", {"target": (x1 - wide / 2, y1, x2 + wide / 2, y2)}),
            ("Its own width to the left.", {"target": (x1 - wide, y1, x2 - wide, y2)}),
            (
                f"A pixel beside this anchor, dx is 1/{wide:g} = {1 / wide:.3f}; and beside one of 8 × 8?",
                {"anchor": (x - 4, y - 4, x + 4, y + 4), "target": (x - 3, y - 4, x + 5, y + 4)},
            ),
            (
                "The first two boxes again, the box head's weights: which deltas grow tenfold?",
                {"weights": "head", "target": tuple(decode(self.first).tolist())},
            ),
            ("dw = 5: is the box exp(5) = 148 times as wide?", {"dw": 5.0}),
        )  # fmt: skip

    def start(self) -> State:
        return start(self.subject)

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        options = [("1, 1, 1, 1 (RPN)", "rpn"), ("10, 10, 5, 5 (box head)", "head")]
        names = ("to the right", "down", "wider", "higher")
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
                f"An anchor from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) has no width or no height to measure a move in: "
                "its second corner must lie right of the first, and below it."
            )
        if not all(math.isfinite(delta) for delta in state.deltas[0].tolist()):
            return (
                "A box without width or height has no deltas, for only a number above 0 has a logarithm: "
                "give it at least a pixel each way."
            )
        return None

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        """Sliders reach as far as is interesting, or as far as a drag has gone."""
        limits = {}
        for name, weight, far in zip(DELTAS, CODERS[state.weights].weights, (2, 2, 5, 5), strict=True):
            value = abs(getattr(state, name))
            if math.isfinite(value):
                reach = max(far * weight, math.ceil(value))
                limits[name] = (-reach, reach)
        return limits

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """Whatever is dragged, the box stays or goes where the hand has it, and the deltas follow."""
        target = changes.pop("target", None)
        stays = {"anchor", "weights"} & changes.keys() and not set(DELTAS) & changes.keys()
        if target is None and stays and self.problem(before) is None:
            target = tuple(decode(before).tolist())
        if target is not None:
            changed = replace(before, **changes)
            if self.problem(replace(changed, dx=0.0, dy=0.0, dw=0.0, dh=0.0)) is None:  # as far as the anchor goes
                changes |= encode(changed.anchor, target, changed.weights)
        return changes
