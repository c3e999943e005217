"""Checkers for the exercises of notebook 08: IoU of all pairs, matches from a table of IoUs, a balanced sample."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import NotYet, checker, expect, expect_shape
from frcnn_edu.ops import BalancedPositiveNegativeSampler, Matcher, box_iou

# ---------------------------------------------------------------------------------------------- 1: IoU of every pair


@checker
def pairwise_iou(iou: Callable[[Tensor, Tensor], Tensor]) -> str:
    """`iou(boxes1, boxes2)`: (N, 4), (M, 4) → (N, M), equal to `frcnn_edu.box_iou`."""
    first = torch.tensor([[0.0, 0, 10, 10], [20, 20, 26, 28], [2, 2, 6, 6]])
    second = torch.tensor(  # beside, equal, nearly equal, far away, inside, below
        [[5.0, 0, 15, 10], [0, 0, 10, 10], [21, 20, 27, 28], [40, 40, 50, 52], [1, 1, 4, 4], [0, 30, 10, 36]]
    )
    kept = first.clone(), second.clone()
    elementwise = iou(first, second[:3])
    expect(
        not (isinstance(elementwise, Tensor) and elementwise.shape == (3,)),
        "You pair the first box with the first and the second with the second. Compare every box of one set with every "
        "box of the other: give one set an extra axis, boxes1[:, None], and let the two broadcast.",
    )
    answer = iou(first, second)
    expect(
        not (isinstance(answer, Tensor) and answer.shape == (6, 3)),
        "The table is transposed. Rows should belong to boxes1, and columns to boxes2.",
    )
    expect_shape(answer, (3, 6), "The IoU of 3 and 6 boxes")
    expect(
        torch.equal(first, kept[0]) and torch.equal(second, kept[1]),
        "Your function changes the boxes that it is given. Work on copies.",
    )
    for message, wrong in _wrong_ious(first, second):
        expect(not torch.allclose(answer.float(), wrong, atol=1e-4), message)
    _expect_same_table(answer, box_iou(first, second), first, second)

    torch_random = torch.Generator().manual_seed(0)
    corners = 100 * torch.rand(60, 2, generator=torch_random)
    boxes = torch.cat((corners, corners + 1 + 50 * torch.rand(60, 2, generator=torch_random)), dim=1)
    _expect_same_table(iou(boxes[:20], boxes[20:]), box_iou(boxes[:20], boxes[20:]), boxes[:20], boxes[20:])
    return (
        "This is all the geometry in labelling, because every rule that follows only compares numbers in the rows and "
        "columns of this table."
    )


def _wrong_ious(first: Tensor, second: Tensor) -> list[tuple[str, Tensor]]:
    """The tables that likely mistakes give, each with its message."""
    x1, y1, x2, y2 = first[:, None].unbind(dim=2)  # (N, 1) each
    u1, v1, u2, v2 = second.unbind(dim=1)  # (M,) each
    width, height = torch.minimum(x2, u2) - torch.maximum(x1, u1), torch.minimum(y2, v2) - torch.maximum(y1, v1)
    shared = width.clamp(min=0) * height.clamp(min=0)
    area1, area2 = (x2 - x1) * (y2 - y1), (u2 - u1) * (v2 - v1)
    plus = (width + 1).clamp(min=0) * (height + 1).clamp(min=0)
    plus1, plus2 = (x2 - x1 + 1) * (y2 - y1 + 1), (u2 - u1 + 1) * (v2 - v1 + 1)
    return [
        (
            "Boxes that are apart in both x and y get an IoU above 0: both sides of the intersection are negative, and the "
            "product of two negative numbers is positive. Clamp each side at 0 before you multiply.",
            width * height / (area1 + area2 - width * height),
        ),
        (
            "You clamp the area of the intersection, but two negative sides have a positive area. Clamp each side at 0.",
            (width * height).clamp(min=0) / (area1 + area2 - (width * height).clamp(min=0)),
        ),
        (
            "The union is not the sum of the two areas, in which the intersection is counted twice. Subtract it once.",
            shared / (area1 + area2),
        ),
        (
            "You divide by the smaller box's area, so a box inside another gets an IoU of 1. Divide by the union.",
            shared / torch.minimum(area1, area2),
        ),
        (
            "You divide by the first box's area only. Divide by the union, which does not depend on the order.",
            shared / area1,
        ),
        (
            "A width is x2 − x1 here, without + 1: coordinates are edges between pixels, not indices of pixels.",
            plus / (plus1 + plus2 - plus),
        ),
        ("This is the intersection. Divide it by the union.", shared),
    ]


def _expect_same_table(answer: Tensor, right: Tensor, first: Tensor, second: Tensor) -> None:
    expect_shape(answer, tuple(right.shape), f"The IoU of {len(first)} and {len(second)} boxes")
    off = (answer - right).abs().nan_to_num(nan=1.0)
    i, j = divmod(int(off.argmax()), right.shape[1])
    expect(
        float(off.max()) < 1e-4,
        f"The boxes {_numbers(first[i])} and {_numbers(second[j])} have an IoU of {float(right[i, j]):.3f}, "
        f"but yours is {float(answer[i, j]):.3f}.",
    )


def _numbers(box: Tensor) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in box.tolist()) + "]"


# -------------------------------------------------------------------------------------- 2: matches from a table of IoUs

THRESHOLDS = torch.tensor([[0.9, 0.7, 0.69, 0.3, 0.29]])
LOW_QUALITY = torch.tensor([[0.8, 0.1, 0.0, 0.0], [0.0, 0.0, 0.5, 0.4], [0.1, 0.2, 0.0, 0.0]])
TIES = torch.tensor([[0.5, 0.2, 0.5, 0.1]])
ANOTHERS = torch.tensor([[0.4, 0.1, 0.0], [0.6, 0.75, 0.2]])


@checker
def matches(answer: Callable[[Tensor], Tensor]) -> str:
    """`match(iou)`: (M, N) → (N,) int64, as the RPN's `Matcher` returns it: thresholds 0.7 and 0.3, low-quality matches."""
    first = answer(THRESHOLDS.clone())
    expect(
        not (isinstance(first, Tensor) and first.shape == (1,)),
        "You look for the best anchor of each object. Each *anchor* needs a match: take the maximum over dim 0.",
    )
    expect_shape(first, (5,), "The matches of 5 anchors")
    expect(not first.is_floating_point(), f"Matches are indices and should be int64, but yours are {first.dtype}.")
    _expect_matches(first, THRESHOLDS, {
        (1, 1, -1, -1, 0): "These are labels: 1, 0, −1. Return matches: the object's index, −1 for negative, −2 for ignored.",
        (0, 0, -1, -1, -2): "The two codes are the wrong way round: −1 is negative, −2 is ignored.",
        (0, -2, -2, -2, -1): "An anchor with an IoU of exactly 0.7 is positive: use ≥.",
        (0, -2, -2, -1, -1): "An IoU of exactly 0.7 makes an anchor positive, and one of exactly 0.3 no longer makes it negative.",
        (0, 0, -2, -1, -1): "An anchor with an IoU of exactly 0.3 is ignored: only *below* 0.3 is it negative.",
        (0, 0, -1, -1, -1): "An anchor with an IoU between 0.3 and 0.7 is ignored, so its code is −2.",
    })  # fmt: skip
    _expect_matches(answer(LOW_QUALITY.clone()), LOW_QUALITY, {
        (0, -1, -2, -2): "Objects 1 and 2 have no anchor with an IoU of at least 0.7, and get no anchor at all. Restore their "
        "best ones after the thresholds.",
        (0, -1, 1, -2): "Object 2's best anchor has an IoU of only 0.2, and you leave it out. Low-quality matches have no "
        "lower limit.",
    })  # fmt: skip
    _expect_matches(answer(TIES.clone()), TIES, {
        (0, -1, -2, -1): "Anchors 0 and 2 overlap the object equally well. Both are restored, not only the first, so compare "
        "with the row's maximum instead of using argmax.",
    })  # fmt: skip
    _expect_matches(answer(ANOTHERS.clone()), ANOTHERS, {
        (0, 1, -1): "Anchor 0 is restored because it is object 0's best, but it is matched to the object that *it* overlaps "
        "most, which is object 1. (Your rule is a sensible one, but torchvision's differs.)",
    })  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    for objects, anchors in ((1, 6), (4, 30), (7, 200)):
        iou = torch.rand(objects, anchors, generator=generator).square()
        kept = iou.clone()
        matches = answer(iou)
        expect(torch.equal(iou, kept), "Your function changes the table that it is given. Work on a copy.")
        _expect_matches(matches, kept, {})
    return (
        "Note that an object can still end up without an anchor: its best anchor is restored, but is matched to the object "
        "that this anchor overlaps most."
    )


def _expect_matches(answer: Tensor, iou: Tensor, mistakes: dict[tuple[int, ...], str]) -> None:
    """Compare with the package's matcher; `mistakes` maps known wrong answers to their messages."""
    expect_shape(answer, (iou.shape[1],), f"The matches of {iou.shape[1]} anchors")
    right, given = Matcher(0.7, 0.3, allow_low_quality_matches=True)(iou).tolist(), answer.tolist()
    if given == right:
        return
    if tuple(given) in mistakes:
        raise NotYet(mistakes[tuple(given)])
    column = next(j for j, (a, b) in enumerate(zip(given, right)) if a != b)
    shown = ", ".join(f"{value:.2f}" for value in iou[:, column].tolist())
    raise NotYet(f"An anchor with IoUs ({shown}) should have the match {right[column]}, but yours is {given[column]}.")


# -------------------------------------------------------------------------------------------------------- 3: the sample


@checker
def sampled_anchors(answer: Callable[[Tensor, int, float], tuple[Tensor, Tensor]]) -> str:
    """`sample(labels, number, fraction)`: labels (N,) → indices of the sampled positives and negatives, in sampled order."""
    with torch.random.fork_rng(devices=[]):
        many = _labels(positives=100, negatives=900, ignored=50)
        positives, negatives = _sample_of(answer, many, 64, 0.5)
        expect(len(positives) <= 32, f"At most half of 64 may be positive, but you sample {len(positives)} positives.")
        _expect_numbers((positives, negatives), (32, 32), "100 positives and 900 negatives")
        for sampled, label, what in ((positives, 1, "positives"), (negatives, 0, "negatives")):
            expect(
                len(sampled.unique()) == len(sampled),
                f"An anchor occurs twice among the {what}. Sample without replacement, with randperm.",
            )
            found = [int(value) for value in many[sampled].unique().tolist()]
            expect(
                -1 not in found,
                f"Ignored anchors (label −1) are among the {what}. They are neither positive nor negative, so do not sample them.",
            )
            expect(found == [label], f"The {what} have the labels {found}. They should all be {label}.")
        few = _labels(positives=8, negatives=900, ignored=50)
        _expect_numbers(_sample_of(answer, few, 64, 0.5), (8, 56), "8 positives and 900 negatives",
                        {(8, 32): "If there are too few positives, negatives fill the sample: 64 − 8 = 56 of them.",
                         (8, 8): "The halves need not be equal. If there are too few positives, negatives fill the sample: 64 − 8 = 56 of them."})  # fmt: skip
        _expect_numbers(_sample_of(answer, few, 5, 0.5), (2, 3), "8 positives and 900 negatives (number = 5)",
                        {(3, 2): "Half of 5 is 2.5, which int() turns into 2. Do not round up."})  # fmt: skip
        _expect_numbers(_sample_of(answer, _labels(10, 20, 5), 64, 0.5), (10, 20), "10 positives and 20 negatives")
        _expect_numbers(_sample_of(answer, _labels(0, 90, 5), 64, 0.5), (0, 64), "no positives and 90 negatives")
        again = _sample_of(answer, many, 64, 0.5, seed=1)
        expect(
            not (torch.equal(again[0], positives) and torch.equal(again[1], negatives)),
            "Your sample is the same for every seed. Shuffle first: the first anchors of the list are all at the top of the "
            "image, and the others would never be trained on.",
        )
        _expect_same_anchors((positives, negatives), many)
    return (
        "With the same seed, your function samples the same anchors as the package and torchvision. In the course's image, 99.8 % of the "
        "labelled anchors are negative, but only 87.5 % of those sampled are."
    )


def _labels(positives: int, negatives: int, ignored: int) -> Tensor:
    labels = torch.tensor([1.0] * positives + [0.0] * negatives + [-1.0] * ignored)
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]


def _sample_of(answer: Any, labels: Tensor, number: int, fraction: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    sampled = answer(labels.clone(), number, fraction)
    expect(isinstance(sampled, tuple | list) and len(sampled) == 2, "Return two tensors: positives and negatives.")
    for tensor, what in zip(sampled, ("positives", "negatives")):
        expect(isinstance(tensor, Tensor), f"The {what} should be a tensor, but are a {type(tensor).__name__}.")
        expect(
            tensor.dtype not in (torch.bool, torch.uint8),
            f"The {what} are a mask. Return indices: torch.where(mask)[0] gives them.",
        )
        expect(tensor.ndim == 1, f"The {what} should be a list of indices, (N,), but have shape {tuple(tensor.shape)}.")
    return sampled[0], sampled[1]


def _expect_numbers(
    sampled: tuple[Tensor, Tensor],
    right: tuple[int, int],
    of: str,
    mistakes: dict[tuple[int, int], str] | None = None,
) -> None:
    numbers = (len(sampled[0]), len(sampled[1]))
    message = f"Of {of}, {right[0]} and {right[1]} should be sampled, but you sample {numbers[0]} and {numbers[1]}."
    expect(numbers == right, (mistakes or {}).get(numbers, message))


def _expect_same_anchors(sampled: tuple[Tensor, Tensor], labels: Tensor) -> None:
    torch.manual_seed(0)
    positives, negatives = (torch.where(mask)[0] for (mask,) in BalancedPositiveNegativeSampler(64, 0.5)([labels]))
    torch.manual_seed(0)
    other_way = torch.where(labels == 0)[0]
    negatives_first = other_way[torch.randperm(len(other_way))[:32]]
    expect(
        set(sampled[1].tolist()) != set(negatives_first.tolist()),
        "This is a good sample, but not the one that torchvision draws with the same seed, because you sample the negatives "
        "first. Sample the positives first: each permutation consumes random numbers that the next one then does not get.",
    )
    same = all(set(a.tolist()) == set(b.tolist()) for a, b in zip(sampled, (positives, negatives)))
    expect(
        same,
        "This is a good sample, but not the one that torchvision draws with the same seed. It shuffles *all* positives with "
        "one randperm and keeps the first ones, and then does the same with *all* negatives.",
    )
