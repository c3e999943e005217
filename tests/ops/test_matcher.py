import pytest
import torch
from box_strategies import boxes, seeds
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from frcnn_edu.ops import Matcher, box_iou


@pytest.mark.parametrize("low_quality", [True, False])
@given(gt_boxes=boxes(min_count=1), candidates=boxes(min_count=1), seed=seeds())
def test_the_order_of_candidates_does_not_matter(
    low_quality: bool, gt_boxes: Tensor, candidates: Tensor, seed: int
) -> None:
    iou = box_iou(gt_boxes, candidates)
    order = torch.randperm(len(candidates), generator=torch.Generator().manual_seed(seed))
    matcher = Matcher(0.7, 0.3, low_quality)
    assert torch.equal(matcher(iou[:, order]), matcher(iou)[order])


@pytest.mark.parametrize("low_quality", [True, False])
@given(shape=st.tuples(st.integers(1, 8), st.integers(1, 30)), seed=seeds())
def test_the_order_of_truths_does_not_matter(low_quality: bool, shape: tuple[int, int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    iou = torch.randperm(shape[0] * shape[1], generator=generator).view(shape) / (shape[0] * shape[1])  # no ties
    order = torch.randperm(shape[0], generator=generator)
    matcher = Matcher(0.7, 0.3, low_quality)
    before, after = matcher(iou), matcher(iou[order])
    assert torch.equal(after < 0, before < 0)
    assert torch.equal(order[after[after >= 0]], before[before >= 0])


@given(boxes(min_count=1), boxes(min_count=1))
def test_what_a_match_means(gt_boxes: Tensor, candidates: Tensor) -> None:
    iou = box_iou(gt_boxes, candidates)
    best = iou.max(dim=0).values
    matches = Matcher(0.6, 0.2)(iou)
    assert torch.equal(matches >= 0, best >= 0.6)
    assert torch.equal(matches == Matcher.BELOW_LOW_THRESHOLD, best < 0.2)
    assert torch.equal(matches == Matcher.BETWEEN_THRESHOLDS, (best >= 0.2) & (best < 0.6))
    found = matches >= 0
    assert torch.equal(iou[matches[found], torch.where(found)[0]], best[found])


@given(boxes(min_count=1), boxes(min_count=1))
def test_low_quality_matches_leave_no_ground_truth_without_a_positive_candidate(
    gt_boxes: Tensor, candidates: Tensor
) -> None:
    iou = box_iou(gt_boxes, candidates)
    strict, generous = Matcher(0.7, 0.3)(iou), Matcher(0.7, 0.3, allow_low_quality_matches=True)(iou)
    assert (generous[iou.argmax(dim=1)] >= 0).all()
    changed = strict != generous
    assert torch.equal(generous[~changed], strict[~changed])
    assert torch.equal(generous[changed], iou.argmax(dim=0)[changed])


def test_thresholds_are_inclusive_below_and_exclusive_above() -> None:
    assert Matcher(0.5, 0.25)(torch.tensor([[0.5, 0.4999, 0.25, 0.2499]])).tolist() == [0, -2, -2, -1]
    assert Matcher(0.5, 0.5)(torch.tensor([[0.5, 0.4999]])).tolist() == [0, -1]  # as in the RoI heads


def test_thresholds_in_the_wrong_order() -> None:
    with pytest.raises(
        ValueError,
        match=r"high_threshold must be at least low_threshold, got high_threshold=0\.3 and low_threshold=0\.7",
    ):
        Matcher(0.3, 0.7)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_nothing_to_match(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf"^matching needs at least one .* \({shape[0]}, {shape[1]}\)"):
        Matcher(0.7, 0.3)(torch.zeros(shape))


def test_the_matrix_is_left_as_it_is() -> None:
    iou = torch.tensor([[0.2, 0.9], [0.4, 0.1]])
    copy = iou.clone()
    Matcher(0.7, 0.3, allow_low_quality_matches=True)(iou)
    assert torch.equal(iou, copy)


def match_by_hand(iou: list[list[float]], high: float, low: float, low_quality: bool) -> list[int]:
    """The rule in words: one candidate after another."""
    matches = []
    for n in range(len(iou[0])):
        column = [row[n] for row in iou]
        best = column.index(max(column))  # of equals the first
        if max(column) >= high:
            matches.append(best)
        else:
            matches.append(Matcher.BETWEEN_THRESHOLDS if max(column) >= low else Matcher.BELOW_LOW_THRESHOLD)
        if low_quality and any(row[n] == max(row) for row in iou):  # some ground truth has no better one
            matches[-1] = best
    return matches


@pytest.mark.parametrize("low_quality", [True, False])
@given(
    gt_boxes=boxes(min_count=1, max_count=6, whole=True),
    candidates=boxes(min_count=1, max_count=20, whole=True),
    thresholds=st.sampled_from([(0.7, 0.3), (0.5, 0.5), (0.4, 0.1)]),
)
def test_it_is_what_a_loop_says(low_quality: bool, gt_boxes: Tensor, candidates: Tensor, thresholds: tuple) -> None:
    """In float32, so that a loop compares the same numbers; and on few values, so that there are ties."""
    rounded = (box_iou(gt_boxes, candidates) * 8).round() / 8
    thresholds = tuple(torch.tensor(thresholds).tolist())
    for iou in (rounded, box_iou(gt_boxes, candidates)):
        assert Matcher(*thresholds, low_quality)(iou).tolist() == match_by_hand(iou.tolist(), *thresholds, low_quality)
