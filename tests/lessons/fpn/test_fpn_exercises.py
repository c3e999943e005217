from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from frcnn_edu.lessons.fpn import exercises as check

Maps = list[Tensor]


def stub(*args: Any) -> Any:
    raise NotImplementedError


@pytest.mark.parametrize("checker", [check.nearest_upsampling, check.top_down_path, check.reached_cells])
def test_a_stub_is_not_yet_an_answer(checker: Callable[..., Any]) -> None:
    verdict = checker(stub)
    assert not verdict
    assert "no body yet" in verdict.message


# -------------------------------------------------------------------------------------------------------- 1: nearest


def nearest(x: Tensor, size: tuple[int, int]) -> Tensor:
    rows, columns = (torch.arange(larger) * side // larger for side, larger in zip(x.shape[-2:], size))
    return x[..., rows, :][..., columns]


def doubles(x: Tensor, size: tuple[int, int]) -> Tensor:
    return x.repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)


def turned(x: Tensor, size: tuple[int, int]) -> Tensor:
    return nearest(x, (size[1], size[0]))


def corner_to_corner(x: Tensor, size: tuple[int, int]) -> Tensor:
    rows, columns = (
        (torch.arange(larger) * (side - 1) / (larger - 1)).round().long() for side, larger in zip(x.shape[-2:], size)
    )
    return x[..., rows, :][..., columns]


def in_place(x: Tensor, size: tuple[int, int]) -> Tensor:
    result = nearest(x, size)
    x.zero_()
    return result


def test_copies_are_right() -> None:
    assert check.nearest_upsampling(nearest)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (doubles, "doubles every cell and returns 26×38"),
        (turned, "Sizes are (height, width)"),
        (lambda x, size: F.interpolate(x, size=size, mode="bilinear"), "blends neighbours"),
        (lambda x, size: F.interpolate(x, size=size, mode="nearest-exact"), "rounds i·H / H′ down"),
        (corner_to_corner, "and also the last ones"),
        (in_place, "write into a new tensor"),
        (lambda x, size: nearest(x, size).flip(-1), "numbers come from the wrong cell"),
        (lambda x, size: x, "should have shape"),
    ],
)
def test_other_copies_are_explained(wrong: Callable[..., Tensor], message: str) -> None:
    verdict = check.nearest_upsampling(wrong)
    assert not verdict
    assert message in verdict.message


# ------------------------------------------------------------------------------------------------------- 2: top-down


def top_down(laterals: Maps) -> Maps:
    sums = [laterals[-1]]
    for lateral in laterals[-2::-1]:
        sums.insert(0, lateral + F.interpolate(sums[0], size=lateral.shape[-2:]))
    return sums


def doubling(laterals: Maps) -> Maps:
    sums = [laterals[-1]]
    for lateral in laterals[-2::-1]:
        sums.insert(0, lateral + F.interpolate(sums[0], scale_factor=2))
    return sums


def neighbours_only(laterals: Maps) -> Maps:
    sums = [fine + F.interpolate(coarse, size=fine.shape[-2:]) for fine, coarse in pairwise(laterals)]
    return [*sums, laterals[-1]]


def writes_into_laterals(laterals: Maps) -> Maps:
    for level in reversed(range(len(laterals) - 1)):
        laterals[level] += F.interpolate(laterals[level + 1], size=laterals[level].shape[-2:])
    return laterals


def adds_itself(laterals: Maps) -> Maps:
    return [*top_down(laterals)[:-1], 2 * laterals[-1]]


def bilinear(laterals: Maps) -> Maps:
    sums = [laterals[-1]]
    for lateral in laterals[-2::-1]:
        sums.insert(0, lateral + F.interpolate(sums[0], size=lateral.shape[-2:], mode="bilinear"))
    return sums


def test_the_way_down_is_right() -> None:
    assert check.top_down_path(top_down)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (doubling, "13 rows has to be copied to 25"),
        (neighbours_only, "reaches the next one and no further"),
        (lambda laterals: top_down(laterals)[::-1], "reverse the list"),
        (writes_into_laterals, "The laterals have changed"),
        (adds_itself, "nothing above it"),
        (bilinear, "level 2 is the first whose sum is wrong"),
        (lambda laterals: top_down(laterals)[:-1], "There should be 4 sums, one per level, but you return 3"),
    ],
)
def test_other_ways_down_are_explained(wrong: Callable[[Maps], Maps], message: str) -> None:
    verdict = check.top_down_path(wrong)
    assert not verdict
    assert message in verdict.message


# ---------------------------------------------------------------------------------------------------------- 3: reach


def test_reach_is_right() -> None:
    assert check.reached_cells(lambda steps: 2**steps + 2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda steps: 2**steps, "reaches one cell further on each side"),
        (lambda steps: 3 * 2**steps, "if the smoothed map were passed down"),
        (lambda steps: 2**steps + 1, "on each of two sides"),
        (
            lambda steps: 3 + steps,
            "For steps = 2, 6 cells in a row change in the package, but your function returns 5.",
        ),
    ],
)
def test_other_reaches_are_explained(wrong: Callable[[int], int], message: str) -> None:
    verdict = check.reached_cells(wrong)
    assert not verdict
    assert message in verdict.message
