"""The checkers of notebook 06 know a right answer, and name the likely mistakes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from frcnn_edu.lessons.rpn_head import exercises as check


def stub(*args: Any) -> Any:
    raise NotImplementedError


@pytest.mark.parametrize("checker", [check.predictions_in_one_list, check.location, check.predictions_of_one_cell])
def test_stub_is_not_yet_right(checker: Callable[[Any], Any]) -> None:
    assert not checker(stub)
    assert "no body yet" in checker(stub).message


def one_list(maps: list[Tensor], k: int) -> Tensor:
    return torch.cat([m.permute(0, 2, 3, 1).reshape(len(m), -1, k) for m in maps], dim=1).reshape(-1, k)


def test_right_list() -> None:
    assert check.predictions_in_one_list(one_list)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda maps, k: torch.cat([m.reshape(len(m), -1, k) for m in maps], dim=1).reshape(-1, k), "channels last"),
        (
            lambda maps, k: torch.cat(
                [m.permute(0, 3, 2, 1).reshape(len(m), -1, k) for m in maps], dim=1
            ).reshape(-1, k),
            "down the columns",
        ),
        (
            lambda maps, k: torch.cat(
                [m.unflatten(1, (k, -1)).permute(0, 3, 4, 2, 1).reshape(len(m), -1, k) for m in maps], dim=1
            ).reshape(-1, k),
            "anchor by anchor",
        ),
        (lambda maps, k: torch.cat([m.permute(0, 2, 3, 1).reshape(-1, k) for m in maps]), "outermost"),
        (lambda maps, k: one_list(maps, k).flip(0), "another order"),
        (lambda maps, k: one_list(maps, k).flatten(), "shape"),
        (lambda maps, k: None, "tensor"),
    ],
    ids=["reshape only", "x first", "number first", "level first", "backwards", "flat", "none"],
)  # fmt: skip
def test_wrong_list(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.predictions_in_one_list(wrong)
    assert not verdict
    assert says in verdict.message


def place(index: int, grids: list[tuple[int, int]], anchors: int) -> tuple[int, int, int, int]:
    level = 0
    while index >= grids[level][0] * grids[level][1] * anchors:
        index -= grids[level][0] * grids[level][1] * anchors
        level += 1
    cell, anchor = divmod(index, anchors)
    return level, *divmod(cell, grids[level][1]), anchor


def exchanged(index: int, grids: list[tuple[int, int]], anchors: int) -> tuple[int, int, int, int]:
    level, row, column, anchor = place(index, grids, anchors)
    return level, column, row, anchor


def first_level_only(index: int, grids: list[tuple[int, int]], anchors: int) -> tuple[int, int, int, int]:
    cell, anchor = divmod(index, anchors)
    return 0, *divmod(cell, grids[0][1]), anchor


def cells_first(index: int, grids: list[tuple[int, int]], anchors: int) -> tuple[int, int, int, int]:
    level, *_ = place(index, grids, anchors)
    rows, columns = grids[level]
    index -= sum(r * c * anchors for r, c in grids[:level])
    anchor, cell = divmod(index, rows * columns)
    return level, *divmod(cell, columns), anchor


def rows_for_columns(index: int, grids: list[tuple[int, int]], anchors: int) -> tuple[int, int, int, int]:
    level, row, column, anchor = place(index, grids, anchors)
    return level, *divmod(row * grids[level][1] + column, grids[level][0]), anchor


def test_right_place() -> None:
    assert check.location(place)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (exchanged, "exchanged"),
        (first_level_only, "levels before"),
        (cells_first, "varies fastest"),
        (rows_for_columns, "number of *columns*"),
        (lambda index, grids, anchors: index, "four numbers"),
        (lambda index, grids, anchors: (0, 0, 0, 2), "should give (0, 0, 0, 0)"),
    ],
)
def test_wrong_place(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.location(wrong)
    assert not verdict
    assert says in verdict.message


def one_cell(
    patch: Tensor,
    head: Any,
    *,
    relu: bool = True,
    first: int = 1,
    last: int = 1,
    turn: bool = False,
    across: bool = False,
) -> tuple[Tensor, Tensor]:
    conv = head.conv[0][0]
    weight = conv.weight.flip(2, 3) if turn else conv.weight
    hidden = (weight * patch).sum(dim=(1, 2, 3)) + first * conv.bias
    hidden = F.relu(hidden) if relu else hidden
    logits = head.cls_logits.weight[:, :, 0, 0] @ hidden + last * head.cls_logits.bias
    deltas = head.bbox_pred.weight[:, :, 0, 0] @ hidden + last * head.bbox_pred.bias
    return logits, deltas.view(4, -1).T if across else deltas.view(-1, 4)


def test_right_cell() -> None:
    assert check.predictions_of_one_cell(one_cell)


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        ({"relu": False}, "ReLU"),
        ({"first": 0}, "bias"),
        ({"last": 0}, "bias"),
        ({"first": 0, "last": 0}, "bias"),
        ({"turn": True}, "kernel"),
        ({"across": True}, "neighbours"),
    ],
)
def test_wrong_cell(mistake: dict[str, Any], says: str) -> None:
    verdict = check.predictions_of_one_cell(lambda patch, head: one_cell(patch, head, **mistake))
    assert not verdict
    assert says in verdict.message


def test_other_wrong_cells() -> None:
    assert "two tensors" in check.predictions_of_one_cell(lambda patch, head: one_cell(patch, head)[0]).message
    assert (
        "not those" in check.predictions_of_one_cell(lambda patch, head: [2 * v for v in one_cell(patch, head)]).message
    )
    logits_only = check.predictions_of_one_cell(
        lambda patch, head: (one_cell(patch, head)[0], 2 * one_cell(patch, head)[1])
    )
    assert "logits are right" in logits_only.message
