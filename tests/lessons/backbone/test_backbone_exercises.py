from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from frcnn_edu.lessons.backbone import exercises as check

Layer = tuple[int, int, int]


def test_stubs_are_not_yet_right() -> None:
    def stub(*args: object) -> None:
        raise NotImplementedError

    for checker in (check.pixels_seen, check.bottleneck_weights, check.scale_and_shift):
        assert not checker(stub)
        assert "no body yet" in checker(stub).message


def walked_back(cell: int, layers: Sequence[Layer], padded: bool = True, extra: int = -1) -> tuple[int, int]:
    first = last = cell
    for kernel, stride, padding in reversed(layers):
        first = first * stride - padding * padded
        last = last * stride - padding * padded + kernel + extra
    return first, last


def its_stride(cell: int, layers: Sequence[Layer]) -> tuple[int, int]:
    stride = 1
    for _, step, _ in layers:
        stride *= step
    return cell * stride, (cell + 1) * stride - 1


def one_too_many(cell: int, layers: Sequence[Layer]) -> tuple[int, int]:
    first, last = walked_back(cell, layers)
    return first, last + 1


def test_pixels_seen_accepts_the_right_answer() -> None:
    assert check.pixels_seen(walked_back)
    with torch.no_grad():  # as in the solutions
        assert check.pixels_seen(walked_back)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (its_stride, "its stride"),
        (one_too_many, "one pixel too many"),
        (lambda cell, layers: walked_back(cell, layers, padded=False), "padding"),
        (lambda cell, layers: walked_back(cell, layers[::-1]), "the last comes first"),
        (lambda cell, layers: (0, 0), "as gradients through such layers show"),
        (lambda cell, layers: 7, "should be a pair"),
    ],
)
def test_pixels_seen_names_the_mistake(wrong: object, hint: str) -> None:
    verdict = check.pixels_seen(wrong)
    assert not verdict
    assert hint in verdict.message


def test_bottleneck_weights_accepts_the_right_answer() -> None:
    assert check.bottleneck_weights(lambda c: 2 * c * (c // 4) + 9 * (c // 4) ** 2)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda c: 9 * c * c, "a quarter of the channels"),
        (lambda c: 2 * 9 * c * c, "a quarter of the channels"),
        (lambda c: 2 * c * (c // 4) + (c // 4) ** 2, "nine weights"),
        (lambda c: c * (c // 4) + 9 * (c // 4) ** 2, "The last 1×1"),
        (lambda c: 2 * c * (c // 4) + 9 * (c // 4) ** 2 + 2 * (c // 4) + c, "no biases"),
        (lambda c: 1, "There are 69,632"),
    ],
)
def test_bottleneck_weights_names_the_mistake(wrong: object, hint: str) -> None:
    verdict = check.bottleneck_weights(wrong)
    assert not verdict
    assert hint in verdict.message


def scale(bn: nn.BatchNorm2d) -> Tensor:
    assert bn.running_var is not None
    return bn.weight / (bn.running_var + bn.eps).sqrt()


def shift(bn: nn.BatchNorm2d) -> Tensor:
    assert bn.running_mean is not None
    return bn.bias - bn.running_mean * scale(bn)


def test_scale_and_shift_accepts_the_right_answer() -> None:
    assert check.scale_and_shift(lambda bn: (scale(bn), shift(bn)))


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda bn: (bn.weight / (bn.running_var + bn.eps), shift(bn)), "square root"),
        (lambda bn: (bn.weight / (bn.running_var.sqrt() + bn.eps), shift(bn)), "inside the square root"),
        (lambda bn: (bn.weight / bn.running_var.sqrt(), shift(bn)), "lacks eps"),
        (lambda bn: (scale(bn) / bn.weight, shift(bn)), "own weight"),
        (lambda bn: (scale(bn) + 1, shift(bn)), "The scale should be"),
        (lambda bn: (scale(bn), bn.bias - bn.running_mean), "is scaled, too"),
        (lambda bn: (scale(bn), bn.bias + bn.running_mean * scale(bn)), "yours adds it"),
        (lambda bn: (scale(bn), -bn.running_mean * scale(bn)), "own bias"),
        (lambda bn: (scale(bn), shift(bn) + 1), "The shift should be"),
        (lambda bn: (scale(bn)[:3], shift(bn)), "shape (6,)"),
        (lambda bn: scale(bn), "should be a pair"),
    ],
)
def test_scale_and_shift_names_the_mistake(wrong: object, hint: str) -> None:
    verdict = check.scale_and_shift(wrong)
    assert not verdict
    assert hint in verdict.message
