"""The checkers of notebook 11 know a right answer, and name the likely mistakes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from frcnn_edu.lessons.roi_align import exercises as check


def stub(*args: Any) -> Any:
    raise NotImplementedError


@pytest.mark.parametrize("checker", [check.interpolation, check.sampling_points, check.original_order])
def test_stub_is_not_yet_right(checker: Callable[[Any], Any]) -> None:
    assert not checker(stub)
    assert "no body yet" in checker(stub).message


def mix(plane: Tensor, top: int, left: int, dy: float, dx: float) -> Tensor:
    bottom, right = min(top + 1, plane.shape[0] - 1), min(left + 1, plane.shape[1] - 1)
    upper = plane[top, left] * (1 - dx) + plane[top, right] * dx
    lower = plane[bottom, left] * (1 - dx) + plane[bottom, right] * dx
    return upper * (1 - dy) + lower * dy


def interpolate(plane: Tensor, y: float, x: float) -> Tensor:
    return mix(plane, int(y), int(x), y - int(y), x - int(x))


def without_last_row(plane: Tensor, y: float, x: float) -> Tensor:
    top, left, dy, dx = int(y), int(x), y - int(y), x - int(x)
    upper = plane[top, left] * (1 - dx) + plane[top, left + 1] * dx
    lower = plane[top + 1, left] * (1 - dx) + plane[top + 1, left + 1] * dx
    return upper * (1 - dy) + lower * dy


def test_right_interpolation() -> None:
    assert check.interpolation(interpolate)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda plane, y, x: interpolate(plane, x, y), "exchanged the axes"),
        (lambda plane, y, x: mix(plane, int(y), int(x), 1 - y + int(y), 1 - x + int(x)), "reversed"),
        (lambda plane, y, x: plane[round(y), round(x)], "single cell"),
        (lambda plane, y, x: plane[int(y), int(x)], "single cell"),
        (
            lambda plane, y, x: interpolate(plane, y, x) if x == int(x) else mix(plane, int(y), int(x), 0.5, 0.5),
            "equal",
        ),
        (without_last_row, "no row below"),
        (lambda plane, y, x: interpolate(plane, y, x) + 1, "should be"),
    ],
    ids=["swapped", "mirrored", "nearest", "floor", "equal weights", "last row", "shifted"],
)
def test_wrong_interpolation(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.interpolation(wrong)
    assert not verdict
    assert says in verdict.message


def points(start: float, length: float, bins: int, ratio: int) -> Tensor:
    return start + (torch.arange(bins * ratio) + 0.5) * length / (bins * ratio)


def test_right_points() -> None:
    assert check.sampling_points(points)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda s, n, bins, r: s + torch.arange(bins * r) * n / (bins * r), "first point is on the box's border"),
        (lambda s, n, bins, r: s + (torch.arange(bins * r) + 1) * n / (bins * r), "last point is on the box's border"),
        (lambda s, n, bins, r: torch.linspace(s, s + n, bins * r), "from border to border"),
        (lambda s, n, bins, r: points(s, n, bins, r) - 0.5, "aligned=True"),
        (lambda s, n, bins, r: points(0, n, bins, r), "start at 0"),
        (lambda s, n, bins, r: points(s, n, bins, r).floor(), "whole numbers"),
        (lambda s, n, bins, r: points(s, n, bins, r).view(bins, r), "shape"),
        (lambda s, n, bins, r: 2 * points(s, n, bins, r), "the first point"),
    ],
    ids=["left", "right", "linspace", "aligned", "no start", "floor", "two-dimensional", "twice"],
)
def test_wrong_points(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.sampling_points(wrong)
    assert not verdict
    assert says in verdict.message


def put_back(pooled: Tensor, order: Tensor) -> Tensor:
    return pooled[order.argsort()]


def test_right_order() -> None:
    assert check.original_order(put_back)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda pooled, order: pooled, "still ordered by level"),
        (lambda pooled, order: pooled[order], "a second time"),
        (lambda pooled, order: pooled.flip(0), "in the wrong place"),
        (lambda pooled, order: put_back(pooled, order).flatten(1), "shape"),
    ],
    ids=["nothing", "twice", "flipped", "flat"],
)
def test_wrong_order(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.original_order(wrong)
    assert not verdict
    assert says in verdict.message
