import pytest
import torch

from frcnn_edu import GeneralizedRCNNTransform, ImageList

MEAN, STD = [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]


def sizes(height: int, width: int, **settings) -> tuple[int, int]:
    """To which size an image is brought, in evaluation."""
    transform = GeneralizedRCNNTransform(image_mean=MEAN, image_std=STD, **settings).eval()
    return transform([torch.rand(3, height, width)])[0].image_sizes[0]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ((480, 640), (800, 1066)),  # 1066.67
        ((333, 500), (800, 1201)),  # 1201.2
        ((500, 333), (1201, 800)),
        ((600, 1200), (666, 1333)),  # the longer side decides: 1333 / 1200
        ((800, 800), (800, 800)),
    ],
)
def test_shorter_side_800_unless_the_longer_one_exceeds_1333(image: tuple, expected: tuple) -> None:
    assert sizes(*image, min_size=800, max_size=1333) == expected


def test_fixed_size_is_width_first() -> None:
    assert sizes(50, 70, min_size=1, max_size=1, fixed_size=(64, 32)) == (32, 64)


def test_batch_is_as_large_as_its_largest_sides() -> None:
    transform = GeneralizedRCNNTransform(64, 200, MEAN, STD, size_divisible=32).eval()
    batch, targets = transform([torch.rand(3, 64, 100), torch.rand(3, 130, 64)])
    assert batch.tensors.shape == (2, 3, 160, 128)
    assert batch.image_sizes == [(64, 100), (130, 64)]
    assert targets is None


def test_further_keys_of_a_target_are_kept() -> None:
    transform = GeneralizedRCNNTransform(64, 200, MEAN, STD)
    target = {"boxes": torch.tensor([[0.0, 0, 10, 20]]), "labels": torch.tensor([3]), "image_id": 7}
    _, (resized,) = transform([torch.rand(3, 32, 32)], [target])
    assert resized["boxes"].tolist() == [[0, 0, 20, 40]]
    assert (resized["labels"].tolist(), resized["image_id"]) == ([3], 7)


def test_image_list_moves() -> None:
    batch = ImageList(torch.zeros(1, 3, 4, 4), [(4, 4)])
    moved = batch.to("meta")
    assert moved.tensors.device.type == "meta"
    assert moved.image_sizes == [(4, 4)]


def test_settings_are_shown() -> None:
    text = repr(GeneralizedRCNNTransform((64, 96), 200, MEAN, STD))
    assert "min_size=(64, 96), max_size=200" in text
