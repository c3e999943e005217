"""One box read from its map: the panels."""

import math

import torch
from torch import Tensor

from frcnn_edu.lessons.board.formula import Line, Piece, Sub, Term, bracketed, signed
from frcnn_edu.lessons.board.scene import (
    Boxes,
    Grid,
    Handle,
    Layer,
    Panel,
    Points,
    Scene,
    Words,
    fit,
    heat,
    photo,
    window,
)
from frcnn_edu.lessons.stages import LEVEL_KEYS
from frcnn_edu.lessons.story import Story
from frcnn_edu.viz import style as st

from ..pictures.main import MIDDLE
from .result import STRENGTH, Result

GRID = 148.0  # side of a pooled grid's panel


def draw(result: Result, of: Story) -> Scene:
    """The box on the image and on the map, and the grids that RoIAlign and RoIPool compute."""
    panels = [_picture(result, of), _map(result), _grid(result, "align"), _grid(result, "pool")]
    height, width = of.resized.shape[1:]
    limits = (0.0, 0.0, float(width), float(height))
    handle = Handle("box", "picture", torch.tensor(result.state.box), st.PROPOSAL, "box", limits)
    return Scene(524, panels, _formula(result), _words(result), [handle])


def _name(result: Result) -> str:
    return st.LEVEL_NAMES[LEVEL_KEYS[result.level]]


def _range(result: Result) -> tuple[float, float]:
    """One scale for the map and both grids."""
    return float(result.values.min()), float(result.values.max())


def _picture(result: Result, of: Story) -> Panel:
    (height, width), (rows, columns) = of.resized.shape[1:], result.values.shape
    cell = 1 / result.scale
    color = st.LEVELS[_name(result)]
    layers: list[Layer] = [photo(of.resized), Grid(rows, columns, (0, 0, columns * cell, rows * cell), color, 0.6, 0.5)]
    view = window((height, width), result.state.box)
    return Panel(
        "picture", fit(view, 10, 30, 310), view, layers, "Drag the box",
        f"grid: cells of {_name(result)}, {cell:g}×{cell:g} pixels", color, alt=f"The image with the box and the cells of {_name(result)}",
    )  # fmt: skip


def _map(result: Result) -> Panel:
    """A close-up of the map: cells, bins, sampling points; a value is drawn at the centre of its cell."""
    place = (340.0, 30.0, 450.0, 432.0)
    view = _view(result, place[2] / place[3])
    rows, columns = result.values.shape
    layers: list[Layer] = [
        heat(result.values, (0, 0, columns, rows), *_range(result)),
        Grid(rows, columns, (0, 0, columns, rows), st.PAPER, 0.6, 0.35),
        *_taken(result),
        Boxes(_bins(result) + MIDDLE, st.PROPOSAL, 0.9, halo=False, group="bin"),
        Boxes(torch.cat((result.box[:2], result.box[:2] + torch.tensor(result.length)))[None] + MIDDLE, st.PROPOSAL, 3),
        *_points(result),
        *_chosen(result, place[3] / (view[3] - view[1])),
    ]
    of_what = "strength of all channels" if result.state.channel == STRENGTH else f"channel {result.state.channel}"
    captions = "orange: the box and its bins · dots: sampling points"
    return Panel(
        "map", place, view, layers, f"On {_name(result)}: {of_what}",
        captions + "\neach value is at the centre of its cell · dashed: RoIPool’s cells", st.LEVELS[_name(result)],
        alt=f"The cells of {_name(result)} around the box, with its bins, its points, and the four cells of the chosen point",
    )  # fmt: skip


def _view(result: Result, ratio: float) -> tuple[float, float, float, float]:
    """The box and two cells around it, in the proportions of the panel."""
    wide, high = result.length
    x, y = float(result.box[0]) + wide / 2 + MIDDLE, float(result.box[1]) + high / 2 + MIDDLE
    across, down = wide + 4, high + 4
    across, down = max(across, down * ratio), max(down, across / ratio)
    return (x - across / 2, y - down / 2, x + across / 2, y + down / 2)


def _bins(result: Result) -> Tensor:
    """All bins in cells, row by row, (size², 4)."""
    size = result.state.size
    wide, high = (length / size for length in result.length)
    row, column = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    x, y = float(result.box[0]) + column.flatten() * wide, float(result.box[1]) + row.flatten() * high
    return torch.stack((x, y, x + wide, y + high), dim=1)


def _taken(result: Result) -> list[Layer]:
    across, down = result.taken
    whole = torch.tensor([[across[0][0], down[0][0], across[-1][1], down[-1][1]]], dtype=torch.float32)
    (x1, x2), (y1, y2) = across[result.state.column], down[result.state.row]
    own = torch.tensor([[x1, y1, x2, y2]], dtype=torch.float32)
    return [Boxes(whole, st.PAPER, 2.4, dashed=True), Boxes(own, st.PAPER, 1.5, dashed=True, fill=0.18)]


def _points(result: Result) -> list[Layer]:
    y, x = torch.meshgrid(result.y, result.x, indexing="ij")
    every = torch.stack((x.flatten(), y.flatten()), dim=1) + MIDDLE
    return [Points(every, st.PAPER, 1.8, group="point")]


def _chosen(result: Result, unit: float) -> list[Layer]:
    """The chosen bin, its point, and the point's cells with their weights; `unit`: page units of a cell."""
    index = result.state.row * result.state.size + result.state.column
    cells, weights, _ = result.samples(result.state.point)
    boxes = torch.tensor([[column, row, column + 1, row + 1] for row, column in cells], dtype=torch.float32)
    px, py = result.point(result.state.point)
    at = torch.tensor([[float(result.x[px]), float(result.y[py])]]) + MIDDLE
    layers: list[Layer] = [
        Boxes(boxes, st.ANCHOR, 2.2, group="cell", ids=torch.arange(4), values={"weight": torch.tensor(weights)}),
        Boxes(_bins(result)[[index]] + MIDDLE, st.FOCUS, 2.8, group="bin", ids=torch.tensor([index])),
        Points(at, st.FOCUS, 5, "ring", group="point", ids=torch.tensor([py * len(result.x) + px])),
    ]
    if unit >= 26:
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        # At the edge of the map, two of the four are the same cell: one number is drawn there.
        shown = {cell: number for number, cell in enumerate(cells)}
        numbers = sorted(shown.values())
        totals = [sum(w for c, w in zip(cells, weights, strict=True) if c == cells[n]) for n in numbers]
        texts = [f"{total:.2f}".lstrip("0") if total < 1 else "1" for total in totals]
        layers.append(Words(middles[numbers], texts, size=11, x="center", chip=st.ANCHOR))
    return layers


def _grid(result: Result, kind: str) -> Panel:
    size, index = result.state.size, result.state.row * result.state.size + result.state.column
    values = result.pooled if kind == "align" else result.max_pooled
    chosen = torch.tensor(
        [[result.state.column, result.state.row, result.state.column + 1, result.state.row + 1]], dtype=torch.float32
    )
    layers: list[Layer] = [
        heat(values, (0, 0, size, size), *_range(result)),
        Grid(size, size, (0, 0, size, size), st.PAPER, 0.6, 0.4, group="bin"),
        Boxes(chosen, st.FOCUS, 2.8, group="bin", ids=torch.tensor([index])),
    ]
    value = signed(float(values[result.state.row, result.state.column]))
    left, title = (10, "RoIAlign") if kind == "align" else (172, "RoIPool")
    return Panel(
        kind, (left, 326, GRID, GRID), (0, 0, size, size), layers, f"{title}: {size}×{size}", f"row {result.state.row}, column {result.state.column}: {value}",
        st.PROPOSAL if kind == "align" else st.FAINT, keys=kind == "align", alt=f"{title}'s grid; the chosen bin holds {value}",
    )  # fmt: skip


def _formula(result: Result) -> list[Line]:
    _, weights, values = result.samples(result.state.point)
    line: list[Piece] = [Sub("v", str(result.state.point)), " = "]
    for number, (weight, value) in enumerate(zip(weights, values, strict=True)):
        line += [" + " if number else "", Term(f"{weight:.2f}", f"cell:{number}", st.ANCHOR), f" · {bracketed(value)}"]
    px, py = result.point(result.state.point)
    point = Term(signed(result.value(result.state.point)), f"point:{py * len(result.x) + px}", st.FOCUS)
    number = result.ratios[0] * result.ratios[1]
    index = result.state.row * result.state.size + result.state.column
    mean: list[Piece] = [f"bin ({result.state.row}, {result.state.column}) = "]
    if number == 1:
        mean += [Sub("v", "0"), " = "]
    elif number <= 4:
        mean += ["(", " + ".join(map(bracketed, [result.value(k) for k in range(number)])), f") / {number} = "]
    else:
        mean.append(f"mean of {number} points = ")
    bin_value = float(result.pooled[result.state.row, result.state.column])
    return [[*line, " ≈ ", point], [*mean, Term(signed(bin_value), f"bin:{index}", st.PROPOSAL)]]


def _words(result: Result) -> list[str]:
    (wide, high), size, number = result.length, result.state.size, result.ratios[0] * result.ratios[1]
    words = f"A bin covers {high / size:.2f}×{wide / size:.2f} cells and is read at {number} point{'' if number == 1 else 's'}. "
    if result.state.channel == STRENGTH:
        words += "The strength is read here as if it were a channel. "
    px, py = result.point(result.state.point)
    rows, columns = result.values.shape
    x, y = float(result.x[px]), float(result.y[py])
    if not (-1 <= x <= columns and -1 <= y <= rows):
        return [words + "This point is more than one cell away from the centre of the nearest cell, so its value is 0."]
    if min((result.box[2:] - result.box[:2]).tolist()) < 1 and not result.state.aligned:
        return [
            words
            + "A side shorter than one cell is extended to one cell, as in the first version of RoIAlign; torchvision still does this."
        ]
    if result.state.aligned:
        return [
            words
            + "With “aligned”, the box is shifted by half a cell, up and to the left, so that a cell’s value belongs to the centre of its pixels."
        ]
    moved = max(abs(math.floor(float(v) + 0.5) - float(v)) for v in torch.tensor(result.state.box) * result.scale)
    if moved < 0.005:
        ends = torch.tensor([cells[-1][1] for cells in result.taken])
        more = (
            "one more cell, and "
            if bool((ends > (torch.tensor(result.state.box) * result.scale)[2:] + 0.01).any())
            else ""
        )
        return [
            words
            + f"The corners are whole numbers of cells, so RoIPool does not change them, but it takes {more}the largest value of each bin."
        ]
    return [
        words
        + f"RoIPool rounds the corners to whole cells, here by up to {moved:.2f} cells or {moved / result.scale:.1f} pixels; RoIAlign rounds nothing."
    ]
