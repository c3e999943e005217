"""The panels of the pyramid's explorer."""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from frcnn_edu.lessons.board.formula import signed
from frcnn_edu.lessons.board.scene import (
    Boxes,
    Grid,
    Layer,
    Panel,
    Picture,
    Rect,
    Scene,
    Words,
    fit,
    heat,
    pixels_of,
    window,
)
from frcnn_edu.lessons.story import Story
from frcnn_edu.viz import style as st

from .result import LEVELS, STAGES, STRENGTH, Result, cell_size, covered
from .words import formula, words


def draw(result: Result, of: Story) -> Scene:
    """The map over the image, the four stages, and the object on all levels."""
    panels = [_picture(result, of), *_stages(result, of), *_levels(result, of)]
    return Scene(552, panels, formula(result, of), [words(result, of)])


def _view(of: Story) -> Rect:
    """The image, or a part of a very long one around the object."""
    height, width = of.resized.shape[1:]
    return window((height, width), of.box)


def _range(result: Result) -> tuple[float, float]:
    """One colour scale for all stages of the level and channel, so that they can be compared."""
    shown = [values for values in result.stages.values() if values is not None]
    return min(float(v.min()) for v in shown), max(float(v.max()) for v in shown)


def _cell(row: int, column: int, shape: torch.Size, of: Story) -> Tensor:
    """The cell as a box (1, 4) in pixels of the resized image."""
    side = cell_size(shape, of)
    return torch.tensor([[column * side, row * side, (column + 1) * side, (row + 1) * side]])


def _chosen(result: Result, shape: torch.Size, of: Story, width: float) -> Boxes:
    """The chosen cell; it lights up in every panel."""
    row, column = result.state.row, result.state.column
    ids = torch.tensor([row * shape[1] + column])
    return Boxes(_cell(row, column, shape, of), st.FOCUS, width, group="cell", ids=ids)


def _picture(result: Result, of: Story) -> Panel:
    values = result.stages[result.state.stage]
    assert values is not None  # the state is legal
    name, color = LEVELS[result.state.level], st.LEVELS[LEVELS[result.state.level]]
    rows, columns = values.shape
    extent = covered(values.shape, of)
    layers: list[Layer] = [
        _mixed(heat(values, extent, *_range(result)), result.state.overlay, of),
        Grid(rows, columns, extent, color, 0.7, 0.5, group="cell"),
        _chosen(result, values.shape, of, 2.5),
        Boxes(of.box[None], st.GROUND_TRUTH, 2.2, dashed=True),
    ]
    view = _view(of)
    channel = "all channels together" if result.state.channel == STRENGTH else f"channel {result.state.channel}"
    what = name if result.state.level == 4 else f"{name}, {result.state.stage}"
    return Panel(
        "picture", fit(view, 10, 30, 440), view, layers, f"{what}: {channel}",
        f"{rows}×{columns} cells: click one or use the arrow keys · dark: low values, bright: high values", color, keys=True,
        alt=f"The map {what}, {channel}, over the image; cell ({result.state.row}, {result.state.column}) is framed",
    )  # fmt: skip


@lru_cache(maxsize=8)
def _mixed(over: Picture, share: float, of: Story) -> Picture:
    """The image with a share of a map over it. Mixed here, not in the browser, in pixels of the image, so that edges stay sharp."""
    height, width = of.resized.shape[1:]
    size = (int(over.extent[3]), int(over.extent[2]))
    fine = F.interpolate(over.pixels.permute(2, 0, 1)[None].float(), size=size, mode="nearest")[0]
    mixed = (1 - share) * of.resized + share * fine[:, :height, :width] / 255
    return Picture(pixels_of(mixed), (0, 0, width, height))


def _titles(result: Result) -> tuple[str, ...]:
    """Titles of the four stages: one channel is a sum, the strength is not; pool has no convolution."""
    name = LEVELS[result.state.level]
    if result.state.level == 4:
        return ("lateral", "top-down", "both", "every 2nd cell of P5")
    if result.state.channel == STRENGTH:
        return ("lateral: 1×1", "top-down", "both", f"smoothed, 3×3: {name}")
    return ("lateral: 1×1", "+ top-down", "= both", f"→ smoothed, 3×3: {name}")


def _stages(result: Result, of: Story) -> list[Panel]:
    """Lateral + top-down = both → smoothed, on one colour scale."""
    height, width = of.resized.shape[1:]
    whole = torch.tensor([[0.0, 0, width, height]])
    view = _view(of)
    panels = []
    for index, (stage, title) in enumerate(zip(STAGES, _titles(result), strict=True)):
        place = fit(view, 474 + (index % 2) * 164, 30 + (index // 2) * 172, 152)
        values, ids = result.stages[stage], torch.tensor([index])
        if values is None:
            said, caption = "P5 has no level above it" if result.state.level == 3 else "pool is a part of P5", "–"
            layers: list[Layer] = [
                Boxes(whole, st.FAINT, 0, fill=0.5, group="stage", ids=ids),
                Words(
                    torch.tensor([[(view[0] + view[2]) / 2, (view[1] + view[3]) / 2]]), [said], st.INK, 10.5, "center"
                ),
            ]
        else:
            extent, caption = covered(values.shape, of), f"this cell: {signed(result.values[stage])}"
            layers = [
                heat(values, extent, *_range(result)),
                # Invisible, so that a cell lights up here as well.
                Grid(values.shape[0], values.shape[1], extent, alpha=0, group="cell"),
                _chosen(result, values.shape, of, 2.2),
                Boxes(of.box[None], st.GROUND_TRUTH, 1.6, dashed=True),
                Boxes(whole, st.FAINT, 0, fill=1, alpha=0, group="stage", ids=ids),
            ]
        frame = st.INK if stage == result.state.stage else st.FAINT
        alt = f"The stage {stage}" + (f": {said}" if values is None else "")
        panels.append(Panel(stage, place, view, layers, title, caption, frame, alt=alt))
    return panels


def _levels(result: Result, of: Story) -> list[Panel]:
    """The object on the last map of each level."""
    reach = 0.9 * float((of.box[2:] - of.box[:2]).max())
    x, y = ((of.box[:2] + of.box[2:]) / 2).tolist()
    view = (x - reach, y - reach, x + reach, y + reach)
    source = None if result.source is None else 3 if result.state.level == 4 else result.state.level + 1
    panels = []
    for level, (name, values) in enumerate(zip(LEVELS, result.levels, strict=True)):
        extent = covered(values.shape, of)
        layers: list[Layer] = [
            heat(values, extent),
            Grid(values.shape[0], values.shape[1], extent, st.PAPER, 0.5, 0.35),
            Boxes(of.box[None], st.GROUND_TRUTH, 1.8, dashed=True),
            Boxes(torch.tensor([view]), st.FAINT, 0, fill=1, alpha=0, group="level", ids=torch.tensor([level])),
        ]
        if level == result.state.level:
            layers.append(_chosen(result, values.shape, of, 2))
        if level == source and result.source is not None:
            row, column = result.source
            ids = torch.tensor([row * values.shape[1] + column])
            cell = _cell(row, column, values.shape, of)
            layers.append(Boxes(cell, st.FOCUS, 2, True, group="source", ids=ids))
            layers.append(Boxes(cell, st.FOCUS, 0, fill=1, alpha=0, group="source", ids=ids))
        wide, high = ((of.box[2:] - of.box[:2]) / cell_size(values.shape, of)).tolist()
        frame = st.INK if level == result.state.level else st.LEVELS[name]
        title = f"{name}: {high:.1f}×{wide:.1f} cells"
        caption = (
            ""
            if level
            else "each map has its own colour scale, from minimum to maximum · dashed yellow: the source of the chosen cell’s value"
        )
        place = (10 + level * 158.0, 412, 104.0, 104.0)
        panels.append(Panel(f"on_{name}", place, view, layers, title, caption, frame, alt=f"The object on {title}"))
    return panels
