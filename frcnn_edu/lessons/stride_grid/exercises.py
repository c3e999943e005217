"""Checkers for notebook 05: anchors at every location."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape
from frcnn_edu.model import AnchorGenerator
from frcnn_edu.ops import box_iou

Grid = tuple[int, int]


def _right_grid(base: Tensor, grid: Grid, stride: Grid) -> Tensor:
    generator = AnchorGenerator(((1,),), ((1.0,),))
    generator.cell_anchors = [base]
    return generator.grid_anchors([grid], [stride])[0]


@checker
def grid_anchors(answer: Callable[[Tensor, Grid, Grid], Tensor]) -> str:
    """`answer(base (A, 4), (rows, columns), (down, across))` returns the anchors (H·W·A, 4) of one level."""
    one = torch.tensor([[-5.0, -5, 5, 5]])
    three = torch.tensor([[-8.0, -4, 8, 4], [-6, -6, 6, 6], [-4, -8, 4, 8]])
    for base, grid, stride in ((one, (2, 4), (7, 7)), (one, (3, 3), (5, 5)), (three, (2, 3), (64, 53))):
        right = _right_grid(base, grid, stride)
        got = answer(base.clone(), grid, stride)
        rows, columns = grid
        expect_shape(got, (len(right), 4), f"For {len(base)} base anchors and {rows}×{columns} cells, what you return")
        got = got.float()
        if not torch.equal(got, right):
            _explain(got, right, base, grid, stride)
    return "The list has no labels, so the generator and the head have to agree on one order: level → y → x → anchor."


def _explain(got: Tensor, right: Tensor, base: Tensor, grid: Grid, stride: Grid) -> None:
    rows, columns = grid
    cells = right.view(rows, columns, -1, 4)
    half = torch.tensor([stride[1], stride[0], stride[1], stride[0]]) / 2
    wrong = {
        "Your anchors are centred in the cells. torchvision centres them on the cells' upper left corners: the first "
        "location is (0, 0).": (right + half, right + half.floor()),
        "Your list goes down the columns, but it should go along the rows: y is the outer loop, and x the inner one.": (
            cells.transpose(0, 1).reshape(-1, 4),
        ),
        "Your list has all locations of the first base anchor, then all of the second. But the anchors of one cell belong "
        "together, so the innermost loop is the one over base anchors.": (cells.permute(2, 0, 1, 3).reshape(-1, 4),),
        "The two strides are swapped: in (down, across), the first is the distance between rows, and the second that between columns.": (
            _right_grid(base, grid, (stride[1], stride[0])),
        ),
        "x and y are swapped: the column determines x, and the row determines y. Add (x, y, x, y) to a box to move it.": (
            right[:, [1, 0, 3, 2]],
            (right - base.repeat(rows * columns, 1))[:, [1, 0, 3, 2]] + base.repeat(rows * columns, 1),
        ),
        "You move only one corner, so the boxes grow. Add (x, y) to both corners.": (
            torch.cat((right[:, :2], base.repeat(rows * columns, 1)[:, 2:]), dim=1),
        ),
    }
    for message, candidates in wrong.items():
        expect(not any(torch.equal(got, candidate) for candidate in candidates), message)
    index = int((got != right).any(dim=1).nonzero()[0])
    cell, _ = divmod(index, len(base))
    expect(
        False,
        f"Anchor {index} (row {cell // columns}, column {cell % columns}) should be {right[index].tolist()}, but yours "
        f"is {got[index].tolist()}.",
    )


@checker
def location(answer: Callable[[int, Sequence[Grid], int], tuple[int, int, int, int]]) -> str:
    """`answer(index, grids, per_location)` returns (level, row, column, shape) of an anchor in the list of all."""
    course = [(32, 40), (16, 20), (8, 10), (4, 5), (2, 3)]
    for grids, per_location in ((course, 3), ([(3, 5), (2, 4)], 2)):
        starts, start = [], 0
        for rows, columns in grids:
            starts.append(start)
            start += rows * columns * per_location
        for index in (0, 1, 7, start // 2, starts[1] - 1, starts[1], *([4942] if start > 4942 else []), start - 1):
            level = max(k for k, first in enumerate(starts) if index >= first)
            rows, columns = grids[level]
            cell, shape = divmod(index - starts[level], per_location)
            right = (level, *divmod(cell, columns), shape)
            _check_place(answer(index, list(grids), per_location), right, index, starts, grids, per_location)
    return "In this way, you can trace any index in the list back to its level and its cell."


def _check_place(
    got: object, right: tuple[int, int, int, int], index: int, starts: list[int], grids: list[Grid], per_location: int
) -> None:
    expect(isinstance(got, tuple | list) and len(got) == 4, "Return four numbers: (level, row, column, shape).")
    place = tuple(int(part) for part in got)  # type: ignore[attr-defined]
    if place == right:
        return
    level, row, column, shape = right
    rows, columns = grids[level]
    inside = index - starts[level]
    said = f"On the grids {grids} with {per_location} anchors per location, anchor {index} is at {right}, but you return {place}."
    hints = {
        "Levels are counted from 0.": (level + 1, row, column, shape),
        "Row and column are swapped.": (level, column, row, shape),
        "The index counts anchors, not cells. First divide by the number of anchors per location.": (
            level, *divmod(inside, columns), shape,
        ),
        "A row has as many cells as there are columns, so divide by the number of columns, not of rows.": (
            level, *divmod(inside // per_location, rows), shape,
        ),
        "First subtract the number of anchors on the levels before this one.": (
            level, *divmod(index // per_location, columns), shape,
        ),
        "The anchors of one cell are neighbours in the list: the shape is the remainder, not the quotient.": (
            level, *divmod(inside % (rows * columns), columns), inside // (rows * columns),
        ),
    }  # fmt: skip
    for hint, wrong in hints.items():
        expect(place != wrong, f"{hint} {said}")
    expect(place[0] == level, f"The level is wrong: level {level} begins with anchor {starts[level]}. {said}")
    expect(False, said)


# (box, base anchors, (rows, columns), (down, across)): each reveals a different likely mistake
BEST_PLACES: tuple[tuple[list[float], list[list[float]], Grid, Grid], ...] = (
    ([83.5, 42, 127.5, 75], [[-34, -17, 34, 17], [-24, -24, 24, 24], [-17, -34, 17, 34]], (8, 10), (16, 16)),
    ([20, 10, 50, 70], [[-34, -17, 34, 17], [-24, -24, 24, 24], [-17, -34, 17, 34]], (8, 10), (16, 16)),
    ([10, 70, 26, 86], [[-8, -8, 8, 8]], (8, 10), (16, 16)),
    ([138, 108, 160, 120], [[-12, -12, 12, 12], [-17, -8, 17, 8]], (4, 5), (32, 32)),
    ([96, 60, 160, 128], [[-40, -40, 40, 40], [-56, -56, 56, 56]], (2, 3), (64, 53)),
)


@checker
def best_on_level(answer: Callable[[Tensor, Tensor, Grid, Grid], int]) -> str:
    """`answer(box (4,), base (A, 4), (rows, columns), (down, across))` returns the index of the level's best anchor."""
    for numbers, anchors, grid, stride in BEST_PLACES:
        box, base = torch.tensor(numbers), torch.tensor(anchors, dtype=torch.float32)
        iou = box_iou(box[None], _right_grid(base, grid, stride))[0]  # (H·W·A,)
        got = answer(box.clone(), base.clone(), grid, stride)
        whole = isinstance(got, int) or (isinstance(got, Tensor) and got.numel() == 1 and not got.is_floating_point())
        expect(whole, f"Return one whole number, the index of an anchor; you return {got!r}.")
        index = int(got)
        if not (0 <= index < len(iou) and iou[index] >= iou.max() - 1e-5):
            _explain_best(index, iou, box, base, grid, stride)
    return "For a given shape, the IoU falls as the centres move apart, so the nearest location is the best one."


def _explain_best(index: int, iou: Tensor, box: Tensor, base: Tensor, grid: Grid, stride: Grid) -> None:
    (rows, columns), (down, across) = grid, stride
    x, y = ((box[:2] + box[2:]) / 2).tolist()

    def anchors_at(row: int, column: int) -> range:
        first = (row * columns + column) * len(base)
        return range(first, first + len(base))

    said = f"The best anchor for {box.tolist()} on a grid of {rows}×{columns} cells with stride {stride} is {int(iou.argmax())}"
    row, column = round(y / down), round(x / across)
    inside = anchors_at(min(row, rows - 1), min(column, columns - 1))
    expect(
        index in inside or index not in anchors_at(row, column),
        f"There are only {rows} rows and {columns} columns, so the nearest whole number can be beyond the last one. {said}.",
    )
    expect(
        index in inside or index not in anchors_at(int(y // down), int(x // across)),
        "Your anchor belongs to the cell that contains the centre of the box. Its anchors are centred on its upper left "
        f"corner, and another cell's corner may be nearer, so round to the nearest whole number, not down. {said}.",
    )
    expect(
        index in inside or index not in anchors_at(min(round(x / down), rows - 1), min(round(y / across), columns - 1)),
        f"x and y are swapped: x and `across` give the column, and y and `down` give the row. {said}.",
    )
    expect(
        index not in inside,
        f"The location is right, but another of its anchors overlaps the box more. {said}.",
    )
    expect(0 <= index < len(iou), f"There are {len(iou)} anchors, and you return {index}. {said}.")
    expect(False, f"{said}, with an IoU of {iou.max():.2f}; that of your anchor {index} is {iou[index]:.2f}.")
