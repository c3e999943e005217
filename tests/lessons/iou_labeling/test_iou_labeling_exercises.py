from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from frcnn_edu import box_iou
from frcnn_edu.lessons.iou_labeling import exercises as check
from frcnn_edu.ops import Matcher


def not_done(*_: object) -> Tensor:
    raise NotImplementedError


@pytest.mark.parametrize("checker", [check.pairwise_iou, check.matches, check.sampled_anchors])
def test_a_stub_is_not_yet_right(checker: Callable) -> None:
    assert repr(checker(not_done)).startswith("Not yet. The function has no body yet")
    assert not checker(...)


# ---------------------------------------------------------------------------------------------- 1: IoU of every pair


def iou_with(
    boxes1: Tensor,
    boxes2: Tensor,
    *,
    clamp: str = "sides",
    plus: float = 0.0,
    below: str = "union",
) -> Tensor:
    sides = torch.minimum(boxes1[:, None, 2:], boxes2[:, 2:]) - torch.maximum(boxes1[:, None, :2], boxes2[:, :2]) + plus
    shared = (sides.clamp(min=0) if clamp == "sides" else sides).prod(dim=2)
    shared = shared.clamp(min=0) if clamp == "area" else shared
    area1, area2 = ((boxes[:, 2:] - boxes[:, :2] + plus).prod(dim=1) for boxes in (boxes1, boxes2))
    area1 = area1[:, None].expand_as(shared)
    divisors = {
        "union": area1 + area2 - shared,
        "sum": area1 + area2,
        "smaller": torch.minimum(area1, area2.expand_as(shared)),
        "first": area1,
        "nothing": torch.ones_like(shared),
    }
    return shared / divisors[below]


@pytest.mark.parametrize("right", [iou_with, box_iou])
def test_right_iou(right: Callable) -> None:
    assert repr(check.pairwise_iou(right)).startswith("Right.")


def spoils_its_input(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    table = box_iou(boxes1, boxes2)
    boxes1 += 1
    return table


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda a, b: iou_with(a, b, clamp="nothing"), "product of two negative numbers"),
        (lambda a, b: iou_with(a, b, clamp="area"), "You clamp the area"),
        (lambda a, b: iou_with(a, b, plus=1.0), "without + 1"),
        (lambda a, b: iou_with(a, b, below="sum"), "counted twice"),
        (lambda a, b: iou_with(a, b, below="smaller"), "smaller box's area"),
        (lambda a, b: iou_with(a, b, below="first"), "first box's area only"),
        (lambda a, b: iou_with(a, b, below="nothing"), "This is the intersection"),
        (lambda a, b: box_iou(a, b).T, "is transposed"),
        (lambda a, b: box_iou(a, b[: len(a)]).diagonal(), "You pair the first box with the first"),
        (lambda a, b: box_iou(a, b).sqrt(), "yours is"),
        (lambda a, b: box_iou(a, b).tolist(), "should be a tensor"),
        (lambda a, b: box_iou(a, b)[:, :2], "should have shape (3, 6)"),
        (lambda a, b: box_iou(a, b) * float("nan"), "yours is nan"),
        (spoils_its_input, "changes the boxes"),
    ],
)
def test_wrong_iou(wrong: Callable, says: str) -> None:
    verdict = check.pairwise_iou(wrong)
    assert not verdict
    assert says in verdict.message


# -------------------------------------------------------------------------------------- 2: matches from a table of IoUs


def match_with(
    iou: Tensor,
    *,
    high: Callable = torch.ge,
    low: Callable = torch.ge,
    asked: str = "ties",
    gets: str = "its own best",
    codes: tuple[int, int] = (-2, -1),
) -> Tensor:
    best, matches = iou.max(dim=0)
    own = matches.clone()
    matches = torch.where(high(best, 0.7), matches, codes[0])
    matches = torch.where(low(best, 0.3), matches, codes[1])
    if asked == "nobody":
        return matches
    top = iou == iou.amax(dim=1, keepdim=True)
    if asked == "the first":
        top = torch.zeros_like(top).scatter_(1, iou.argmax(dim=1, keepdim=True), True)
    if asked == "above 0.3":
        top &= iou >= 0.3
    restored = top.any(dim=0)
    return torch.where(restored, own if gets == "its own best" else top.int().argmax(dim=0), matches)


@pytest.mark.parametrize("right", [match_with, Matcher(0.7, 0.3, allow_low_quality_matches=True)])
def test_right_match(right: Callable) -> None:
    assert repr(check.matches(right)).startswith("Right.")


def spoils_the_table(iou: Tensor) -> Tensor:
    matches = match_with(iou)
    iou.zero_()
    return matches


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda iou: match_with(iou, asked="nobody"), "get no anchor at all"),
        (lambda iou: match_with(iou, asked="above 0.3"), "no lower limit"),
        (lambda iou: match_with(iou, asked="the first"), "Both are restored"),
        (lambda iou: match_with(iou, gets="who asked"), "the object that *it* overlaps most"),
        (lambda iou: match_with(iou, high=torch.gt), "exactly 0.7 is positive: use ≥"),
        (lambda iou: match_with(iou, low=torch.gt), "exactly 0.3 is ignored"),
        (lambda iou: match_with(iou, high=torch.gt, low=torch.gt), "exactly 0.3 no longer makes it negative"),
        (lambda iou: match_with(iou, codes=(-1, -2)), "the wrong way round"),
        (lambda iou: match_with(iou, codes=(-1, -1)), "between 0.3 and 0.7"),
        (lambda iou: (match_with(iou) + 1).clamp(max=1), "These are labels"),
        (lambda iou: match_with(iou).float(), "int64"),
        (lambda iou: iou.argmax(dim=1), "maximum over dim 0"),
        (lambda iou: match_with(iou)[:-1], "should have shape (5,)"),
        (lambda iou: match_with(iou) if len(iou) < 4 else match_with(iou) * 0, "An anchor with IoUs ("),
        (spoils_the_table, "changes the table"),
    ],
)
def test_wrong_match(wrong: Callable, says: str) -> None:
    verdict = check.matches(wrong)
    assert not verdict
    assert says in verdict.message


# -------------------------------------------------------------------------------------------------------- 3: the sample


def sample_with(
    labels: Tensor,
    number: int,
    fraction: float,
    *,
    whole: Callable = int,
    negatives: str = "the rest",
    ones_are: Callable = lambda labels: labels == 1,
    zeros_are: Callable = lambda labels: labels == 0,
    shuffle: Callable = torch.randperm,
    first: str = "positives",
) -> tuple[Tensor, Tensor]:
    ones, zeros = torch.where(ones_are(labels))[0], torch.where(zeros_are(labels))[0]
    num_ones = min(whole(number * fraction), len(ones))
    num_zeros = {"the rest": number - num_ones, "half": number // 2, "as many": num_ones}[negatives]
    if first == "negatives":
        zeros = zeros[shuffle(len(zeros))[:num_zeros]]
    ones = ones[shuffle(len(ones))[:num_ones]]
    return ones, zeros if first == "negatives" else zeros[shuffle(len(zeros))[:num_zeros]]


def sorted_sample(labels: Tensor, number: int, fraction: float) -> tuple[Tensor, Tensor]:
    ones, zeros = sample_with(labels, number, fraction)
    return ones.sort().values, zeros.sort().values


@pytest.mark.parametrize("right", [sample_with, sorted_sample])
def test_right_sample(right: Callable) -> None:
    assert repr(check.sampled_anchors(right)).startswith("Right.")


def test_the_checker_leaves_the_random_numbers_alone() -> None:
    before = torch.get_rng_state()
    check.sampled_anchors(sample_with)
    assert torch.equal(torch.get_rng_state(), before)


def with_replacement(labels: Tensor, number: int, fraction: float) -> tuple[Tensor, Tensor]:
    ones, zeros = torch.where(labels == 1)[0], torch.where(labels == 0)[0]
    num_ones = min(int(number * fraction), len(ones))
    num_zeros = min(number - num_ones, len(zeros))
    return ones[torch.randint(len(ones), (num_ones,))], zeros[torch.randint(len(zeros), (num_zeros,))]


def by_other_draws(labels: Tensor, number: int, fraction: float) -> tuple[Tensor, Tensor]:
    return sample_with(labels, number, fraction, shuffle=lambda count: torch.rand(count).argsort())


def as_masks(labels: Tensor, number: int, fraction: float) -> list[Tensor]:
    return [
        torch.zeros(len(labels), dtype=torch.uint8).index_fill(0, d, 1) for d in sample_with(labels, number, fraction)
    ]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda *a: sample_with(*a, whole=lambda x: 10**9), "At most half of 64"),
        (lambda *a: sample_with(*a, negatives="half"), "64 − 8 = 56 of them"),
        (lambda *a: sample_with(*a, negatives="as many"), "The halves need not be equal"),
        (lambda *a: sample_with(*a, whole=lambda x: int(x + 0.5)), "which int() turns into 2"),
        (lambda *a: sample_with(*a, zeros_are=lambda labels: labels <= 0), "among the negatives"),
        (lambda *a: sample_with(*a, ones_are=lambda labels: labels != 0), "among the positives"),
        (lambda *a: sample_with(*a, zeros_are=lambda labels: labels == 1), "The negatives have the labels [1]"),
        (lambda *a: sample_with(a[0], a[1] - 1, a[2]), "32 and 32 should be sampled, but you sample 31 and 32"),
        (lambda *a: sample_with(*a, shuffle=torch.arange), "the same for every seed"),
        (with_replacement, "without replacement"),
        (lambda *a: sample_with(*a, first="negatives"), "you sample the negatives first"),
        (by_other_draws, "shuffles *all* positives"),
        (as_masks, "are a mask"),
        (lambda *a: sample_with(*a)[0], "Return two tensors"),
        (lambda *a: tuple(x[None] for x in sample_with(*a)), "a list of indices"),
        (lambda *a: tuple(x.tolist() for x in sample_with(*a)), "should be a tensor"),
        (lambda *a: sample_with(*a)[::-1], "The positives have the labels [0]"),
    ],
)
def test_wrong_sample(wrong: Callable, says: str) -> None:
    verdict = check.sampled_anchors(wrong)
    assert not verdict
    assert says in verdict.message
