import pytest
import torch
from box_strategies import boxes, seeds
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from frcnn_edu.model.fast.boxes import batched_nms, box_iou, clip_boxes_to_images
from frcnn_edu.ops import boxes as textbook
from frcnn_edu.ops.boxes import clip_boxes_to_image


@given(boxes(), boxes())
def test_iou_is_the_textbooks_to_the_last_bit(first: Tensor, second: Tensor) -> None:
    assert torch.equal(box_iou(first, second), textbook.box_iou(first, second))


@given(boxes(), boxes(), st.integers(1, 60), st.integers(1, 60))
def test_images_are_clipped_each_by_its_own_size(a: Tensor, b: Tensor, height: int, width: int) -> None:
    count = min(len(a), len(b))
    both = clip_boxes_to_images(torch.stack([a[:count], b[:count]]), [(height, width), (40, 70)])
    assert torch.equal(both[0], clip_boxes_to_image(a[:count], (height, width)))
    assert torch.equal(both[1], clip_boxes_to_image(b[:count], (40, 70)))


@given(st.lists(st.integers(1, 8), min_size=1, max_size=5), seeds())
def test_nms_with_known_group_sizes(sizes: list[int], seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textbook, "most_at_one_go", lambda device: 0)  # one group after another, even if there are few
        check_nms_of_groups(sizes, seed)


def check_nms_of_groups(sizes: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    count = sum(sizes)
    corners = torch.rand(count, 2, generator=generator) * 20
    some = torch.cat([corners, corners + 1 + torch.rand(count, 2, generator=generator) * 20], dim=1)
    scores = torch.rand(count, generator=generator)
    groups = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    expected = textbook.batched_nms(some, scores, groups, 0.3)
    assert torch.equal(batched_nms(some, scores, groups, 0.3, sizes), expected)
    assert torch.equal(batched_nms(some, scores, groups, 0.3), expected)
    assert torch.equal(scores[expected], scores[expected].sort(descending=True).values)
