"""Sizes, ratios and rounding: fifteen boxes around one point."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import ipywidgets

from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.scene import Rect, Scene

from .panels import draw
from .result import (
    FLATTEST,
    FULL,
    LONGEST,
    NAMES,
    PRESETS,
    RATIOS,
    SIZES,
    SMALLEST,
    TALLEST,
    Result,
    State,
    compute,
    reach,
    rising,
)


class BaseAnchorsExplorer(Explorer[State, Result]):
    title = "Five sizes, three ratios: fifteen boxes"

    def start(self) -> State:
        return State()

    def make_prompts(self) -> Sequence[Prompt]:
        return (
            ("The smallest wide anchor: does rounding change it more than the others?", {"level": 0, "shape": 0}),
            ("The full model’s sizes, 32 to 512: does rounding still matter?", FULL),
            ("Switch rounding off: does the area still have an error?", {"rounded": False}),
            ("An odd size, 25, on P3: how wide is the square anchor?", {"p3": 25, "level": 1, "shape": 1}),
            ("A ratio of 0.75 instead of 1: does the anchor fit our object better?", {"second": 0.75, "shape": 1}),
            ("A size of 38 instead of 48: is the square anchor positive now?", {"p4": 38, "shape": 1}),
            ("A ratio of 1 instead of 2: what is wrong with five of the anchors?", {"third": 1.0}),
        )

    def make_controls(self) -> dict[str, Any]:
        first, style = self.first, {"description_width": "initial"}
        named = [(f"{name}: {', '.join(map(str, sizes))}", name) for name, (sizes, _) in PRESETS.items()]
        wide, narrow = ipywidgets.Layout(width="330px"), ipywidgets.Layout(width="auto", flex="1 1 180px")
        controls: dict[str, Any] = {
            "preset": ipywidgets.Dropdown(options=named, description="start from", style=style, layout=wide),
            "rounded": ipywidgets.Checkbox(first.rounded, description="rounded, as in the model", indent=False),
        }
        for field, name, size in zip(SIZES, NAMES, first.sizes, strict=True):
            controls[field] = ipywidgets.IntSlider(
                size, 1, 1000, description=f"size {name}", style=style, layout=narrow
            )
        for field, nth, ratio in zip(RATIOS, ("1st", "2nd", "3rd"), first.ratios, strict=True):
            controls[field] = ipywidgets.FloatSlider(
                ratio, min=FLATTEST, max=TALLEST, step=0.01, description=f"{nth} ratio", style=style,
                layout=narrow,
            )  # fmt: skip
        return controls

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result)

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        longest = round(LONGEST * PRESETS[state.preset][1])
        return rising(state, SIZES, SMALLEST, longest, 1) | rising(state, RATIOS, FLATTEST, TALLEST, 0)

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        if "corner" in changes:
            return self._to_corner(before, changes["corner"])
        if changes.get("preset", before.preset) != before.preset:  # its sizes, unless others are given
            changes = dict(zip(SIZES, PRESETS[changes["preset"]][0], strict=True)) | changes
        return changes | {"reach": reach(replace(before, **changes))}

    def _to_corner(self, state: State, grip: Rect) -> dict[str, Any]:
        """The size and the ratio of the selected anchor that put its lower right corner at the centre of the grip."""
        x, y = (max(0.25, (low + high) / 2) for low, high in (grip[0::2], grip[1::2]))
        wanted = {SIZES[state.level]: round(2 * math.sqrt(x * y)), RATIOS[state.shape]: round(y / x, 2)}
        bounds = self.bounds(state) | rising(
            state, RATIOS, FLATTEST, TALLEST, 0.01
        )  # dragging makes no two ratios equal
        return {field: min(max(value, bounds[field][0]), bounds[field][1]) for field, value in wanted.items()}

    def problem(self, state: State) -> str | None:
        if min(state.sizes) <= 0 or min(state.ratios) <= 0:
            return "A size or a ratio cannot be 0 or less: make all of them positive."
        for (name, size), (after, larger) in pairwise(zip(NAMES, state.sizes, strict=True)):
            if size == larger:
                return f"{name} and {after} both have the size {size}, which gives the same three boxes twice: make one of the sizes larger."
            if size > larger:
                return f"Sizes have to increase from level to level because coarse maps are for large objects, but {name} has {size} and {after} only {larger}."
        for low, high in pairwise(state.ratios):
            if low == high:
                return f"The ratio {low:g} occurs twice, so two of the three anchors on each level are the same box: change one ratio."
            if low > high:
                return f"Ratios have to increase, from wide to tall, but {low:g} comes before {high:g}: swap them."
        thinnest = state.p2 * min(1 / state.third**0.5, state.first**0.5)
        if state.rounded and round(thinnest / 2) == 0:
            return f"An anchor on P2 would be {thinnest:.2g} pixels wide or high; half of that is rounded to 0, so the box would have no area: choose a larger size."
        return None

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        return dict(zip(("level", "shape"), divmod(id, len(RATIOS)), strict=True)) if group == "anchor" else {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        level = min(max(state.level - dy, 0), len(SIZES) - 1)
        return {"level": level, "shape": min(max(state.shape + dx, 0), len(RATIOS) - 1)}
