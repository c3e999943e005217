import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from frcnn_edu import LevelMapper, MultiScaleRoIAlign, run_as
from frcnn_edu.model.fast import MODES
from frcnn_edu.model.roi_align import convert_to_roi_format, infer_scale

SIDES = st.lists(st.floats(0.5, 4000, width=32), min_size=2, max_size=20)


def squares(sides: list[float]) -> Tensor:
    corners = torch.tensor(sides)
    return torch.stack([corners * 0, corners * 0, corners, corners], dim=1)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(SIDES, st.integers(0, 3), st.integers(0, 4))
def test_larger_boxes_never_go_to_finer_levels(sides: list[float], k_min: int, more: int) -> None:
    levels = LevelMapper(k_min, k_min + more)([squares(sorted(sides))])
    assert levels.tolist() == sorted(levels.tolist())
    assert levels.min() >= 0
    assert levels.max() <= more


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.floats(20, 900, width=32))
def test_twice_the_side_is_one_level_up(side: float) -> None:
    first, second = LevelMapper(-10, 20)([squares([side, 2 * side])]).tolist()
    assert second == first + 1


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(1, 900), st.integers(1, 900), st.integers(-500, 500), st.integers(-500, 500))
def test_the_level_depends_on_the_area_alone(width: int, height: int, x: int, y: int) -> None:
    boxes = torch.tensor([[0, 0, width, height], [x, y, x + width, y + height], [x, y, x + height, y + width]])
    first, moved, turned = LevelMapper(2, 5)([boxes[:1].float(), boxes[1:].float()]).tolist()
    assert first == moved == turned


def test_the_canonical_box_can_be_moved() -> None:
    assert (LevelMapper(2, 5, canonical_scale=45)([squares([44, 45, 90])]) + 2).tolist() == [3, 4, 5]
    assert (LevelMapper(2, 5, canonical_level=3)([squares([224, 448])]) + 2).tolist() == [3, 4]


@pytest.mark.parametrize(
    ("rows", "height", "scale"), [(200, 800, 1 / 4), (199, 793, 1 / 4), (13, 800, 1 / 64), (8, 11, 1.0), (8, 12, 0.5)]
)
def test_scale_is_the_nearest_power_of_two(rows: int, height: int, scale: float) -> None:
    assert infer_scale(rows, height) == scale


def test_roi_format_names_the_image() -> None:
    rois = convert_to_roi_format([torch.ones(2, 4), torch.zeros(0, 4), torch.full((1, 4), 3.0)])
    assert rois.tolist() == [[0, 1, 1, 1, 1], [0, 1, 1, 1, 1], [2, 3, 3, 3, 3]]


def bilinear(plane: Tensor, y: float, x: float) -> float:
    """One sample, as the RoIAlign kernel takes it: the edge is repeated, and beyond one pixel outside all is 0."""
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = max(y, 0.0), max(x, 0.0)
    top, left = min(int(y), height - 1), min(int(x), width - 1)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    dy, dx = (y - top if top < height - 1 else 0.0), (x - left if left < width - 1 else 0.0)
    upper = plane[top, left] * (1 - dx) + plane[top, right] * dx
    lower = plane[bottom, left] * (1 - dx) + plane[bottom, right] * dx
    return float(upper * (1 - dy) + lower * dy)


def roi_align_by_hand(plane: Tensor, box: list[float], scale: float, bins: int, samples: int) -> Tensor:
    x1, y1, x2, y2 = (value * scale for value in box)
    bin_w, bin_h = max(x2 - x1, 1.0) / bins, max(y2 - y1, 1.0) / bins
    out = torch.zeros(bins, bins)
    for i in range(bins):
        for j in range(bins):
            points = [
                bilinear(plane, y1 + (i + (a + 0.5) / samples) * bin_h, x1 + (j + (b + 0.5) / samples) * bin_w)
                for a in range(samples)
                for b in range(samples)
            ]
            out[i, j] = sum(points) / len(points)
    return out


def test_pooled_features_are_means_of_four_samples_from_the_right_level() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = {str(i): torch.randn(1, 1, 64 // 2**i, 64 // 2**i, generator=generator) for i in range(4)}
    boxes = torch.tensor([[3.0, 7, 90, 66], [100, 20, 230, 140], [5, 5, 250, 255], [240, 240, 256, 256]])
    pool = MultiScaleRoIAlign(["0", "1", "2", "3"], 3, 2, canonical_scale=120)
    pooled = pool(maps, [boxes], [(256, 256)])
    assert pool.scales == [1 / 4, 1 / 8, 1 / 16, 1 / 32]
    levels = [min(max(math.floor(4 + math.log2(math.sqrt(w * h) / 120) + 1e-6), 2), 5) - 2 for w, h in
              [(87, 59), (130, 120), (245, 250), (16, 16)]]  # fmt: skip
    assert levels == [1, 2, 3, 0]
    for box, level, found in zip(boxes.tolist(), levels, pooled):
        expected = roi_align_by_hand(maps[str(level)][0, 0], box, pool.scales[level], 3, 2)
        assert torch.allclose(found[0], expected, atol=1e-5)


def test_no_boxes_at_all() -> None:
    maps = {"0": torch.randn(2, 3, 16, 16), "1": torch.randn(2, 3, 8, 8)}
    pooled = MultiScaleRoIAlign(["0", "1"], 7, 2)(maps, [torch.zeros(0, 4)] * 2, [(64, 64)] * 2)
    assert pooled.shape == (0, 3, 7, 7)


def test_maps_of_other_names() -> None:
    pool = MultiScaleRoIAlign(["p2", "p3"], 7, 2)
    with pytest.raises(ValueError, match=r"\['p2', 'p3'\], but the backbone returned \['0', 'pool'\]"):
        pool({"0": torch.zeros(1, 1, 8, 8), "pool": torch.zeros(1, 1, 4, 4)}, [torch.zeros(1, 4)], [(32, 32)])


def test_maps_of_several_dtypes_are_pooled_to_that_of_the_first() -> None:
    """Under autocast the finest map may be bfloat16 and another not."""
    maps = {"0": torch.rand(1, 2, 64, 64).bfloat16(), "1": torch.rand(1, 2, 32, 32)}
    boxes = torch.tensor([[4.0, 4, 40, 40], [0, 0, 250, 250]])  # one from either
    pooled = MultiScaleRoIAlign(["0", "1"], 3, 2)(maps, [boxes], [(256, 256)])
    assert pooled.dtype == torch.bfloat16
    single = MultiScaleRoIAlign(["1"], 3, 2)(maps, [boxes[1:]], [(256, 256)])
    assert torch.equal(pooled[1], single[0].bfloat16())


@pytest.mark.parametrize("mode", MODES)
def test_boxes_of_a_level_that_is_not_there_have_no_features(mode: str) -> None:
    """As in torchvision: they stay 0."""
    pool = run_as(MultiScaleRoIAlign(["0", "1"], 2, 2), mode)
    maps = {"0": torch.ones(1, 3, 16, 16), "1": 2 * torch.ones(1, 3, 8, 8)}
    boxes = [torch.tensor([[4.0, 4, 20, 20], [0, 0, 60, 60]])]
    pool(maps, boxes, [(64, 64)])
    pool.map_levels = lambda boxes: torch.tensor([-1, 1])
    assert pool(maps, boxes, [(64, 64)]).amax(dim=(1, 2, 3)).tolist() == [0, 2]
    pool.map_levels, pool.scales = (lambda boxes: torch.tensor([1, 0])), [0.25]
    assert pool(maps, boxes, [(64, 64)]).amax(dim=(1, 2, 3)).tolist() == [0, 1]


@pytest.mark.parametrize("mode", MODES)
def test_features_of_a_single_map_can_be_viewed_as_rows(mode: str) -> None:
    pool = run_as(MultiScaleRoIAlign(["0"], 2, 2), mode)
    x = torch.rand(1, 3, 16, 16).contiguous(memory_format=torch.channels_last)
    assert pool({"0": x}, [torch.tensor([[4.0, 4, 20, 20]])], [(64, 64)]).view(1, -1).shape == (1, 12)
