"""Lateral, top-down, their sum and its 3×3 convolution: every level, every channel."""

from collections.abc import Sequence
from typing import Any

import ipywidgets

from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.scene import Scene
from frcnn_edu.lessons.stages import LEVEL_KEYS

from .panels import draw
from .result import LEVELS, STAGES, STRENGTH, Result, State, compute, first_state, has, middle_cell


class FpnLevelsExplorer(Explorer[State, Result]):
    title = "What does each level of the pyramid show?"

    def start(self) -> State:
        return first_state(self.subject)

    def make_prompts(self) -> Sequence[Prompt]:
        channels = self.subject.trace.pyramid["0"].shape[1]
        name = self.subject.classes[int(self.subject.target["labels"][self.subject.object])]
        return (
            ("P2: does the lateral part show edges or objects?", {"stage": "lateral"}),
            ("P2: how large are the blocks of the top-down part?", {"stage": "top-down"}),
            (f"All {channels} channels together: where are the features strongest?", {"channel": STRENGTH}),
            (f"P4: how many cells does our {name} cover?", self._at(2)),
            ("P5: what is added to its lateral part?", self._at(3)),
            ("P5: is there a top-down part?", {**self._at(3), "stage": "top-down"}),
            ("pool: which map are its cells taken from?", self._at(4)),
        )

    def _at(self, level: int) -> dict[str, int]:
        row, column = middle_cell(level, self.subject)
        return {"level": level, "row": row, "column": column}

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
                0.55, min=0, max=1, step=0.05, description="opacity of the map", style=style
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
            return f"P5 is the coarsest map and has no top-down part, so it has no stage “{state.stage}”: choose “lateral” or “smoothed”."
        return f"pool is taken from P5 unchanged, so it has no stage “{state.stage}”: choose “smoothed”."

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """On another level, choose the cell at the centre of the object."""
        if "level" in changes and not {"row", "column"} & changes.keys():
            changes |= self._at(changes["level"])
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
                return {"level": id, "stage": state.stage if has(id, state.stage) else "smoothed"}
            case "source":
                return self._source()
        return {}

    def _source(self) -> dict[str, Any]:
        """Go to the cell that the chosen cell's value comes from."""
        if self.result.source is None:
            return {}
        row, column = self.result.source
        if self.result.state.level == 4:
            return {"level": 3, "row": row, "column": column}
        above = self.result.state.level + 1
        stage = "both" if has(above, "both") else "lateral"  # the top-down part is a copy of the sum
        return {"level": above, "row": row, "column": column, "stage": stage}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        return {"row": state.row + dy, "column": state.column + dx}
