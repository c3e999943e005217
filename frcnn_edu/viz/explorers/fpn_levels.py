"""Lateral, top-down, their sum, and what the 3×3 makes of it: every level, every channel."""

from typing import Any

import ipywidgets

from ..stages import LEVEL_KEYS
from .explorer import Explorer
from .fpn_levels_panels import draw
from .fpn_levels_result import LEVELS, STAGES, STRENGTH, Result, State, compute, has
from .scene import Scene


class FpnLevelsExplorer(Explorer[State, Result]):
    title = "What does each level of the pyramid know?"
    prompts = (
        ("Only what P2 sees itself: is there more of edges, or of objects?", {"stage": "lateral"}),
        ("Only what comes from above: how large are the blocks?", {"stage": "top-down"}),
        ("One channel of 64: what does it look for?", {"channel": 10}),
        ("P4: how many cells are left for our cross?", {"level": 2, "row": 3, "column": 6}),
        ("P5: what comes from above here?", {"level": 3, "stage": "smoothed", "row": 1, "column": 3}),
        ("P5, and its top-down part.", {"level": 3, "stage": "top-down", "row": 1, "column": 3}),
    )

    def start(self) -> State:
        return State(*self._middle(0))

    def _middle(self, level: int) -> tuple[int, int]:
        """The cell that the middle of the object lies in."""
        rows, columns = self.subject.trace.pyramid[LEVEL_KEYS[level]].shape[-2:]
        high, wide = self.subject.trace.batch.tensors.shape[-2:]
        x, y = ((self.subject.box[:2] + self.subject.box[2:]) / 2).tolist()
        return min(int(y / (high // rows)), rows - 1), min(int(x / (wide // columns)), columns - 1)

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        channels = self.subject.trace.pyramid["0"].shape[1]
        narrow = {**style, "button_width": "58px"}
        return {
            "level": ipywidgets.ToggleButtons(
                options=[(name, k) for k, name in enumerate(LEVELS)], description="level", style=narrow
            ),
            "stage": ipywidgets.ToggleButtons(
                options=STAGES, description="stage", style={**style, "button_width": "78px"}
            ),
            "channel": ipywidgets.IntSlider(
                STRENGTH, min=STRENGTH, max=channels - 1, description="channel (−1: all)", style=style
            ),
            "overlay": ipywidgets.FloatSlider(
                0.55, min=0, max=1, step=0.05, description="map over picture", style=style
            ),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def problem(self, state: State) -> str | None:
        if has(state.level, state.stage):
            return None
        if state.level == 3:
            return f"P5 is the coarsest map: nothing comes down to it, so it has no {state.stage}. Take “lateral” or “smoothed”."
        return f"pool is taken from P5 as it is, so it has no {state.stage}. Take “smoothed”."

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """Another level: the cell that the object's middle lies in; another cell: within the map."""
        if "level" in changes and not {"row", "column"} & changes.keys():
            changes["row"], changes["column"] = self._middle(changes["level"])
        return changes

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        rows, columns = self.subject.trace.pyramid[LEVEL_KEYS[state.level]].shape[-2:]
        return {"row": (0, rows - 1), "column": (0, columns - 1)}

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        columns = self.subject.trace.pyramid[LEVEL_KEYS[state.level]].shape[-1]
        match group:
            case "cell":
                return {"row": id // columns, "column": id % columns}
            case "stage":
                return {"stage": STAGES[id]}
            case "level":
                return {"level": id}
        return {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        return {"row": state.row + dy, "column": state.column + dx}
