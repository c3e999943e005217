import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from frcnn_edu import AnchorGenerator, ImageList


def image_list(height: int, width: int) -> ImageList:
    return ImageList(torch.zeros(2, 3, height, width), [(height, width)] * 2)


def test_one_tensor_an_image_all_levels_together() -> None:
    generator = AnchorGenerator(((16,), (32,)), ((0.5, 1.0, 2.0),) * 2)
    anchors = generator(image_list(64, 96), [torch.zeros(2, 1, 8, 12), torch.zeros(2, 1, 4, 6)])
    assert [tuple(a.shape) for a in anchors] == [(3 * (8 * 12 + 4 * 6), 4)] * 2


def test_anchors_have_the_features_dtype() -> None:
    (first, _) = AnchorGenerator(((16,),), ((1.0,),))(image_list(32, 32), [torch.zeros(2, 1, 4, 4).double()])
    assert first.dtype == torch.float64


def test_ratios_given_once_serve_all_levels() -> None:
    generator = AnchorGenerator((32, 64), (0.5, 1.0))
    assert generator.num_anchors_per_location() == [2, 2]


def test_sizes_and_ratios_of_different_numbers() -> None:
    with pytest.raises(ValueError, match=r"got 2 and 3: sizes="):
        AnchorGenerator(((32,), (64,)), ((1.0,),) * 3)


def test_anchors_for_another_number_of_feature_maps() -> None:
    generator = AnchorGenerator(((32,), (64,)), ((1.0,),) * 2)
    with pytest.raises(ValueError, match=r"given for 2 feature maps .* returned 1, of sizes \[\(8, 8\)\]"):
        generator(image_list(64, 64), [torch.zeros(2, 1, 8, 8)])
    generator = AnchorGenerator(((32, 64),), ((1.0,),))
    with pytest.raises(ValueError, match=r"given for 1 feature map \(.* returned 2, of sizes \[\(8, 8\), \(4, 4\)\]"):
        generator(image_list(64, 64), [torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 4, 4)])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(st.integers(4, 600), min_size=1, max_size=3),
    st.lists(st.floats(0.25, 5, width=32), min_size=1, max_size=3),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(1, 64), st.integers(1, 64)),
)
def test_every_cell_has_the_same_anchors_a_stride_further(
    sizes: list[int], ratios: list[float], grid: tuple[int, int], stride: tuple[int, int]
) -> None:
    generator = AnchorGenerator((tuple(sizes),), (tuple(ratios),))
    base = generator.cell_anchors[0]
    (anchors,) = generator.grid_anchors([grid], [stride])
    assert len(anchors) == grid[0] * grid[1] * len(sizes) * len(ratios)
    of_cells = anchors.view(*grid, len(base), 4)
    for y in range(grid[0]):
        for x in range(grid[1]):
            shift = torch.tensor([x * stride[1], y * stride[0]] * 2)
            assert torch.equal(of_cells[y, x], base + shift)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(st.integers(4, 600), min_size=1, max_size=3),
    st.lists(st.floats(0.25, 5, width=32), min_size=1, max_size=3),
)
def test_base_anchors_keep_the_area_and_have_the_ratio_but_for_rounding(sizes: list[int], ratios: list[float]) -> None:
    """Sizes vary fastest. Each is symmetric around (0, 0), and has its corners on whole pixels."""
    base = AnchorGenerator((tuple(sizes),), (tuple(ratios),)).cell_anchors[0]
    assert torch.equal(base, base.round())
    assert torch.equal(base[:, :2], -base[:, 2:])
    expected = [(size / ratio**0.5, size * ratio**0.5) for ratio in ratios for size in sizes]
    assert ((base[:, 2:] - base[:, :2]) - torch.tensor(expected)).abs().max() <= 1.001
