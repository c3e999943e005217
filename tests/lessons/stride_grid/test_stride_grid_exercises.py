from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from frcnn_edu.lessons.stride_grid import exercises as check
from frcnn_edu.ops import box_iou

Grid = tuple[int, int]


def shifts(grid: Grid, stride: Grid) -> Tensor:
    """(H, W, 1, 4)"""
    y, x = torch.meshgrid(torch.arange(grid[0]) * stride[0], torch.arange(grid[1]) * stride[1], indexing="ij")
    return torch.stack((x, y, x, y), dim=-1)[:, :, None]


def right_grid(base: Tensor, grid: Grid, stride: Grid) -> Tensor:
    return (shifts(grid, stride) + base).reshape(-1, 4)


def middles(base: Tensor, grid: Grid, stride: Grid) -> Tensor:
    return right_grid(base, grid, stride) + torch.tensor([stride[1], stride[0]] * 2) / 2


GRID_MISTAKES: dict[str, tuple[Callable[[Tensor, Grid, Grid], Tensor], str]] = {
    "half a stride": (middles, "centred in the cells"),
    "columns first": (
        lambda b, g, s: (shifts(g, s) + b).transpose(0, 1).reshape(-1, 4),
        "goes down the columns",
    ),
    "anchors outermost": (
        lambda b, g, s: (shifts(g, s) + b).permute(2, 0, 1, 3).reshape(-1, 4),
        "the anchors of one cell belong together",
    ),
    "strides swapped": (lambda b, g, s: right_grid(b, g, (s[1], s[0])), "The two strides are swapped"),
    "x and y swapped": (
        lambda b, g, s: (shifts(g, s)[..., [1, 0, 3, 2]] + b).reshape(-1, 4),
        "x and y are swapped",
    ),
    "one corner": (
        lambda b, g, s: (shifts(g, s) * torch.tensor([1, 1, 0, 0]) + b).reshape(-1, 4),
        "You move only one corner",
    ),
    "something else": (lambda b, g, s: right_grid(b, g, s) + 1, "Anchor 0 (row 0, column 0) should be"),
    "not flattened": (lambda b, g, s: shifts(g, s) + b, "should have shape (8, 4)"),
}


@pytest.mark.parametrize("name", GRID_MISTAKES)
def test_mistakes_with_the_grid_are_named(name: str) -> None:
    answer, message = GRID_MISTAKES[name]
    verdict = check.grid_anchors(answer)
    assert not verdict
    assert message in verdict.message


def locate(
    index: int, grids: Sequence[Grid], per_location: int, divide_by: str = "columns"
) -> tuple[int, int, int, int]:
    for level, (rows, columns) in enumerate(grids):
        count = rows * columns * per_location
        if index < count:
            if divide_by == "anchors outermost":
                shape, cell = divmod(index, rows * columns)
            else:
                cell, shape = divmod(index, per_location)
            return (level, *divmod(cell, rows if divide_by == "rows" else columns), shape)
        index -= count
    raise IndexError


Place = tuple[int, int, int, int]


def swapped(index: int, grids: Sequence[Grid], per_location: int) -> Place:
    level, row, column, shape = locate(index, grids, per_location)
    return level, column, row, shape


def cells_as_anchors(index: int, grids: Sequence[Grid], per_location: int) -> Place:
    level, row, column, shape = locate(index, grids, per_location)
    columns = grids[level][1]
    return (level, *divmod((row * columns + column) * per_location + shape, columns), shape)


def not_subtracted(index: int, grids: Sequence[Grid], per_location: int) -> Place:
    level, *_, shape = locate(index, grids, per_location)
    return (level, *divmod(index // per_location, grids[level][1]), shape)


LOCATE_MISTAKES: dict[str, tuple[Callable[[int, Sequence[Grid], int], object], str]] = {
    "swapped": (swapped, "Row and column are swapped"),
    "by rows": (lambda i, g, a: locate(i, g, a, "rows"), "divide by the number of columns, not of rows"),
    "anchors outermost": (lambda i, g, a: locate(i, g, a, "anchors outermost"), "the remainder, not the quotient"),
    "cells as anchors": (cells_as_anchors, "The index counts anchors, not cells"),
    "not subtracted": (not_subtracted, "First subtract the number of anchors on the levels before"),
    "levels from 1": (lambda i, g, a: (locate(i, g, a)[0] + 1, *locate(i, g, a)[1:]), "Levels are counted from 0"),
    "three numbers": (lambda i, g, a: locate(i, g, a)[:3], "Return four numbers"),
    "always P2": (lambda i, g, a: (0, *locate(i, g, a)[1:]), "The level is wrong: level 1 begins with anchor 3840"),
}


@pytest.mark.parametrize("name", LOCATE_MISTAKES)
def test_mistakes_with_the_index_are_named(name: str) -> None:
    answer, message = LOCATE_MISTAKES[name]
    verdict = check.location(answer)  # type: ignore[arg-type]
    assert not verdict
    assert message in verdict.message


def best_on_level(
    box: Tensor, base: Tensor, grid: Grid, stride: Grid, mistake: str = "", shape: int | None = None
) -> int:
    (rows, columns), (down, across) = grid, stride
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    if mistake == "swapped":
        x, y = y, x
    near = (lambda place: int(place)) if mistake == "rounded down" else round
    row, column = near(y / down), near(x / across)
    if mistake != "beyond":
        row, column = min(row, rows - 1), min(column, columns - 1)
    anchors = base + torch.tensor([column * across, row * down] * 2)
    best = int(box_iou(box[None], anchors).argmax()) if shape is None else shape
    return (row * columns + column) * len(base) + best


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda *a: best_on_level(*a, mistake="rounded down"), "round to the nearest whole number, not down"),
        (lambda *a: best_on_level(*a, mistake="beyond"), "the nearest whole number can be beyond the last one"),
        (lambda *a: best_on_level(*a, mistake="swapped"), "x and y are swapped"),
        (lambda *a: best_on_level(*a, shape=0), "another of its anchors overlaps the box more"),
        (lambda *a: 10_000, "There are 240 anchors, and you return 10000"),
        (lambda *a: 0, "with an IoU of 0.53; that of your anchor 0 is 0.00"),
        (lambda *a: 1.0, "Return one whole number"),
    ],
)
def test_mistakes_with_the_best_anchor_are_named(answer: Callable[..., object], message: str) -> None:
    verdict = check.best_on_level(answer)  # type: ignore[arg-type]
    assert not verdict
    assert message in verdict.message


def test_the_nearest_location_is_the_best_one() -> None:
    generator = torch.Generator().manual_seed(0)
    base = torch.tensor([[-34.0, -17, 34, 17], [-24, -24, 24, 24], [-17, -34, 17, 34]])
    for grid, stride in (((8, 10), (16, 16)), ((2, 3), (64, 53))):
        corners = torch.rand(50, 2, generator=generator) * torch.tensor([150.0, 110.0])
        sides = 10 + 60 * torch.rand(50, 2, generator=generator)
        for box in torch.cat((corners, corners + sides), dim=1):
            iou = box_iou(box[None], right_grid(base, grid, stride))[0]
            assert iou[best_on_level(box, base, grid, stride)] == pytest.approx(float(iou.max()), abs=1e-6)


def test_right_answers_pass() -> None:
    assert check.grid_anchors(right_grid)
    assert check.location(locate)
    assert check.best_on_level(best_on_level)
    assert check.best_on_level(lambda *a: torch.tensor(best_on_level(*a)))  # type: ignore[arg-type, return-value]


def stub(*arguments: object) -> Tensor:
    raise NotImplementedError


@pytest.mark.parametrize("checker", [check.grid_anchors, check.location, check.best_on_level])
def test_stubs_do_not_pass(checker: Callable[[object], object]) -> None:
    verdict = checker(stub)
    assert not verdict
    assert "no body yet" in repr(verdict)
