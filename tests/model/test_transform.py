import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models.detection.transform import GeneralizedRCNNTransform as TorchvisionTransform

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


def test_an_image_of_which_nothing_would_be_left() -> None:
    with pytest.raises(
        ValueError,
        match=r"image of 1×5000 pixels is too thin.* to 1333 \(max_size\), the shorter one would have no pixels",
    ):
        sizes(1, 5000, min_size=800, max_size=1333)


def test_in_training_each_size_is_drawn_now_and_then() -> None:
    torch.manual_seed(0)
    for choices in ((64, 96), (64, 96, 128)):
        transform = GeneralizedRCNNTransform(choices, 200, MEAN, STD).train()
        assert {min(transform.resize_image(torch.rand(3, 50, 70)).shape[1:]) for _ in range(40)} == set(choices)


def test_half_images_stay_half() -> None:
    transform = GeneralizedRCNNTransform(64, 200, MEAN, STD)
    assert transform.normalize(torch.rand(3, 4, 4, dtype=torch.float16)).dtype == torch.float16


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


IMAGES = st.lists(st.tuples(st.integers(8, 90), st.integers(8, 90)), min_size=1, max_size=3)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(IMAGES, st.integers(8, 60), st.integers(60, 90), st.sampled_from([1, 8, 32]))
def test_what_resizing_and_batching_keep(
    shapes: list[tuple[int, int]], min_size: int, max_size: int, divisible: int
) -> None:
    """The shape but for the fraction of a pixel, both limits, one of them reached; padding, and only right and below."""
    transform = GeneralizedRCNNTransform(min_size, max_size, MEAN, STD, divisible).eval()
    images = [torch.rand(3, *shape, generator=torch.Generator().manual_seed(i)) for i, shape in enumerate(shapes)]
    image_list, _ = transform(images)
    batch, sizes = image_list.tensors, image_list.image_sizes
    for image, padded, (height, width) in zip(images, batch, sizes, strict=True):
        rows, columns = image.shape[1:]
        assert max(height, width) <= max_size
        assert min(height, width) <= min_size
        assert max(height, width) >= max_size - 1 or min(height, width) >= min_size - 1
        scale = min(min_size / min(rows, columns), max_size / max(rows, columns))
        assert rows * scale - 1 < height + 1e-6 < rows * scale + 1e-3
        assert columns * scale - 1 < width + 1e-6 < columns * scale + 1e-3
        alone = transform.resize_image(transform.normalize(image))
        assert torch.equal(padded[:, :height, :width], alone)
        assert padded.count_nonzero() == alone.count_nonzero()
    for side, largest in zip(batch.shape[2:], map(max, zip(*sizes))):
        assert side % divisible == 0
        assert largest <= side < largest + divisible


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.tuples(st.integers(20, 90), st.integers(20, 90)), st.integers(8, 60), st.integers(0, 2**31))
def test_boxes_go_there_and_find_back(shape: tuple[int, int], min_size: int, seed: int) -> None:
    """On the way they stay on what they were on: the corner of the image is the corner of the resized one."""
    transform = GeneralizedRCNNTransform(min_size, 90, MEAN, STD).eval()
    height, width = shape
    corners = torch.rand(5, 2, 2, generator=torch.Generator().manual_seed(seed)).sort(dim=1).values
    boxes = (corners * torch.tensor([width, height])).flatten(1)
    boxes = torch.cat([boxes, torch.tensor([[0.0, 0, width, height]])])
    batch, (target,) = transform([torch.rand(3, height, width)], [{"boxes": boxes}])
    (size,) = batch.image_sizes
    assert torch.allclose(target["boxes"][-1], torch.tensor([0.0, 0, size[1], size[0]]))
    (back,) = transform.postprocess([{"boxes": target["boxes"]}], [size], [shape])
    assert torch.allclose(back["boxes"], boxes, rtol=1e-5, atol=1e-4)


def test_gradients_reach_the_images() -> None:
    """For saliency maps and adversarial examples; torchvision's are the same."""
    images = [torch.rand(3, 40, 30), torch.rand(3, 20, 50)]
    settings = (32, 64, [0.4, 0.5, 0.6], [0.2, 0.3, 0.4])
    found = []
    for transform in (GeneralizedRCNNTransform(*settings), TorchvisionTransform(*settings)):
        leaves = [image.clone().requires_grad_() for image in images]
        transform.eval()(leaves)[0].tensors.square().sum().backward()
        found.append([leaf.grad for leaf in leaves])
    assert all(torch.equal(one, other) and one.abs().sum() > 0 for one, other in zip(*found))
