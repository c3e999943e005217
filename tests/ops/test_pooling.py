import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from frcnn_edu.ops import roi_align
from frcnn_edu.ops.pooling import bilinear_samples


def on_image_0(boxes: Tensor) -> Tensor:
    return torch.cat([boxes.new_zeros(len(boxes), 1), boxes], dim=1)


@given(
    st.floats(-8, 40, width=32), st.floats(0, 50, width=32), st.integers(1, 5), st.integers(1, 3), st.integers(1, 30)
)
def test_weights_of_a_bin_add_up_to_the_share_of_its_points_on_the_map(start, length, bins, ratio, cells) -> None:
    found, weights = bilinear_samples(torch.tensor([start]), torch.tensor([length]), bins, ratio, cells)
    assert found.shape == weights.shape == (1, bins, 2 * ratio)
    assert found.min() >= 0
    assert found.max() < cells
    assert weights.min() >= 0
    shares = weights.unflatten(2, (ratio, 2)).sum(dim=3) * ratio  # of each point, 0 or 1
    assert torch.allclose(shares, shares.round(), atol=1e-6)
    if start >= 0 and start + length <= cells:
        assert torch.allclose(weights.sum(dim=2), torch.ones(1, bins))


def test_one_point_between_four_cells() -> None:
    """A bin from 2 to 3 has its only point at 2.5: half of cell 2, half of cell 3, in either direction."""
    plane = torch.arange(30.0).reshape(1, 1, 5, 6)
    box = on_image_0(torch.tensor([[2.0, 2, 3, 3]]))
    assert roi_align(plane, box, (1, 1), sampling_ratio=1).item() == (14 + 15 + 20 + 21) / 4
    # With centers at half cells, the same box covers cell (2, 2) and nothing else.
    assert roi_align(plane, box, (1, 1), sampling_ratio=1, aligned=True).item() == 14


def test_a_constant_map_pools_to_that_constant() -> None:
    boxes = on_image_0(torch.tensor([[3.0, 3, 90, 60], [0, 0, 128, 96], [50, 50, 50.5, 50.5]]))
    pooled = roi_align(torch.full((1, 2, 24, 32), 7.0), boxes, (7, 7), 1 / 4, 2)
    assert torch.allclose(pooled, torch.full((3, 2, 7, 7), 7.0))


def test_each_box_is_pooled_from_its_own_image() -> None:
    maps = torch.stack([torch.full((1, 8, 8), float(i)) for i in range(3)])
    rois = torch.tensor([[2.0, 0, 0, 8, 8], [0, 0, 0, 8, 8], [1, 2, 2, 5, 5]])
    assert torch.allclose(roi_align(maps, rois, (2, 2), sampling_ratio=2)[:, 0, 0, 0], torch.tensor([2.0, 0, 1]))


def test_gradients_are_those_of_finite_differences_and_none_flows_to_the_boxes() -> None:
    features = torch.randn(2, 3, 6, 7, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[1.0, 3, 2, 20, 17], [0, -4, 5, 9, 30]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: roi_align(x, boxes, (2, 3), 1 / 4, 2), features)
    (gradient,) = torch.autograd.grad(roi_align(features, boxes, (2, 3), 1 / 4, 2).sum(), boxes, allow_unused=True)
    assert gradient is None


def test_memory_format_changes_nothing() -> None:
    features = torch.randn(2, 8, 12, 10)
    rois = torch.tensor([[0.0, 4, 4, 30, 22], [1, 0, 0, 40, 40]])
    expected = roi_align(features, rois, (7, 7), 1 / 4, 2)
    assert torch.equal(roi_align(features.to(memory_format=torch.channels_last), rois, (7, 7), 1 / 4, 2), expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_maps_are_summed_in_float32(dtype: torch.dtype) -> None:
    features = torch.randn(1, 4, 8, 8).to(dtype)
    rois = torch.tensor([[0.0, 3, 3, 25, 28]])
    pooled = roi_align(features, rois, (3, 3), 1 / 4, 2)
    assert pooled.dtype == dtype
    assert torch.equal(pooled, roi_align(features.float(), rois, (3, 3), 1 / 4, 2).to(dtype))
