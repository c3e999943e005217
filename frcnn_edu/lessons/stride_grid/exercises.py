"""Checkers for notebook 05: anchors on every location."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape
from frcnn_edu.model import AnchorGenerator

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
    return "The list carries no labels: the order level → y → x → anchor is an agreement between the generator and the head."


def _explain(got: Tensor, right: Tensor, base: Tensor, grid: Grid, stride: Grid) -> None:
    rows, columns = grid
    cells = right.view(rows, columns, -1, 4)
    half = torch.tensor([stride[1], stride[0], stride[1], stride[0]]) / 2
    wrong = {
        "Your anchors stand in the middles of the cells. torchvision's stand on their upper left corners: the first "
        "location is (0, 0).": (right + half, right + half.floor()),
        "Columns come one after another in your list; it should be rows: y is the outer loop, x the inner one.": (
            cells.transpose(0, 1).reshape(-1, 4),
        ),
        "Your list has all locations of the first base anchor, then all of the second. The anchors of one cell belong "
        "together: the innermost loop is the one over base anchors.": (cells.permute(2, 0, 1, 3).reshape(-1, 4),),
        "The two strides are swapped: (down, across) says how far apart the rows are, then the columns.": (
            _right_grid(base, grid, (stride[1], stride[0])),
        ),
        "x and y are swapped: the column moves x, the row moves y. A box is moved by (x, y, x, y).": (
            right[:, [1, 0, 3, 2]],
            (right - base.repeat(rows * columns, 1))[:, [1, 0, 3, 2]] + base.repeat(rows * columns, 1),
        ),
        "Only one corner is moved, so the boxes grow: add (x, y) to both corners.": (
            torch.cat((right[:, :2], base.repeat(rows * columns, 1)[:, 2:]), dim=1),
        ),
    }
    for message, candidates in wrong.items():
        expect(not any(torch.equal(got, candidate) for candidate in candidates), message)
    index = int((got != right).any(dim=1).nonzero()[0])
    cell, _ = divmod(index, len(base))
    expect(
        False,
        f"Anchor {index} (row {cell // columns}, column {cell % columns}) should be {right[index].tolist()}, yours is "
        f"{got[index].tolist()}.",
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
    return "Back from the list to the map: that is how one finds out which cell of which level made a detection."


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
    said = f"Anchor {index} of {grids} with {per_location} at a location is {right}; yours is {place}."
    hints = {
        "Levels count from 0.": (level + 1, row, column, shape),
        "Row and column are swapped.": (level, column, row, shape),
        "The index counts anchors, not cells: divide by the anchors at a location first.": (
            level, *divmod(inside, columns), shape,
        ),
        "A row has as many cells as there are columns: divide by the columns, not by the rows.": (
            level, *divmod(inside // per_location, rows), shape,
        ),
        "Subtract the anchors of the levels before this one first.": (
            level, *divmod(index // per_location, columns), shape,
        ),
        "The anchors of one cell lie together: the shape is the remainder, not the quotient.": (
            level, *divmod(inside % (rows * columns), columns), inside // (rows * columns),
        ),
    }  # fmt: skip
    for hint, wrong in hints.items():
        expect(place != wrong, f"{hint} {said}")
    expect(place[0] == level, f"The level is wrong: level {level} begins at {starts[level]}. {said}")
    expect(False, said)


@checker
def number_of_anchors(answer: Callable[[int, int], int]) -> str:
    """`answer(height, width)` returns the number of anchors of the full-size model for a padded batch of that size."""
    for height, width in ((128, 128), (800, 1088), (832, 1344), (32, 32)):
        cells = [(height // stride) * (width // stride) for stride in (4, 8, 16, 32)]
        pool = [-(-height // 64) * -(-width // 64), (height // 64) * (width // 64)]
        right = 3 * (sum(cells) + pool[0])
        got = answer(height, width)
        said = f"A batch of {height}×{width} has {right:,} anchors, you say {got:,}."
        hints = {
            "`pool` takes every second row and column of P5, the first included, so an odd number is rounded up: 25 rows "
            "become 13.": 3 * (sum(cells) + pool[1]),
            "There are five levels: `pool` is missing.": 3 * sum(cells),
            "A location has three anchors, one size in three ratios; 15 is the sum over the levels.": 5 * right,
            "Those are the locations; each has three anchors.": right // 3,
        }
        for hint, wrong in hints.items():
            expect(got != wrong or wrong == right, f"{hint} {said}")
        expect(got == right, said)
    return "Anchors grow with the area of the image, and three of four stand on the finest level."
