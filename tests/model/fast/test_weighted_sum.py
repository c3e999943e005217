import pytest
import torch
import torchvision
from box_strategies import seeds
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from frcnn_edu.model.fast.roi_align import bilinear_samples, roi_align


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


@pytest.mark.parametrize(("position", "weight"), [(-1.0001, 0), (-1, 1), (0, 1), (4, 1), (4.0001, 0)])
def test_a_point_counts_up_to_one_cell_outside(position: float, weight: float) -> None:
    """torchvision's limits, both inclusive, on a map of 4 cells."""
    start = torch.tensor([position - 0.5])  # of a bin one cell long, its point in the middle
    _, weights = bilinear_samples(start, torch.ones(1), bins=1, ratio=1, cells=4)
    assert weights.sum() == weight
    box = on_image_0(torch.tensor([[position - 0.5, 1.5, position + 0.5, 2.5]]))
    ones = torch.ones(1, 1, 4, 4)
    assert roi_align(ones, box, (1, 1), sampling_ratio=1) == torchvision.ops.roi_align(
        ones, box, (1, 1), sampling_ratio=1
    )


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


def rois_on(height: float, width: float, images: int = 2) -> st.SearchStrategy[Tensor]:
    """(K, 5) with corners between 0 and the sides of a map, at least a cell apart."""
    ys = st.lists(st.floats(0, height, width=32), min_size=2, max_size=2).map(sorted)
    xs = st.lists(st.floats(0, width, width=32), min_size=2, max_size=2).map(sorted)
    roi = st.tuples(st.integers(0, images - 1), ys, xs).filter(lambda r: min(r[1][1] - r[1][0], r[2][1] - r[2][0]) >= 1)
    return st.lists(roi.map(lambda r: [r[0], r[2][0], r[1][0], r[2][1], r[1][1]]), min_size=1, max_size=6).map(
        lambda rows: torch.tensor(rows, dtype=torch.float32)
    )


SETTINGS = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))  # rows, columns, sampling ratio


@given(rois_on(9, 7), SETTINGS, st.floats(-9, 9, width=32), st.floats(-9, 9, width=32))
def test_a_slope_pools_to_its_height_at_the_centres_of_the_bins(
    rois: Tensor, settings: tuple[int, int, int], slope_y: float, slope_x: float
) -> None:
    """And a constant to itself: it is a slope of 0."""
    rows, columns, ratio = settings
    plane = 3 + slope_y * torch.arange(10.0)[:, None] + slope_x * torch.arange(8.0)
    pooled = roi_align(torch.stack([plane, -plane])[:, None], rois, (rows, columns), sampling_ratio=ratio)
    for (image, x1, y1, x2, y2), bins in zip(rois.tolist(), pooled[:, 0]):
        y = y1 + (torch.arange(rows) + 0.5) / rows * (y2 - y1)
        x = x1 + (torch.arange(columns) + 0.5) / columns * (x2 - x1)
        expected = 3 + slope_y * y[:, None] + slope_x * x
        assert torch.allclose(bins, expected * (1 - 2 * image), atol=1e-3)


@given(rois_on(60, 50), SETTINGS, st.booleans(), st.sampled_from([1 / 4, 1 / 8, 1.0]), st.integers(-30, 30), seeds())
def test_it_is_torchvisions_outside_of_the_map_too(
    rois: Tensor, settings: tuple[int, int, int], aligned: bool, scale: float, shift: int, seed: int
) -> None:
    features = torch.randn(2, 3, 10, 8, generator=torch.Generator().manual_seed(seed))
    rois = rois + torch.tensor([0, shift, shift, shift, shift])
    arguments = settings[:2], scale, settings[2], aligned
    expected = torchvision.ops.roi_align(features, rois, *arguments)
    assert torch.allclose(roi_align(features, rois, *arguments), expected, atol=1e-4)


@given(rois_on(30, 30), SETTINGS, st.integers(-2, 2), seeds())
def test_each_box_is_pooled_for_itself_and_pixels_are_what_the_scale_says(
    rois: Tensor, settings: tuple[int, int, int], power: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(2, 3, 9, 8, generator=generator)
    pooled = roi_align(features, rois, settings[:2], 1 / 4, settings[2])
    order = torch.randperm(len(rois), generator=generator)
    assert torch.equal(roi_align(features, rois[order], settings[:2], 1 / 4, settings[2]), pooled[order])
    enlarged = torch.cat([rois[:, :1], rois[:, 1:] * 2.0**power], dim=1)
    assert torch.equal(roi_align(features, enlarged, settings[:2], 0.25 / 2.0**power, settings[2]), pooled)
    other_image = torch.cat([1 - rois[:, :1], rois[:, 1:]], dim=1)
    assert torch.equal(roi_align(features.flip(0), other_image, settings[:2], 1 / 4, settings[2]), pooled)
