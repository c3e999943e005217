"""The pictures of the pyramid's explorer."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import style as st
from ..story import Story
from .formula import Line, Term
from .fpn_levels_result import LEVELS, STAGES, STRENGTH, Result, covered
from .scene import Boxes, Grid, Layer, Panel, Rect, Scene, Words, fit, heat, photo


def draw(result: Result, of: Story) -> Scene:
    """The map over the picture, the four stages, and the object on all levels."""
    panels = [_picture(result, of), *_stages(result, of), *_levels(result, of)]
    return Scene(545, panels, _formula(result), _words(result, of))


def _range(result: Result) -> tuple[float, float]:
    """One scale for all stages of the level and channel, so that they can be compared."""
    shown = [values for values in result.stages.values() if values is not None]
    return min(float(v.min()) for v in shown), max(float(v.max()) for v in shown)


def _map_layers(result: Result, values: Tensor, of: Story, *, cells: bool = True) -> list[Layer]:
    extent, (rows, columns) = covered(values.shape, of), values.shape
    ids = torch.tensor([result.state.row * columns + result.state.column])
    cell = torch.tensor([_cell(result.state.row, result.state.column, values.shape, of)])
    layers: list[Layer] = [heat(values, extent, *_range(result))]
    if cells:
        layers.append(Grid(rows, columns, extent, st.PAPER, 0.4, 0.25, group="cell"))
    return [
        *layers,
        Boxes(cell, st.FOCUS, 2.2, group="cell", ids=ids),
        Boxes(of.box[None], st.GROUND_TRUTH, 1.6, dashed=True),
    ]


def _cell(row: int, column: int, shape: torch.Size, of: Story) -> Rect:
    _, _, wide, high = covered(shape, of)
    w, h = wide / shape[1], high / shape[0]
    return (column * w, row * h, (column + 1) * w, (row + 1) * h)


def _picture(result: Result, of: Story) -> Panel:
    values = result.stages[result.state.stage]
    assert values is not None  # the state is legal
    name, color = LEVELS[result.state.level], st.LEVELS[LEVELS[result.state.level]]
    height, width = of.resized.shape[1:]
    rows, columns = values.shape
    extent = covered(values.shape, of)
    cell = torch.tensor([_cell(result.state.row, result.state.column, values.shape, of)])
    picture = heat(values, extent, *_range(result))
    # Mixed here, not in the browser: pixel by pixel of the picture, so that its edges stay sharp.
    share = result.state.overlay
    fine = F.interpolate(
        picture.pixels.permute(2, 0, 1)[None].float(), size=(int(extent[3]), int(extent[2])), mode="nearest"
    )[0]
    mixed = photo((1 - share) * of.resized + share * fine[:, :height, :width] / 255)
    layers: list[Layer] = [
        type(mixed)(mixed.pixels, mixed.extent, smooth=False),
        Grid(rows, columns, extent, color, 0.7, 0.5, group="cell"),
        Boxes(cell, st.FOCUS, 2.5, group="cell", ids=torch.tensor([result.state.row * columns + result.state.column])),
        Boxes(of.box[None], st.GROUND_TRUTH, 2.2, dashed=True),
    ]
    channel = "all channels together" if result.state.channel == STRENGTH else f"channel {result.state.channel}"
    return Panel(
        "picture", fit((height, width), 10, 30, 440), (0, 0, width, height), layers, f"{name}, {result.state.stage}: {channel}",
        f"{rows} × {columns} cells; click one, or take the arrow keys", color, keys=True,
        alt=f"The map {name}, {result.state.stage}, {channel}, over the picture; cell ({result.state.row}, {result.state.column}) is framed",
    )  # fmt: skip


def _stages(result: Result, of: Story) -> list[Panel]:
    """Lateral + top-down = both → smoothed, on one scale."""
    height, width = of.resized.shape[1:]
    panels = []
    for number, stage in enumerate(STAGES):
        place = fit((height, width), 474 + (number % 2) * 164, 30 + (number // 2) * 172, 152)
        values = result.stages[stage]
        color = st.INK if stage == result.state.stage else st.FAINT
        whole = torch.tensor([[0.0, 0, width, height]])
        layers: list[Layer] = [Boxes(whole, st.FAINT, 0, fill=0.5, group="stage", ids=torch.tensor([number]))]
        if values is None:
            words, caption = "nothing comes from above" if result.state.level == 3 else "pool is a part of P5", "–"
            layers.append(Words(torch.tensor([[width / 2, height / 2]]), [words], st.MUTED, 10.5, "center"))
        else:
            layers = [*_map_layers(result, values, of, cells=False), *layers[1:]]
            layers.append(Boxes(whole, st.FAINT, 0, fill=1, alpha=0, group="stage", ids=torch.tensor([number])))
            caption = f"this cell: {_number(result.values[stage])}"
        title = ("lateral: 1×1", "+ top-down", "= both", "→ smoothed: 3×3")[number]
        panels.append(
            Panel(stage, place, (0, 0, width, height), layers, title, caption, color,
                  alt=f"The stage {stage}" + ("" if values is not None else f": {words}"))
        )  # fmt: skip
    return panels


def _levels(result: Result, of: Story) -> list[Panel]:
    """The object on each level's output."""
    reach = 0.9 * float((of.box[2:] - of.box[:2]).max())
    x, y = ((of.box[:2] + of.box[2:]) / 2).tolist()
    view = (x - reach, y - reach, x + reach, y + reach)
    panels = []
    for level, values in enumerate(result.levels):
        place = (10 + level * 158.0, 412, 104.0, 104.0)
        extent = covered(values.shape, of)
        touch = Boxes(torch.tensor([view]), st.FAINT, 0, fill=1, alpha=0, group="level", ids=torch.tensor([level]))
        layers: list[Layer] = [
            heat(values, extent), Grid(values.shape[0], values.shape[1], extent, st.PAPER, 0.5, 0.35), Boxes(of.box[None], st.GROUND_TRUTH, 1.8, dashed=True), touch,
        ]  # fmt: skip
        if result.source is not None and level == result.state.level + 1:
            layers.insert(2, Boxes(torch.tensor([_cell(*result.source, values.shape, of)]), st.FOCUS, 2))
        name = LEVELS[level]
        cells = (of.box[2] - of.box[0]) / (extent[2] / values.shape[1])
        frame = st.INK if level == result.state.level else st.LEVELS[name]
        panels.append(
            Panel(
                f"on_{name}",
                place,
                view,
                layers,
                f"{name}: {cells:.1f} cells wide",
                "",
                frame,
                alt=f"The object on {name}, {cells:.1f} cells wide",
            )
        )
    return panels


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _formula(result: Result) -> list[Line]:
    state, values = result.state, {stage: _number(value) for stage, value in result.values.items()}
    name, color = LEVELS[state.level], st.LEVELS[LEVELS[state.level]]
    where = f"{name}, cell ({state.row}, {state.column})"
    cell = f"cell:{state.row * result.levels[state.level].shape[1] + state.column}"
    smoothed = Term(values["smoothed"], cell, color)
    if state.channel == STRENGTH:
        return [[f"{where}: root mean square over all channels, after smoothing: ", smoothed]]
    if result.source is not None:
        line: list[Any] = [
            f"{where}: lateral ",
            Term(values["lateral"], cell, color),
            " + top-down ",
            Term(values["top-down"], cell, color),
        ]
        return [[*line, " = ", Term(values["both"], cell, color), ";  3×3 over all channels → ", smoothed]]
    if state.level == 3:
        return [[f"{where}: lateral ", Term(values["lateral"], cell, color), ";  3×3 over all channels → ", smoothed]]
    return [[f"{where} = P5, cell ({2 * state.row}, {2 * state.column}) = ", smoothed]]


def _words(result: Result, of: Story) -> list[str]:
    state, name = result.state, LEVELS[result.state.level]
    if state.level == 4:
        return ["pool is no map of its own: every second row and column of P5, for the largest anchors."]
    words = {
        "lateral": f"C{2 + state.level} with a 1×1 convolution: what this level sees itself, sharp, but with little meaning.",
        "top-down": f"P{3 + state.level}'s sum, each cell copied to four: it knows more, and knows it only coarsely.",
        "both": "Sharp edges from the left, meaning from above: their plain sum.",
        "smoothed": f"A 3×3 convolution over the sum: this is {name}, what RPN and RoIAlign see.",
    }[state.stage]
    if state.level == 3:
        words += " Nothing comes down to the coarsest map, so its lateral is its sum."
    if result.source is not None:
        words += f" From above, cell ({state.row}, {state.column}) gets a copy of cell {result.source} of P{3 + state.level}."
    return [words]
