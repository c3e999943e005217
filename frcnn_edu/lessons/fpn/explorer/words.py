"""The formula and the sentences below the pyramid."""

from typing import Any

from frcnn_edu.lessons.board.formula import Line, Root, Term, bracketed, signed
from frcnn_edu.lessons.story import Story
from frcnn_edu.viz import style as st

from .result import LEVELS, STRENGTH, Result, cell_size


def formula(result: Result, of: Story) -> list[Line]:
    """The chosen cell's value, and where it comes from."""
    state, (columns, source) = result.state, (result.levels[result.state.level].shape[1], result.source)
    name, color = LEVELS[state.level], st.LEVELS[LEVELS[state.level]]
    cell = f"cell:{state.row * columns + state.column}"
    last = Term(signed(result.values["smoothed"]), cell, color)
    channels = of.trace.pyramid["0"].shape[1]
    if state.channel == STRENGTH:
        average = "P5’s average" if state.level == 4 else "the map’s average"
        inside = f"mean over {channels} channels of (value − {average})²"
        return [[f"strength of {name} in cell ({state.row}, {state.column}) = ", Root(inside), " = ", last]]
    where = f"channel {state.channel}, cell ({state.row}, {state.column})"
    if state.level == 4:
        return [[f"{where}: pool = P5 in cell {source} = ", last]]
    weights = f"{name} = Σ of 9 · {channels} products (weight · sum; 3×3 cells, all channels) + bias = "
    lateral = Term(signed(result.values["lateral"]), cell, color)
    if source is None:
        return [[f"{where}: sum = lateral = ", lateral], [weights, last]]
    above = st.LEVELS[LEVELS[state.level + 1]]
    down = Term(bracketed(result.values["top-down"]), f"source:{_id(result)}", above)
    line: list[Any] = [f"{where}: sum = lateral + top-down = ", lateral, " + ", down]
    return [[*line, f" {_sign(result)} ", Term(signed(result.values["both"]), cell, color)], [weights, last]]


def _id(result: Result) -> int:
    """The index of the source cell on its map."""
    assert result.source is not None
    above = 3 if result.state.level == 4 else result.state.level + 1
    return result.source[0] * result.levels[above].shape[1] + result.source[1]


def _sign(result: Result) -> str:
    """“=” if the rounded numbers add up, too."""
    lateral, down, both = (round(result.values[stage], 2) for stage in ("lateral", "top-down", "both"))
    return "=" if round(lateral + down, 2) == both else "≈"


def words(result: Result, of: Story) -> str:
    """What the chosen stage is, and what the chosen cell and the object are on this level."""
    state, name = result.state, LEVELS[result.state.level]
    if state.level == 4:
        return (
            f"pool is every second row and column of P5; it has no weights. Its cell ({state.row}, {state.column}) is "
            f"P5’s cell {result.source}. The RPN’s largest anchors are on pool."
        )
    said = {
        "lateral": f"This is C{2 + state.level} after a 1×1 convolution, the contribution of this level, with sharp details.",
        "top-down": f"This is the sum of P{3 + state.level}, with each cell copied to four cells. It comes from deeper layers, in coarse blocks.",
        "both": "This is the sum of the two, with sharp details from the lateral part and deep features from the top-down part.",
        "smoothed": f"A 3×3 convolution of the sum gives {name}, the map that the RPN and RoIAlign read.",
    }[state.stage]
    return f"{said} {_cell(result, of)} {_object(result, of)}"


def _cell(result: Result, of: Story) -> str:
    state = result.state
    if result.source is None:
        return "The coarsest map has no top-down part, so its sum is its lateral part."
    if state.channel == STRENGTH:
        return "Channels add up, but strengths do not. Choose a channel to see its sum."
    return f"Cell ({state.row}, {state.column}) receives a copy of cell {result.source} of P{3 + state.level}’s sum."


def _object(result: Result, of: Story) -> str:
    cell = cell_size(result.levels[result.state.level].shape, of)
    wide, high = ((of.box[2:] - of.box[:2]) / cell).tolist()
    name = of.classes[int(of.target["labels"][of.object])]
    return f"Our {name} (dashed) covers {high:.1f}×{wide:.1f} cells of {cell:.0f}×{cell:.0f} pixels."
