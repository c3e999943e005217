"""Where the anchors of a level are placed: the panels."""

import torch

from frcnn_edu.lessons.board.formula import Line, Piece, Term
from frcnn_edu.lessons.board.scene import (
    Axis,
    Boxes,
    Grid,
    Layer,
    Lines,
    Panel,
    Points,
    Rect,
    Scene,
    fit,
    is_part,
    photo,
    segments,
    window,
)
from frcnn_edu.lessons.story import Story
from frcnn_edu.ops import box_area, clip_boxes_to_image
from frcnn_edu.viz import style as st

from .result import LEVELS, Result


def draw(result: Result, of: Story) -> Scene:
    """The padded image with the grid, a close-up of the cell, and the drift over columns and rows."""
    return Scene(512, [_picture(result, of), _near(result, of), _drift(result)], _formula(result), _words(result))


def _color(result: Result) -> str:
    return st.LEVELS[LEVELS[result.state.level]]


def _photo(result: Result, of: Story, dim: float) -> Layer:
    """The resized image (it is enlarged for drawing only) over the pixels that it has in the network."""
    picture = photo(of.resized, dim=dim)
    height, width = result.image
    return type(picture)(picture.pixels, (0, 0, width, height), keep=True, smooth=True)


def _anchors(result: Result) -> list[Layer]:
    ids = torch.arange(3)
    chosen = result.ours[[result.state.shape]]
    return [
        Boxes(result.ours, st.ANCHOR, 2.4, group="anchor", ids=ids),
        Boxes(chosen, st.INK, 5.5, halo=False),
        Boxes(chosen, st.FOCUS, 3, halo=False),
        Points(torch.tensor([result.point], dtype=torch.float32), st.ANCHOR, 5, group="point"),
    ]


def _picture(result: Result, of: Story) -> Panel:
    (rows, columns), (high, wide) = result.grid, result.padded
    extent = (0.0, 0.0, float(columns * result.true), float(rows * result.true))
    cell = result.state.row * columns + result.state.column
    x, y = result.state.column * result.true, result.state.row * result.true
    own = torch.tensor([[x, y, x + result.true, y + result.true]], dtype=torch.float32)
    # A line of the grid for every cell of the map; the padding is the part of the panel outside the image.
    layers: list[Layer] = [
        Boxes(torch.tensor([[0.0, 0, wide, high]]), st.FAINT, 0, fill=1),
        _photo(result, of, 0.25),
        Boxes(result.faint, st.ANCHOR, 0.7, alpha=0.18 if len(result.faint) <= 300 else 0.08, halo=False),
        Grid(rows, columns, extent, _color(result), 0.8, 0.9 if columns <= 80 else 0.35, group="cell"),
        Boxes(own, _color(result), 2.2, fill=0.35, group="cell", ids=torch.tensor([cell])),
        *_anchors(result),
    ]
    name = LEVELS[result.state.level]
    padded = "not padded" if (high, wide) == result.image else f"padded (grey) to {high}×{wide}"
    caption = f"{result.image[0]}×{result.image[1]} pixels, {padded} · {name}: {_cells(rows, columns)}"
    if result.state.all and result.every > 1:
        caption += f"\nfaint: the anchors of every {_ordinal(result.every)} row and column"
    elif result.state.all:
        caption += "\nfaint: all anchors of this level"
    view = window((high, wide), own[0])
    if is_part(view, (high, wide)):
        caption += "\na part of the image, around the cell"
    return Panel(
        "picture", fit(view, 10, 30, 520), view, layers, "Click a cell or use the arrow keys", caption, _color(result), keys=True,
        alt=f"The image{' with its padding' if (high, wide) != result.image else ''} and the {_cells(rows, columns, ' by ')} of "
        f"{name}; cell ({result.state.row}, {result.state.column}) is filled, and its three anchors are drawn",
    )  # fmt: skip


def _near(result: Result, of: Story) -> Panel:
    """The cell and its neighbours over the image, and the point where its anchors are centred."""
    true, (drift_x, drift_y) = result.true, result.drift
    left, top = result.state.column * true, result.state.row * true
    reach = max(1.6 * true, 1.3 * max(drift_x, drift_y))
    view: Rect = (left + true / 2 - reach, top + true / 2 - reach, left + true / 2 + reach, top + true / 2 + reach)
    rows, columns = result.grid
    own = torch.tensor([[left, top, left + true, top + true]], dtype=torch.float32)
    layers: list[Layer] = [
        _photo(result, of, 0.25),
        Grid(rows, columns, (0, 0, columns * true, rows * true), _color(result), 1, 0.8),
        Boxes(own, _color(result), 2.5, fill=0.35),
        *_anchors(result),
    ]
    if drift_x or drift_y:
        layers.append(Lines(segments([left, result.point[0]], [top, result.point[1]]), st.INK, 2.2, arrow=True))
        way = " and ".join(f"{_pixels(n)} {to}" for n, to in ((drift_x, "to the left"), (drift_y, "up")) if n)
        caption = f"The arrow leads from the cell’s corner\nto the centre of its anchors,\n{way}."
    else:
        caption = "Its anchors are centred on its upper left\ncorner, not on its centre."
    return Panel(
        "near",
        (552, 30, 238, 238),
        view,
        layers,
        "Close-up of the cell",
        caption,
        _color(result),
        alt="A close-up of the cell. " + caption.replace("\n", " "),
    )


def _ordinal(number: int) -> str:
    if number in (2, 3):
        return ("second", "third")[number - 2]
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _pixels(number: int) -> str:
    return f"{number} pixel{'' if number == 1 else 's'}"


def _cells(rows: int, columns: int, times: str = "×") -> str:
    return f"{rows}{times}{columns} cell{'' if rows * columns == 1 else 's'}"


def _drift(result: Result) -> Panel:
    """The drift of each column and of each row."""
    layers: list[Layer] = []
    ends = []  # the largest drift over the columns, and over the rows
    for axis, dashed in ((1, False), (0, True)):
        steps = torch.arange(result.grid[axis])
        lost = steps * (result.true - result.stride[axis])
        ends.append(int(lost.max()))
        layers.append(Lines(torch.stack((steps, lost), dim=1)[None].float(), _color(result), 2.5, dashed))
        place = (result.state.row, result.state.column)[axis]
        layers.append(
            Points(torch.tensor([[float(place), float(lost[place])]]), st.ANCHOR, 5, "square" if dashed else "dot")
        )
    last, most = max(result.grid) - 1, max(1, *ends)
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100) if most / s <= 3)
    ticks = [k * step for k in range(int(most / step) + 1)]
    whole = [0, last // 2, last] if last > 1 else [0, last]
    wide = max(last, 1)  # with room for the marks at both ends
    return Panel(
        "drift", (592, 375, 198, 80), (-0.03 * wide, 1.15 * most, 1.03 * wide, -0.08 * most), layers, "Drift in pixels",
        "over columns (line, dot)\nand rows (dashed, square)", x_axis=Axis("", whole, [str(k) for k in whole], False),
        y_axis=Axis("", ticks, [str(k) for k in ticks]), alt=_grown(*ends),
    )  # fmt: skip


def _grown(over_columns: int, over_rows: int) -> str:
    """The drift at the end of the columns and of the rows, in a sentence."""
    drifts = [(over_columns, "columns"), (over_rows, "rows")]
    grown = [f"to {_pixels(drift)} over the {name}" for drift, name in drifts if drift]
    if not grown:
        return "There is no drift: all anchors are centred on the corners of their cells"
    none = [name for drift, name in drifts if not drift]
    return f"The drift grows {' and '.join(grown)}" + "".join(f"; there is none over the {name}" for name in none)


def _formula(result: Result) -> list[Line]:
    state, (high, wide), (rows, columns) = result.state, result.padded, result.grid
    lines: list[Line] = []
    for name, padded, cells, stride in (("y", high, rows, result.stride[0]), ("x", wide, columns, result.stride[1])):
        line: list[Piece] = [f"stride {name} = {padded} // {cells} = ", Term(str(stride), "point", st.ANCHOR)]
        if stride != result.true and cells > 1:
            line.append(f", but the next cell is {result.true} pixels away")
        lines.append(line)
    numbers = [
        "(" + ", ".join(f"{value:.0f}" for value in box.tolist()) + ")"
        for box in (result.base[state.shape], result.ours[state.shape])
    ]
    lines.append(
        [f"anchor = ({state.column} · {result.stride[1]}, {state.row} · {result.stride[0]}) + {numbers[0]} = ".replace("-", "−"),
         Term(numbers[1].replace("-", "−"), f"anchor:{state.shape}", st.ANCHOR)]
    )  # fmt: skip
    return lines


def _words(result: Result) -> list[str]:
    (rows, columns), (drift_x, drift_y) = result.grid, result.drift
    name, height, width = LEVELS[result.state.level], *result.image
    alone = rows * columns == 1
    words = f"Level {name} has {_cells(rows, columns)} with three anchors" + (
        ". " if alone else f" each, {3 * rows * columns} in all. "
    )
    if drift_x or drift_y:
        far = " and ".join(
            f"{_pixels(drift)} {way}" for drift, way in ((drift_x, "too far left"), (drift_y, "too high")) if drift
        )
        return [
            words
            + "The number of cells is rounded up and the stride is rounded down, so the error grows from cell to cell. "
            + f"Here the anchors are {far}."
        ]
    # With a single row or column, a stride that is too short moves nothing.
    short = [axis for axis in (0, 1) if result.stride[axis] != result.true and result.grid[axis] > 1]
    if short:
        which = "Both strides are" if len(short) == 2 else f"Stride {'yx'[short[0]]} is"
        way = " and ".join(("down", "to the right")[axis] for axis in short)
        return [words + f"{which} too short, but this cell has no error yet: go {way}."]
    anchor = result.ours[[result.state.shape]]
    inside = float(box_area(clip_boxes_to_image(anchor, (height, width))) / box_area(anchor))
    if not alone:
        words += f"Neighbouring cells are {result.true} pixels apart, and so are their anchors. "
    if inside in (0, 1):
        return [words + f"The selected anchor is entirely {'inside' if inside else 'outside'} the image."]
    percent = min(max(round(100 * inside), 1), 99)  # not all of it, and not none
    return [words + f"The selected anchor has {percent} % of its area inside the image."]
