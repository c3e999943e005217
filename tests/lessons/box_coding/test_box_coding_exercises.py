"""The checkers of notebook 07 accept right answers and name likely mistakes."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from frcnn_edu.lessons.box_coding import exercises as check
from frcnn_edu.ops import BoxCoder

LIMIT = math.log(1000 / 16)
Weights = tuple[float, float, float, float]


def stub(*args: Any) -> Any:
    raise NotImplementedError


@pytest.mark.parametrize("checker", [check.encoded_deltas, check.decoded_boxes, check.inverse_deltas])
def test_stub_is_not_yet_right(checker: Callable[[Any], Any]) -> None:
    assert not checker(stub)
    assert "no body yet" in checker(stub).message


def parts(boxes: Tensor) -> tuple[Tensor, Tensor]:
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def encode(targets: Tensor, anchors: Tensor) -> Tensor:
    (t, size_t), (a, size_a) = parts(targets), parts(anchors)
    return torch.cat(((t - a) / size_a, (size_t / size_a).log()), dim=1)


def with_xy(shift: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda targets, anchors: torch.cat((shift(targets, anchors), encode(targets, anchors)[:, 2:]), dim=1)


def with_wh(change: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    def wrong(targets: Tensor, anchors: Tensor) -> Tensor:
        right = encode(targets, anchors)
        return torch.cat((right[:, :2], change(right[:, 2:].exp())), dim=1)

    return wrong


def plus_one(targets: Tensor, anchors: Tensor) -> Tensor:
    sizes = ((parts(targets)[1] + 1) / (parts(anchors)[1] + 1)).log()
    return torch.cat((encode(targets, anchors)[:, :2], sizes), dim=1)


def test_right_encode() -> None:
    assert check.encoded_deltas(encode)
    assert check.encoded_deltas(BoxCoder((1.0, 1.0, 1.0, 1.0)).encode_single)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda t, a: encode(a, t), "exchanged"),
        (with_xy(lambda t, a: parts(t)[0] - parts(a)[0]), "pixels"),
        (with_xy(lambda t, a: (parts(t)[0] - parts(a)[0]) / parts(t)[1]), "*target's* size"),
        (with_xy(lambda t, a: (parts(a)[0] - parts(t)[0]) / parts(a)[1]), "wrong sign"),
        (with_xy(lambda t, a: (t[:, :2] - a[:, :2]) / parts(a)[1]), "Compare the centres"),
        (with_xy(lambda t, a: 10 * encode(t, a)[:, :2]), "dx or dy is not"),
        (with_wh(lambda factor: factor), "factors themselves"),
        (with_wh(lambda factor: factor - 1), "relative changes"),
        (with_wh(torch.log2), "wrong base"),
        (with_wh(torch.log10), "wrong base"),
        (with_wh(lambda factor: 5 * factor.log()), "dw or dh is not"),
        (plus_one, "add 1"),
        (lambda t, a: encode(t, a)[:, :2], "shape"),
    ],
)
def test_wrong_encode(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.encoded_deltas(wrong)
    assert not verdict
    assert says in verdict.message


def decode(
    deltas: Tensor,
    boxes: Tensor,
    weights: Weights,
    *,
    use: Callable[[Tensor, Tensor], Tensor] = torch.div,
    limit: Callable[[Tensor], Tensor] = lambda d: d.clamp(max=LIMIT),
    grow: Callable[[Tensor], Tensor] = torch.exp,
    unit: bool = True,
) -> Tensor:
    moves = use(deltas, torch.tensor(weights))
    centre, size = parts(boxes)
    centre = centre + moves[:, :2] * (size if unit else 1)
    size = size * grow(limit(moves[:, 2:]))
    return torch.cat((centre - size / 2, centre + size / 2), dim=1)


def corner_moves(deltas: Tensor, boxes: Tensor, weights: Weights) -> Tensor:
    right = decode(deltas, boxes, weights)
    corner = boxes[:, :2] + (deltas / torch.tensor(weights))[:, :2] * parts(boxes)[1]
    return torch.cat((corner, corner + parts(right)[1]), dim=1)


def clamped_before(deltas: Tensor, boxes: Tensor, weights: Weights) -> Tensor:
    limited = torch.cat((deltas[:, :2], deltas[:, 2:].clamp(max=LIMIT)), dim=1)
    return decode(limited, boxes, weights)


def mistaken(**mistake: Any) -> Callable[..., Tensor]:
    return lambda deltas, boxes, weights: decode(deltas, boxes, weights, **mistake)


def test_right_decode() -> None:
    assert check.decoded_boxes(decode)
    assert check.decoded_boxes(lambda deltas, boxes, weights: BoxCoder(weights).decode_single(deltas, boxes))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (mistaken(use=lambda d, w: d), "not used"),
        (mistaken(use=torch.mul), "Encoding multiplies"),
        (mistaken(limit=lambda d: d), "can overflow"),
        (mistaken(limit=lambda d: d.clamp(-LIMIT, LIMIT)), "from above only"),
        (mistaken(limit=lambda d: d.clamp(max=5.0)), "at most 1000 pixels"),
        (mistaken(grow=lambda d: 1 + d), "logarithms"),
        (mistaken(unit=False), "units of the box"),
        (clamped_before, "divide first"),
        (corner_moves, "top left corner"),
        (lambda d, b, w: torch.cat(parts(decode(d, b, w)), dim=1), "half a width"),
        (lambda d, b, w: decode(d, b, w) + 7, "not the boxes that BoxCoder decodes"),
    ],
)
def test_wrong_decode(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.decoded_boxes(wrong)
    assert not verdict
    assert says in verdict.message


def back(deltas: Tensor, power: int = -1) -> Tensor:
    return torch.cat((-deltas[:, :2] * deltas[:, 2:].exp() ** power, -deltas[:, 2:]), dim=1)


def test_right_back() -> None:
    assert check.inverse_deltas(back)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda d: -d, "width of B"),
        (lambda d: back(d, power=1), "wrong way round"),
        (lambda d: torch.cat((back(d)[:, :2], 1 / d[:, 2:]), dim=1), "not 1 / dw"),
        (lambda d: d, "does not lead back"),
    ],
)
def test_wrong_back(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.inverse_deltas(wrong)
    assert not verdict
    assert says in verdict.message
