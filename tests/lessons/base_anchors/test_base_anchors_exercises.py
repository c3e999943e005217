from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from frcnn_edu.lessons.base_anchors import exercises as check


def stub(*arguments: Tensor) -> Tensor:
    raise NotImplementedError


def tables(sizes: Tensor, ratios: Tensor) -> tuple[Tensor, Tensor]:
    """Widths and heights as they should be, (r, s) each."""
    return sizes / ratios.sqrt()[:, None], sizes * ratios.sqrt()[:, None]


def boxes(widths: Tensor, heights: Tensor) -> Tensor:
    """Not rounded, (r·s, 4)."""
    w, h = widths.flatten(), heights.flatten()
    return torch.stack((-w, -h, w, h), dim=1) / 2


def right_anchors(sizes: Tensor, ratios: Tensor) -> Tensor:
    return boxes(*tables(sizes, ratios)).round()


ANCHOR_MISTAKES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], str]] = {
    "swapped": (
        lambda s, r: boxes(*reversed(tables(s, r))).round(),
        "The ratio is height / width, but yours gives the wide box a ratio of 2",
    ),
    "size outside": (
        lambda s, r: boxes(*(t.T for t in tables(s, r))).round(),
        "the ratio belongs in the outer loop, and the size in the inner one",
    ),
    "not rounded": (lambda s, r: boxes(*tables(s, r)), "must still be rounded"),
    "halves up": (
        lambda s, r: boxes(*tables(s, r)).sign() * (boxes(*tables(s, r)).abs() + 0.5).floor(),
        "rounded to the even neighbour",
    ),
    "cut off": (lambda s, r: boxes(*tables(s, r)).trunc(), "truncated, but they should be rounded"),
    "sides rounded": (lambda s, r: boxes(*(t.round() for t in tables(s, r))), "Halve them first, then round"),
    "area not kept": (
        lambda s, r: boxes(s / torch.ones_like(r)[:, None], s * r[:, None]).round(),
        "A ratio does not change the area",
    ),
    "from a corner": (
        lambda s, r: (boxes(*tables(s, r)) - boxes(*tables(s, r))[:, :2].repeat(1, 2)).round(),
        "centred on (0, 0)",
    ),
    "too few": (lambda s, r: right_anchors(s, r)[:1], "should have shape (6, 4), but has (1, 4)"),
    "a list": (lambda s, r: right_anchors(s, r).tolist(), "should be a tensor, but is a list"),
}


@pytest.mark.parametrize("name", ANCHOR_MISTAKES)
def test_mistakes_with_base_anchors_are_named(name: str) -> None:
    answer, message = ANCHOR_MISTAKES[name]
    verdict = check.base_anchors(answer)
    assert not verdict
    assert message in verdict.message


def shared(first: Tensor, second: Tensor) -> Tensor:
    return torch.min(first[:, None], second[None]).prod(dim=2)


def right_iou(first: Tensor, second: Tensor) -> Tensor:
    return shared(first, second) / (sum(areas(first, second)) - shared(first, second))


def areas(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    return first.prod(dim=1)[:, None].expand(-1, len(second)), second.prod(dim=1).expand(len(first), -1)


IOU_MISTAKES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], str]] = {
    "counted twice": (lambda a, b: shared(a, b) / sum(areas(a, b)), "Subtract it once"),
    "areas only": (lambda a, b: torch.min(*areas(a, b)) / torch.max(*areas(a, b)), "ignores the shape"),
    "smaller": (lambda a, b: shared(a, b) / torch.min(*areas(a, b)), "smaller of the two areas"),
    "larger": (lambda a, b: shared(a, b) / torch.max(*areas(a, b)), "larger of the two areas"),
    "not divided": (shared, "in square pixels"),
    "on its side": (lambda a, b: right_iou(a, b).T, "is transposed"),
    "something else": (lambda a, b: right_iou(a, b) / 2, "The IoU of 33×44 and 48×48 is 0.63, but yours is 0.32"),
}


@pytest.mark.parametrize("name", IOU_MISTAKES)
def test_mistakes_with_shape_iou_are_named(name: str) -> None:
    answer, message = IOU_MISTAKES[name]
    verdict = check.shape_iou(answer)
    assert not verdict
    assert message in verdict.message


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((16, 32, 64, 128, 256), "with a factor of 2, the IoU falls to 0.5 between them"),
        ((19, 26, 36, 48, 64), "Remember the rounding: 19 becomes 20"),
        ((18, 24, 34, 48), "Give five sizes, one for each level. Your answer has 4"),
        ((18, 24, 34, 48, 58), "A square with a side of 69.4 pixels"),
    ],
)
def test_mistakes_with_five_sizes_are_named(sizes: tuple[int, ...], message: str) -> None:
    verdict = check.five_sizes(sizes)
    assert not verdict
    assert message in verdict.message


def test_right_answers_pass() -> None:
    assert check.base_anchors(right_anchors)
    assert check.shape_iou(right_iou)
    assert check.five_sizes((18, 24, 34, 48, 64))
    assert check.five_sizes(((18,), (24,), (34,), (48,), (64,)))


def test_stubs_do_not_pass() -> None:
    assert "no body yet" in check.base_anchors(stub).message
    assert "no body yet" in check.shape_iou(stub).message
    assert "no answer yet" in check.five_sizes(...).message
