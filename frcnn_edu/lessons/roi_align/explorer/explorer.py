"""Drag a box: which points of its map are read, with which weights, and what does RoIPool compute?"""

from collections.abc import Sequence
from typing import Any

import ipywidgets

from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.scene import Scene

from .panels import draw
from .result import ADAPTIVE, AS_MAPPED, STRENGTH, Result, State, compute, first_state, geometry


class RoiAlignExplorer(Explorer[State, Result]):
    title = "What does RoIAlign read inside a box?"

    def start(self) -> State:
        return first_state(self.subject)

    def make_prompts(self) -> Sequence[Prompt]:
        x, y = ((self.subject.box[:2] + self.subject.box[2:]) / 2).tolist()
        left, top = (
            4.0 * max(round((middle - 14) / 4), 0) for middle in (x, y)
        )  # 7×7 cells of P2 at the centre of the object
        small = tuple(round(value, 1) for value in (x - 1.5, y - 1, x + 1.5, y + 1))
        return (
            (
                "A box of exactly 7×7 cells of P2: are the two grids equal now?",
                {"box": (left, top, left + 28, top + 28), "level": 0},
            ),
            (
                "The same box, half a cell further right: which of the two methods changes its cells?",
                {"box": (left + 2, top, left + 30, top + 28), "level": 0},
            ),
            ("One point per bin instead of four: is it the centre of the bin?", {"ratio": 1, "point": 0}),
            ("A box of 2×3 pixels is smaller than a cell: what is read?", {"box": small, "level": 0}),
            ("Switch “aligned” on: how are the points shifted?", {"aligned": True}),
            ("Read it from P4, where a cell has 16×16 pixels: how many cells does the box cover?", {"level": 2}),
            (
                "14×14 bins and the adaptive ratio: how many points does a bin have?",
                {"size": 14, "ratio": ADAPTIVE, "row": 6, "column": 6, "point": 0},
            ),
            ("All channels together: where are the features strongest?", {"channel": STRENGTH}),
        )

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        whole = ipywidgets.IntSlider
        levels = [("chosen by the level mapper", AS_MAPPED), *((f"P{2 + level}", level) for level in range(4))]
        ratios = [("1", 1), ("2, as in the model", 2), ("3", 3), ("4", 4), ("adaptive", ADAPTIVE)]
        channels = self.subject.trace.pyramid["0"].shape[1]
        return {
            "size": whole(7, min=1, max=14, description="output size", style=style),
            "ratio": ipywidgets.Dropdown(options=ratios, description="sampling ratio", style=style),
            "aligned": ipywidgets.Checkbox(False, description="aligned", indent=False),
            "level": ipywidgets.Dropdown(options=levels, description="level", style=style),
            "channel": whole(STRENGTH, min=STRENGTH, max=channels - 1, description="channel (−1: all)", style=style),
            "point": whole(0, min=0, max=10_000, description="sampling point", style=style),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def problem(self, state: State) -> str | None:
        x1, y1, x2, y2 = state.box
        if x2 <= x1 or y2 <= y1:
            return f"A box from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) has no area and cannot be divided into bins: make it larger."
        return None

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        if self.problem(state):
            return {}
        _, _, (across, down), _ = geometry(state, self.subject)
        return {"row": (0, state.size - 1), "column": (0, state.size - 1), "point": (0, across * down - 1)}

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        if group == "bin":
            return {"row": id // state.size, "column": id % state.size}
        if group != "point":
            return {}
        across, down = self.result.ratios
        y, x = divmod(id, across * state.size)
        return {"row": y // down, "column": x // across, "point": y % down * across + x % across}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        return {"row": state.row + dy, "column": state.column + dx}
