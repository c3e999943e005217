import pickle
import random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from frcnn_edu.data import ShapesDetection, train_transforms

KEYS = {"boxes", "labels", "image_id", "area", "iscrowd"}


def painted(boxes: list[list[int]], iscrowd: list[int] | None = None) -> tuple[Tensor, dict[str, Any]]:
    """A black image 80 × 100 with the boxes painted in, box i with the value (i + 1) / 10."""
    image = torch.zeros(3, 80, 100)
    for i, (x0, y0, x1, y1) in enumerate(boxes):
        image[:, y0:y1, x0:x1] = (i + 1) / 10
    xyxy = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return image, {
        "boxes": xyxy,
        "labels": torch.arange(1, len(boxes) + 1),
        "image_id": 42,
        "area": (xyxy[:, 2:] - xyxy[:, :2]).prod(dim=1) / 2,  # as a mask's, smaller than the box
        "iscrowd": torch.tensor(iscrowd or [0] * len(boxes)),
    }


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (
        all(torch.equal(one[key], other[key]) for key in KEYS - {"image_id"}) and one["image_id"] == other["image_id"]
    )


def test_plain_tensors_come_out() -> None:
    image, target = train_transforms(1.0, 1.0, (0.8, 1.2))(*painted([[10, 10, 30, 40]]))
    assert type(image) is Tensor
    assert target.keys() == KEYS
    assert all(type(target[key]) is Tensor for key in KEYS - {"image_id"})
    assert target["boxes"].dtype == target["area"].dtype == image.dtype == torch.float32


@pytest.mark.parametrize(("hflip", "vflip"), [(1, 0), (0, 1), (1, 1)])
def test_boxes_follow_the_pixels(hflip: float, vflip: float) -> None:
    image, target = train_transforms(hflip, vflip)(*painted([[10, 20, 30, 25], [60, 50, 100, 80]]))
    for i, (x0, y0, x1, y1) in enumerate(target["boxes"].int().tolist()):
        mine = image[0] == (i + 1) / 10
        assert mine[y0:y1, x0:x1].all()
        assert mine.sum() == (y1 - y0) * (x1 - x0)


def test_known_values() -> None:
    item = painted([[10, 20, 30, 25]])
    assert train_transforms(hflip=1)(*item)[1]["boxes"].tolist() == [[70, 20, 90, 25]]
    assert train_transforms(hflip=0, vflip=1)(*item)[1]["boxes"].tolist() == [[10, 55, 30, 60]]


whole_boxes = st.tuples(st.integers(0, 90), st.integers(0, 70), st.integers(1, 10), st.integers(1, 10))


@settings(max_examples=50, deadline=None)
@given(st.lists(whole_boxes, max_size=8), st.sampled_from([(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]))
def test_flipping_twice_changes_nothing(boxes: list[tuple[int, ...]], flips: tuple[float, float]) -> None:
    image, target = painted([[x, y, x + w, y + h] for x, y, w, h in boxes])
    flip = train_transforms(*flips)
    twice_image, twice = flip(*flip(image, target))
    assert torch.equal(image, twice_image)
    assert same(target, twice)


def test_boxes_to_ignore_are_dropped() -> None:
    target = train_transforms(hflip=0)(*painted([[1, 1, 9, 9], [20, 20, 30, 30], [40, 40, 50, 50]], [1, 0, 1]))[1]
    assert target["boxes"].tolist() == [[20, 20, 30, 30]]
    assert target["labels"].tolist() == [2]
    assert target["iscrowd"].tolist() == [0]
    assert target["area"].tolist() == [50]


def test_no_boxes() -> None:
    for transforms in (train_transforms(1.0, 1.0), train_transforms(scale_jitter=(0.5, 2.0))):
        target = transforms(*painted([]))[1]
        assert target["boxes"].shape == (0, 4)
        assert target["labels"].shape == target["area"].shape == target["iscrowd"].shape == (0,)


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.25])
def test_scale_jitter_moves_pixels_boxes_and_area_alike(scale: float) -> None:
    image, target = train_transforms(hflip=0, scale_jitter=(scale, scale))(*painted([[30, 20, 60, 60]]))
    assert image.shape == (3, 80, 100)
    x0, y0, x1, y1 = target["boxes"][0].tolist()
    assert x1 - x0 == pytest.approx(30 * scale, abs=1)
    assert y1 - y0 == pytest.approx(40 * scale, abs=1)
    # Compare with where the value of the painted box is; it lies between black and the grey of the frame.
    rows, columns = torch.nonzero((image[0] - 0.1).abs() < 0.04, as_tuple=True)
    edges = (columns.min().item(), rows.min().item(), columns.max().item() + 1, rows.max().item() + 1)
    inside = image[0, round(y0) + 1 : round(y1) - 1, round(x0) + 1 : round(x1) - 1]
    assert inside.numpy() == pytest.approx(0.1, abs=0.01)
    if scale > 1:  # no frame, whose blend with black would take the same value
        assert edges == pytest.approx((x0, y0, x1, y1), abs=1.5)
    assert target["area"].item() == pytest.approx(30 * 40 / 2 * scale**2, rel=0.08)


def test_what_leaves_the_image_is_cut_or_dropped() -> None:
    """Enlarged twice about (50, 40), x goes to 2 x - 50 and y to 2 y - 40."""
    item = painted([[20, 30, 60, 50], [0, 0, 20, 15], [10, 30, 26, 50]])
    target = train_transforms(hflip=0, scale_jitter=(2.0, 2.0))(*item)[1]
    assert target["labels"].tolist() == [1]  # the second is outside, of the third a strip of 2 pixels is left
    assert target["boxes"][0].tolist() == pytest.approx([0, 20, 70, 60], abs=1)


def test_randomness_is_torchs_alone() -> None:
    transforms = train_transforms(0.5, 0.5, (0.5, 2.0))
    item = painted([[10, 20, 30, 25], [60, 50, 100, 80]])
    runs = []
    for seed in (0, 1):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(3)
        runs.append([transforms(*item) for _ in range(10)])
    for (one_image, one), (other_image, other) in zip(*runs):
        assert torch.equal(one_image, other_image)
        assert same(one, other)
    assert len({target["boxes"].sum().item() for _, target in runs[0]}) > 5  # and it is random


def test_flips_happen_as_often_as_asked() -> None:
    torch.manual_seed(0)
    transforms, item = train_transforms(hflip=0.25), painted([[0, 0, 10, 10]])
    flipped = sum(transforms(*item)[1]["boxes"][0, 0].item() == 90 for _ in range(400))
    assert 70 < flipped < 130


def test_the_item_given_is_not_changed() -> None:
    image, target = painted([[10, 20, 30, 25]])
    before = {key: value.clone() if isinstance(value, Tensor) else value for key, value in target.items()}
    pixels = image.clone()
    train_transforms(1.0, 1.0, (0.5, 0.5))(image, target)
    assert torch.equal(image, pixels)
    assert same(target, before)


def test_a_data_set_with_transforms_goes_to_another_process() -> None:
    dataset = pickle.loads(pickle.dumps(ShapesDetection(length=2, transforms=train_transforms(1.0))))
    assert dataset[0][0].shape == (3, 128, 160)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hflip": 1.5}, "hflip must be a probability from 0 to 1; got 1.5"),
        ({"vflip": -0.1}, "vflip must be a probability from 0 to 1; got -0.1"),
        ({"scale_jitter": (0.0, 1.0)}, r"got \(0.0, 1.0\)"),
        ({"scale_jitter": (1.2, 0.8)}, r"got \(1.2, 0.8\)"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train_transforms(**arguments)
