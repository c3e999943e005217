from typing import Any

import pytest
import torch
from box_strategies import boxes
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from frcnn_edu.model.fast import matching
from frcnn_edu.model.fast.matching import ExactMatcher
from frcnn_edu.ops import Matcher, box_iou


@pytest.mark.parametrize("low_quality", [True, False])
@given(boxes(min_count=1), boxes(min_count=1), st.integers(1, 40))
def test_boxes_are_matched_piece_by_piece_as_at_one_go(
    low_quality: bool, gt_boxes: Tensor, candidates: Tensor, most: int
) -> None:
    rule = ExactMatcher(0.7, 0.3, low_quality)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "MOST_IOUS", most)
        assert torch.equal(rule.match_boxes(gt_boxes, candidates), rule(box_iou(gt_boxes, candidates)))


class LargestResult(TorchDispatchMode):
    """Notes the most elements that any operator returned."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = result if isinstance(result, tuple | list) else [result]
        self.elements = max(self.elements, *(t.numel() for t in tensors if isinstance(t, Tensor)))
        return result


@pytest.mark.parametrize("num_gt", [1, 8, 50, 500])
def test_no_more_than_a_bounded_part_of_the_matrix_is_ever_held(num_gt: int) -> None:
    """500 × 60,000 IoUs, and the temporaries on the way to them, would be 120 MB each."""
    torch.manual_seed(0)
    corners = torch.rand(60_000 + num_gt, 2) * 1000
    all_boxes = torch.cat([corners, corners + 1 + torch.rand(len(corners), 2) * 200], dim=1)
    gt_boxes, candidates = all_boxes[:num_gt], all_boxes[num_gt:]
    with LargestResult() as largest:
        ExactMatcher(0.7, 0.3, True).match_boxes(gt_boxes, candidates)
    assert largest.elements <= 2 * matching.MOST_IOUS  # widths and heights together
    with LargestResult() as largest:
        Matcher(0.7, 0.3, True)(box_iou(gt_boxes, candidates))
    assert largest.elements >= num_gt * len(candidates)  # the counter sees


@pytest.mark.parametrize("low_quality", [True, False])
def test_an_iou_that_is_a_threshold_counts_as_in_the_textbook(low_quality: bool) -> None:
    gt_boxes = torch.tensor([[0.0, 0, 8, 8], [20, 20, 28, 28]])
    candidates = torch.tensor([[0.0, 0, 8, 6], [0, 0, 8, 4], [0, 0, 8, 2], [0, 0, 8, 1]])
    assert box_iou(gt_boxes, candidates)[0].tolist() == [0.75, 0.5, 0.25, 0.125]
    for high, low in ((0.75, 0.25), (0.5, 0.5), (0.75, 0.125)):
        textbook, exact = Matcher(high, low, low_quality), ExactMatcher(high, low, low_quality)
        assert torch.equal(exact.match_boxes(gt_boxes, candidates), textbook(box_iou(gt_boxes, candidates)))
