import pytest
import torch
import torchvision
from box_strategies import boxes, seeds
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import frcnn_edu
from frcnn_edu.ops.boxes import (
    batched_nms,
    box_area,
    box_iou,
    clip_boxes_to_image,
    most_at_one_go,
    nms,
    remove_small_boxes,
    resize_boxes,
)


def iou_by_hand(a: list[float], b: list[float]) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def test_area() -> None:
    assert box_area(torch.tensor([[0.0, 0, 3, 5], [-1, -2, 1, 2], [4, 4, 4, 9]])).tolist() == [15, 8, 0]


def test_boxes_that_only_touch_do_not_overlap() -> None:
    a = torch.tensor([[0.0, 0, 10, 10]])
    assert box_iou(a, torch.tensor([[10.0, 0, 20, 10], [0, 10, 10, 20], [10, 10, 20, 20]])).tolist() == [[0, 0, 0]]


@given(boxes(), boxes())
def test_iou_is_symmetric_and_between_0_and_1(a: Tensor, b: Tensor) -> None:
    iou = box_iou(a, b)
    assert iou.shape == (len(a), len(b))
    assert torch.equal(iou, box_iou(b, a).T)
    assert ((iou >= 0) & (iou <= 1)).all()


@given(boxes(min_count=1))
def test_a_box_overlaps_itself_wholly(a: Tensor) -> None:
    assert (box_iou(a, a).diagonal() == 1).all()


@given(boxes(min_count=1, max_count=4), boxes(min_count=1, max_count=4))
def test_iou_is_what_two_loops_compute(a: Tensor, b: Tensor) -> None:
    expected = [[iou_by_hand(one, other) for other in b.tolist()] for one in a.tolist()]
    assert torch.allclose(box_iou(a, b), torch.tensor(expected), atol=1e-4)


DTYPES = (torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.int8)


@given(boxes(whole=True), boxes(whole=True), st.sampled_from(["xyxy", "xywh", "cxcywh"]), st.sampled_from(DTYPES))
def test_areas_and_ious_in_each_format_and_dtype_are_torchvisions(
    a: Tensor, b: Tensor, fmt: str, dtype: torch.dtype
) -> None:
    a, b = (torchvision.ops.box_convert(some.clamp(max=60), "xyxy", fmt).to(dtype) for some in (a, b))
    for ours, theirs, arguments in (
        (box_area, torchvision.ops.box_area, (a,)),
        (box_iou, torchvision.ops.box_iou, (a, b)),
    ):
        found, expected = ours(*arguments, fmt=fmt), theirs(*arguments, fmt=fmt)
        assert found.dtype == expected.dtype
        assert torch.allclose(found, expected, equal_nan=True)  # a side of 0 makes 0 / 0 of both


def test_boxes_of_several_images_at_once() -> None:
    a, b = torch.rand(2, 5, 4).cumsum(dim=2), torch.rand(2, 3, 4).cumsum(dim=2)
    assert torch.equal(box_iou(a, b), torch.stack([box_iou(*pair) for pair in zip(a, b)]))  # (2, 5, 3)
    assert torch.equal(box_area(a), torch.stack([box_area(each) for each in a]))


@pytest.mark.parametrize("function", [box_area, lambda boxes, fmt: box_iou(boxes, boxes, fmt)], ids=["area", "iou"])
def test_an_unknown_format(function) -> None:
    with pytest.raises(ValueError, match="fmt must be 'xyxy', 'xywh' or 'cxcywh', got xyx2y2"):
        function(torch.zeros(1, 4), fmt="xyx2y2")


def test_roi_align_takes_one_number_and_lists_of_boxes() -> None:
    features, box = torch.rand(1, 2, 8, 8), torch.tensor([[1.0, 1, 6, 7]])
    one = frcnn_edu.roi_align(features, [box], 3, sampling_ratio=2)
    assert torch.equal(
        one, frcnn_edu.roi_align(features, torch.nn.functional.pad(box, (1, 0)), (3, 3), sampling_ratio=2)
    )
    assert one.shape == (1, 2, 3, 3)


@given(boxes(), st.integers(1, 120), st.integers(1, 120))
def test_clipping_moves_into_the_image_once(a: Tensor, height: int, width: int) -> None:
    clipped = clip_boxes_to_image(a, (height, width))
    x, y = clipped[:, 0::2], clipped[:, 1::2]
    assert ((x >= 0) & (x <= width)).all()
    assert ((y >= 0) & (y <= height)).all()
    assert torch.equal(clip_boxes_to_image(clipped, (height, width)), clipped)
    inside = (a[:, :2] >= 0).all(dim=1) & (a[:, 2] <= width) & (a[:, 3] <= height)
    assert torch.equal(clipped[inside], a[inside])


def test_clipping_takes_height_first_and_any_leading_shape() -> None:
    a = torch.tensor([-5.0, -5, 500, 500]).expand(2, 3, 4)
    assert torch.equal(clip_boxes_to_image(a, (20, 40)), torch.tensor([0.0, 0, 40, 20]).expand(2, 3, 4))


def test_small_boxes_have_one_side_that_is_too_short() -> None:
    a = torch.tensor([[0.0, 0, 5, 5], [0, 0, 4.9, 9], [0, 0, 9, 4.9], [0, 0, 5, 9]])
    assert remove_small_boxes(a, 5).tolist() == [0, 3]  # exactly 5 is enough


def test_resizing_has_a_ratio_for_each_axis() -> None:
    a = torch.tensor([[10.0, 10, 20, 40]])
    assert resize_boxes(a, (100, 200), (50, 400)).tolist() == [[20, 5, 40, 20]]


@given(boxes(), st.integers(1, 2000), st.integers(1, 2000))
def test_resizing_there_and_back(a: Tensor, height: int, width: int) -> None:
    there = resize_boxes(a, (100, 130), (height, width))
    assert torch.allclose(resize_boxes(there, (height, width), (100, 130)), a, rtol=1e-5, atol=1e-5)


@given(boxes(max_count=25, whole=True), st.sampled_from([0.3, 0.5, 0.7]), st.integers(1, 4), seeds())
def test_nms_keeps_the_best_and_drops_only_what_a_better_one_covers(
    a: Tensor, threshold: float, groups: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(len(a), generator=generator)
    group = torch.randint(0, groups, (len(a),), generator=generator)
    kept = batched_nms(a, scores, group, threshold)
    assert kept.tolist() == sorted(kept.tolist(), key=lambda i: -scores[i])
    covers = (box_iou(a, a) > threshold) & (group[:, None] == group[None, :])  # (N, N)
    dropped = sorted(set(range(len(a))) - set(kept.tolist()))
    assert not covers[kept][:, kept].fill_diagonal_(False).any()
    for i in dropped:
        assert any(covers[k, i] and scores[k] > scores[i] for k in kept.tolist())


def crowd(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes that overlap a lot, scores of which no two are equal, and three groups."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.randint(0, 90, (count, 2), generator=generator)
    a = torch.cat([corners, corners + torch.randint(5, 40, (count, 2), generator=generator)], dim=1).float()
    return a, torch.randperm(count, generator=generator) / count, torch.randint(0, 3, (count,), generator=generator)


@pytest.mark.parametrize("count", [300, 1500])
def test_batched_nms_is_nms_of_each_group(count: int) -> None:
    a, scores, group = crowd(count)
    expected = []
    for k in range(3):
        members = torch.where(group == k)[0]
        expected += members[nms(a[members], scores[members], 0.5)].tolist()
    kept = batched_nms(a, scores, group, 0.5)
    assert sorted(kept.tolist()) == sorted(expected)
    assert len(kept) < count


def test_nothing_to_suppress() -> None:
    kept = batched_nms(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0).long(), 0.5)
    assert kept.tolist() == []
    assert kept.dtype == torch.int64


def test_iou_has_a_gradient() -> None:
    gt_boxes = torch.tensor([[0.0, 0, 4, 3], [2, 1, 9, 8]], dtype=torch.float64, requires_grad=True)
    others = torch.tensor([[1.0, 1, 5, 5], [3, 0, 4, 9], [20, 20, 30, 30]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(box_iou, (gt_boxes, others))


@given(
    boxes(min_count=1, whole=True), boxes(min_count=1, whole=True), st.integers(-50, 50), st.integers(-9, 9), seeds()
)
def test_iou_does_not_depend_on_place_scale_and_order(a: Tensor, b: Tensor, shift: int, power: int, seed: int) -> None:
    """On whole pixels, moved by whole pixels and scaled by powers of two, no number is rounded: equal to the last bit."""
    iou = box_iou(a, b)
    assert torch.equal(box_iou(a + shift, b + shift), iou)
    assert torch.equal(box_iou(a * 2.0**power, b * 2.0**power), iou)
    order = torch.randperm(len(a), generator=torch.Generator().manual_seed(seed))
    assert torch.equal(box_iou(a[order], b), iou[order])


@given(boxes(max_count=8, whole=True), boxes(min_count=1, max_count=1, whole=True))
def test_iou_with_what_two_boxes_share_is_a_share_of_each(a: Tensor, b: Tensor) -> None:
    common = torch.cat([torch.max(a[:, :2], b[:, :2]), torch.min(a[:, 2:], b[:, 2:])], dim=1)
    meet = (common[:, 2:] > common[:, :2]).all(dim=1)
    assert torch.equal(box_iou(a, b)[:, 0] > 0, meet)
    expected = box_area(common)[meet] / (box_area(a)[meet] + box_area(b) - box_area(common)[meet])
    assert torch.allclose(box_iou(a, b)[meet, 0], expected)


@given(boxes(max_count=25, whole=True), st.sampled_from([0.3, 0.5, 0.7]), st.integers(1, 4), seeds())
def test_nms_of_what_it_kept_keeps_all_and_groups_do_not_meet(
    a: Tensor, threshold: float, groups: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randperm(len(a), generator=generator).float()
    group = torch.randint(0, groups, (len(a),), generator=generator)
    kept = batched_nms(a, scores, group, threshold)
    assert len(set(kept.tolist())) == len(kept)
    assert batched_nms(a[kept], scores[kept], group[kept], threshold).tolist() == list(range(len(kept)))
    each = [torch.where(group == k)[0] for k in range(groups)]
    alone = [members[nms(a[members], scores[members], threshold)] for members in each]
    assert sorted(kept.tolist()) == sorted(torch.cat(alone).tolist())
    assert torch.equal(nms(a, scores, threshold), batched_nms(a, scores, torch.zeros_like(group), threshold))


@given(boxes(), st.floats(0, 40, width=32))
def test_what_is_left_is_large_enough_and_nothing_else_is(a: Tensor, least: float) -> None:
    kept = remove_small_boxes(a, least).tolist()
    assert kept == [i for i, (x1, y1, x2, y2) in enumerate(a) if x2 - x1 >= least and y2 - y1 >= least]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_boxes_keep_their_precision(dtype: torch.dtype) -> None:
    a = torch.tensor([[1.0, 2, 30, 40], [1, 2, 30, 44]], dtype=dtype)
    for found in (resize_boxes(a, (7, 9), (13, 5)), clip_boxes_to_image(a, (20, 20))):
        assert found.dtype == dtype


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int16, torch.int64], ids=str
)
def test_areas_that_half_precision_has_no_number_for(dtype: torch.dtype) -> None:
    boxes = torch.tensor([[0, 0, 300, 300], [40, 8, 296, 264], [0, 0, 400, 300]], dtype=dtype)
    assert torch.equal(box_area(boxes), torchvision.ops.box_area(boxes))
    assert torch.equal(box_iou(boxes, boxes), torchvision.ops.box_iou(boxes, boxes))
    assert (box_iou(boxes, boxes) > 0).all()


def test_equal_boxes_of_two_groups_are_both_kept() -> None:
    """However small: the place that a group is moved to begins behind the largest coordinate."""
    a = torch.tensor([[0.0, 0, 1, 1]]).repeat(3, 1)
    assert batched_nms(a, torch.tensor([0.5, 0.9, 0.7]), torch.tensor([0, 1, 1]), 0.5).tolist() == [1, 0]


def test_how_many_are_taken_at_one_go_is_torchvisions_number() -> None:
    assert most_at_one_go(torch.device("cpu")) == 4_000
    assert most_at_one_go(torch.device("cuda")) == most_at_one_go(torch.device("mps")) == 100_000
