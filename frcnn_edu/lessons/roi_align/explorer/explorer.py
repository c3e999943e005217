"""Drag a box: which points of its map are read, with which weights, and what does RoIPool make of it?"""

from collections.abc import Sequence
from typing import Any

import ipywidgets

from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.scene import Scene

from .panels import draw
from .result import ADAPTIVE, AS_MAPPED, STRENGTH, Result, State, compute, first_state, geometry


class RoiAlignExplorer(Explorer[State, Result]):
    title = "What is read inside a box?"

    def start(self) -> State:
        return first_state(self.subject)

    def make_prompts(self) -> Sequence[Prompt]:
        x, y = ((self.subject.box[:2] + self.subject.box[2:]) / 2).tolist()
        left, top = (
            4.0 * max(round((middle - 14) / 4), 0) for middle in (x, y)
        )  # 7 × 7 cells of P2 in the object's middle
        small = tuple(round(value, 1) for value in (x - 1.5, y - 1, x + 1.5, y + 1))
        return (
            (
                "A box of exactly 7 × 7 cells of P2: do the two grids agree now?",
                {"box": (left, top, left + 28, top + 28), "level": 0},
            ),
            (
                "The same, half a cell to the right: which grid changes its cells?",
                {"box": (left + 2, top, left + 30, top + 28), "level": 0},
            ),
            ("One point a bin instead of four: is it the bin's middle?", {"ratio": 1, "point": 1}),
            ("A box of 3 × 2 pixels, smaller than a cell.", {"box": small, "level": 0}),
            ("“aligned”: where do the points go?", {"aligned": True}),
            ("Read from P4, where cells are 16 pixels wide: how many cells are left?", {"level": 2}),
            (
                "14 × 14 bins, adaptive points: how many points has a bin?",
                {"size": 14, "ratio": ADAPTIVE, "row": 6, "column": 6, "point": 1},
            ),
            ("All channels together: where is most to be read?", {"channel": STRENGTH}),
        )

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        whole = ipywidgets.IntSlider
        levels = [("as mapped", AS_MAPPED), *((f"P{2 + level}", level) for level in range(4))]
        ratios = [("1", 1), ("2, as in the model", 2), ("3", 3), ("4", 4), ("adaptive", ADAPTIVE)]
        channels = self.subject.trace.pyramid["0"].shape[1]
        return {
            "size": whole(7, min=1, max=14, description="output size", style=style),
            "ratio": ipywidgets.Dropdown(options=ratios, description="sampling ratio", style=style),
            "aligned": ipywidgets.Checkbox(False, description="aligned", indent=False),
            "level": ipywidgets.Dropdown(options=levels, description="level", style=style),
            "channel": whole(STRENGTH, min=STRENGTH, max=channels - 1, description="channel (−1: all)", style=style),
            "point": whole(1, min=1, max=10_000, description="point of the bin", style=style),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def problem(self, state: State) -> str | None:
        x1, y1, x2, y2 = state.box
        if x2 <= x1 or y2 <= y1:
            return f"A box from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) has no area that could be cut into bins."
        return None

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        if self.problem(state):
            return {}
        _, _, (across, down), _ = geometry(state, self.subject)
        return {"row": (0, state.size - 1), "column": (0, state.size - 1), "point": (1, across * down)}

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        if group == "bin":
            return {"row": id // state.size, "column": id % state.size}
        if group != "point":
            return {}
        across, down = self.result.ratios
        y, x = divmod(id, across * state.size)
        return {"row": y // down, "column": x // across, "point": 1 + y % down * across + x % across}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        return {"row": state.row + dy, "column": state.column + dx}
