"""The checkers of notebook 10 know a right answer, and name the likely mistakes."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from frcnn_edu.lessons.level_mapper import exercises as check


def stub(*args: Any) -> Any:
    raise NotImplementedError


@pytest.mark.parametrize("checker", [check.levels_of_boxes, check.scale_of_map])
def test_stub_is_not_yet_right(checker: Callable[[Any], Any]) -> None:
    assert not checker(stub)
    assert "no body yet" in checker(stub).message


def test_three_dots_are_not_yet_right() -> None:
    assert "no answer yet" in check.canonical_scale(...).message


def sides(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).sqrt()


def levels(boxes: Tensor, scale: float) -> Tensor:
    return torch.floor(4 + torch.log2(sides(boxes) / scale) + 1e-6).clamp(2, 5).long() - 2


def test_right_levels() -> None:
    assert check.levels_of_boxes(levels)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda b, s: levels(b, s) + 2, "subtract 2"),
        (lambda b, s: torch.floor(4 + torch.log2(sides(b) / s)).long() - 2, "clamp"),
        (lambda b, s: torch.floor(4 + torch.log2(sides(b) ** 2 / s)).clamp(2, 5).long() - 2, "You used the area"),
        (lambda b, s: torch.round(4 + torch.log2(sides(b) / s)).clamp(2, 5).long() - 2, "rounds down"),
        (
            lambda b, s: torch.floor(4 + torch.log2((b[:, 2:] - b[:, :2]).amax(1) / s)).clamp(2, 5).long() - 2,
            "longer side",
        ),
        (lambda b, s: torch.floor(4 + torch.log(sides(b) / s)).clamp(2, 5).long() - 2, "natural logarithm"),
        (lambda b, s: torch.floor(4 + torch.log2(sides(b) / s)).clamp(2, 5).long() - 2, "add ε"),
        (lambda b, s: levels(b, s).float(), "an index is an int64"),
        (lambda b, s: levels(b, 224), "should have index"),
        (lambda b, s: levels(b, s)[:, None], "shape"),
    ],
    ids=["names", "no clamp", "area", "round", "longer side", "natural log", "no eps", "float", "constant", "column"],
)
def test_wrong_levels(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.levels_of_boxes(wrong)
    assert not verdict
    assert says in verdict.message


def test_right_scale() -> None:
    assert check.scale_of_map(lambda rows, height: 2.0 ** round(math.log2(rows / height)))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda rows, height: rows / height, "ratio itself"),
        (lambda rows, height: 2.0 ** -round(math.log2(rows / height)), "cells per pixel"),
        (lambda rows, height: round(math.log2(rows / height)), "exponent"),
        (lambda rows, height: 2.0 ** math.ceil(math.log2(rows / height)), "not the nearest power"),
        (lambda rows, height: 2.0 ** math.floor(math.log2(rows / height)), "not the nearest power"),
        (lambda rows, height: 1 / 4, "should be"),
    ],
    ids=["ratio", "inverse", "exponent", "up", "down", "constant"],
)
def test_wrong_scale(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.scale_of_map(wrong)
    assert not verdict
    assert says in verdict.message


def test_right_canonical_scale() -> None:
    assert check.canonical_scale(160)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (320, "20 to 40 cells"),
        (80, "canonical level of 3"),
        (40, "canonical level of 2"),
        (10, "in cells"),
        (224, "14 to 28"),
    ],
)
def test_wrong_canonical_scale(wrong: float, says: str) -> None:
    verdict = check.canonical_scale(wrong)
    assert not verdict
    assert says in verdict.message
