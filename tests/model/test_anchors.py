import pytest
import torch

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
    with pytest.raises(ValueError, match=r"got 2 sizes .* and 3 ratios"):
        AnchorGenerator(((32,), (64,)), ((1.0,),) * 3)


def test_anchors_for_another_number_of_feature_maps() -> None:
    generator = AnchorGenerator(((32,), (64,)), ((1.0,),) * 2)
    with pytest.raises(ValueError, match=r"given for 2 feature maps .* returned 1, of sizes \[\(8, 8\)\]"):
        generator(image_list(64, 64), [torch.zeros(2, 1, 8, 8)])
