"""A level, a cell: where its anchors are centred, and how far that is from the cell."""

from collections.abc import Sequence
from typing import Any

import ipywidgets

from frcnn_edu.lessons.base_anchors.explorer.explorer import PRESETS
from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.scene import Scene

from .panels import draw
from .result import LEVELS, SHAPES, Result, State, compute, first_state, sizes


class StrideGridExplorer(Explorer[State, Result]):
    title = "Where are the anchors of a cell?"

    def start(self) -> State:
        return first_state(self.subject)

    def make_prompts(self) -> Sequence[Prompt]:
        short, long = sorted(self.subject.image.shape[1:])
        size = min(800, 1333 * short // long)  # 1333: the longest side that the full model allows
        full = {"size": size, "preset": "full model", "level": 4}
        (high, wide), _, _ = sizes(State(0, 0, size=size), self.subject)
        last = {"row": 10_000, "column": 10_000}  # bounded by the grid
        x, y = ((self.subject.box[:2] + self.subject.box[2:]) / 2).tolist()
        return (
            (f"The full model on {high}×{wide} pixels, pool: is the stride 64?", {**full, "row": 0, "column": 0}),
            ("The last cell of the same map: how far are its anchors from its corner?", {**full, **last}),
            ("An image without padding: are the strides of P5 still 32?", {"size": 250, "divisible": 1, "level": 3, **last}),
            ("The finest level: how many anchors does it have?", {"level": 0, "row": int(y / 4), "column": int(x / 4)}),
            ("Cell (0, 0): how much of its anchors is inside the image?", {"row": 0, "column": 0}),
        )  # fmt: skip

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        whole = ipywidgets.IntSlider
        return {
            "level": ipywidgets.ToggleButtons(
                options=[(name, k) for k, name in enumerate(LEVELS)], description="level", style={**style, "button_width": "52px"}
            ),
            "size": whole(120, min=min(32, self.first.size), max=800, step=2, description="shorter side of the image", style=style),
            "divisible": ipywidgets.Dropdown(
                options=[("32, as in the model", 32), ("1: no padding", 1)], description="padded to a multiple of", style=style
            ),
            "preset": ipywidgets.Dropdown(
                options=[(f"{name}: {', '.join(map(str, sides))}", name) for name, (sides, _) in PRESETS.items()],
                description="anchor sizes", style=style,
            ),
            "row": whole(0, min=0, max=10_000, description="row", style=style),
            "column": whole(0, min=0, max=10_000, description="column", style=style),
            "shape": ipywidgets.Dropdown(options=[(name, k) for k, name in enumerate(SHAPES)], description="anchor", style=style),
            "all": ipywidgets.Checkbox(True, description="all anchors (faint)", indent=False),
        }  # fmt: skip

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        _, _, (rows, columns) = sizes(state, self.subject)
        return {"row": (0, rows - 1), "column": (0, columns - 1)}

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """On another grid, choose the cell at the same place in the image."""
        if {"level", "size"} & changes.keys() and not {"row", "column"} & changes.keys():
            grown = (
                changes.get("size", before.size)
                / before.size
                * 2.0 ** (before.level - changes.get("level", before.level))
            )
            changes |= {"row": int((before.row + 0.5) * grown), "column": int((before.column + 0.5) * grown)}
        return changes

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        if group == "anchor":
            return {"shape": id}
        columns = sizes(state, self.subject)[2][1]
        return {"row": id // columns, "column": id % columns} if group == "cell" else {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        return {"row": state.row + dy, "column": state.column + dx}
