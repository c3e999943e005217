import hashlib
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import PCG64, Generator, SeedSequence
from torchvision.ops import masks_to_boxes

from frcnn_edu.data import ShapesDetection, shapes_drawing
from frcnn_edu.data.shapes_backgrounds import PATTERNS, contrast, draw_background, oklch
from frcnn_edu.data.shapes_drawing import (
    MIN_SIDE,
    MIN_VISIBLE,
    OUTLINES,
    SUPERSAMPLING,
    Pose,
    Scene,
    place,
    rasterize,
)

# The first 16 digits of SHA-256 over pixels, boxes and labels of the first images.
GOLDEN = {
    "train": ["3bebb3332adebceb", "1bb5b62fdd54fdd2", "9c4306ca5bf55124"],
    "val": ["4b1eef4da66fb624", "f35b64be45baac6b", "5470eaef8bde6ef0"],
    "test": ["d284d22082e4efe9", "bb1df9e4a901364b", "49603f985dc04549"],
}
GOLDEN_SEED_1 = "45fd0c4121299847"
TARGET_KEYS = {"boxes", "labels", "image_id", "area", "iscrowd"}


def digest(dataset: ShapesDetection, index: int) -> str:
    image, target = dataset[index]
    pixels = (image * 255).round().to(torch.uint8)
    parts = (pixels.numpy(), target["boxes"].to(torch.int16).numpy(), target["labels"].to(torch.int16).numpy())
    return hashlib.sha256(b"".join(part.astype("<i2").tobytes() for part in parts)).hexdigest()[:16]


@pytest.fixture(scope="module")
def targets() -> list[dict]:
    dataset = ShapesDetection(length=300)
    return [dataset[i][1] for i in range(300)]


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """Crowded scenes with what the data set does not hand out: who owns which pixel."""
    result = []
    for i in range(100):
        rng = Generator(PCG64(SeedSequence(7, spawn_key=(i,))))
        scene = Scene(rng, 128, 160)
        for label in rng.integers(1, 6, size=7).tolist():
            any(scene.try_to_add(rng, label) for _ in range(4))
        result.append(scene)
    return result


def test_items_are_what_a_detector_takes() -> None:
    image, target = ShapesDetection()[3]
    assert image.shape == (3, 128, 160)
    assert image.dtype == torch.float32
    assert image.is_contiguous()
    assert image.min() >= 0
    assert image.max() <= 1
    assert target.keys() == TARGET_KEYS
    n = len(target["labels"])
    assert target["boxes"].shape == (n, 4)
    assert target["boxes"].dtype == target["area"].dtype == torch.float32
    assert target["labels"].dtype == target["iscrowd"].dtype == torch.int64
    assert target["image_id"] == 3
    assert target["area"].equal((target["boxes"][:, 2:] - target["boxes"][:, :2]).prod(dim=1))


def test_the_same_images_everywhere() -> None:
    """Computed once. Another value means other images: the shipped weights and every figure would have to be redone."""
    found = {split: [digest(ShapesDetection(split), i) for i in range(3)] for split in ("train", "val", "test")}
    assert found == GOLDEN
    assert digest(ShapesDetection(seed=1, size=(96, 200)), 0) == GOLDEN_SEED_1


def test_the_order_of_access_does_not_matter() -> None:
    forwards, backwards = ShapesDetection(length=8), ShapesDetection(length=100)
    assert [digest(forwards, i) for i in range(8)] == [digest(backwards, i) for i in reversed(range(8))][::-1]


def test_no_image_is_in_two_splits_or_seeds() -> None:
    sets = [ShapesDetection(split, length=12, seed=seed) for split in ("train", "val", "test") for seed in (0, 1, 2)]
    backgrounds = [dataset[i][0][:, :4, :4].numpy().tobytes() for dataset in sets for i in range(12)]
    assert len(set(backgrounds)) == len(backgrounds)


def test_default_lengths_and_classes() -> None:
    assert [len(ShapesDetection(split)) for split in ("train", "val", "test")] == [8000, 200, 200]
    assert ShapesDetection.classes == ("background", "circle", "square", "triangle", "star", "cross")
    assert len(list(ShapesDetection(length=3))) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "validation"}, "train, val, test; got 'validation'"),
        ({"length": -1}, "got -1"),
        ({"seed": -5}, "got -5"),
        ({"size": (32, 160)}, r"got \(32, 160\)"),
        ({"size": (160,)}, r"got \(160,\)"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ShapesDetection(**arguments)


@pytest.mark.parametrize("index", [-1, 4])
def test_an_index_outside_is_refused(index: int) -> None:
    with pytest.raises(IndexError, match=str(index)):
        ShapesDetection(length=4)[index]


def test_transforms_are_applied() -> None:
    image, target = ShapesDetection(transforms=lambda image, target: (image[:, :2], {**target, "image_id": -7}))[0]
    assert image.shape == (3, 2, 160)
    assert target["image_id"] == -7


def test_boxes_are_tight_around_the_visible_pixels() -> None:
    """The images are drawn twice, with and without knowledge of who owns a pixel."""
    dataset = ShapesDetection(length=40)
    for index in range(40):
        rng = Generator(PCG64(SeedSequence(0, spawn_key=(0, index))))
        scene = Scene(rng, 128, 160)
        count = 0 if rng.random() < 0.04 else int(rng.integers(1, 8))
        for label in rng.integers(1, 6, size=count).tolist():
            any(scene.try_to_add(rng, label) for _ in range(15))
        masks = torch.stack([torch.from_numpy(scene.owner == i) for i in range(len(scene.labels) + 1)])[1:]
        boxes = masks_to_boxes(masks) + torch.tensor([0, 0, 1, 1])
        assert dataset[index][1]["boxes"].equal(boxes)
        assert dataset[index][1]["labels"].tolist() == scene.labels


def test_a_pixel_is_a_shapes_where_its_colour_is_at_least_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        shapes_drawing, "shading", lambda rng, outline, pose, stamp, *size: np.ones(stamp.coverage.shape)
    )
    for seed in range(20):
        rng = Generator(PCG64(seed))
        scene = Scene(rng, 128, 160)
        before = scene.image.copy()
        while not scene.try_to_add(rng, 1 + seed % 5):
            pass
        channel = np.abs(scene.colors[1] - scene.colors[0]).argmax()
        blend = ((scene.image - before) / (scene.colors[1] - before))[:, :, channel]
        assert np.array_equal(scene.owner == 1, blend > 0.49)  # in sixteenths


def test_every_labelled_shape_can_be_seen(scenes: list[Scene]) -> None:
    hidden = 0
    for scene in scenes:
        for i, full_area in enumerate(scene.full_areas[1:], start=1):
            mine = torch.from_numpy(scene.owner == i)
            x0, y0, x1, y1 = masks_to_boxes(mine[None])[0].tolist()
            assert mine.sum() >= MIN_VISIBLE * full_area
            assert min(x1 + 1 - x0, y1 + 1 - y0) >= MIN_SIDE
            hidden += int(mine.sum() < 0.95 * full_area)
    assert hidden > 60  # there is overlap to learn from


@pytest.mark.parametrize(
    ("width", "height", "full_area", "enough"),
    [
        (MIN_SIDE, MIN_SIDE, 100, True),
        (MIN_SIDE - 1, 40, 360, False),
        (40, MIN_SIDE - 1, 360, False),
        (20, 30, 1000, True),
        (20, 30, 1001, False),
        (0, 0, 100, False),
    ],
)
def test_enough_visible(width: int, height: int, full_area: int, enough: bool) -> None:
    owner = np.zeros((60, 60), dtype=np.uint8)
    owner[5 : 5 + height, 7 : 7 + width] = 3
    assert shapes_drawing.enough_visible(owner, 3, full_area) == enough


def test_a_shape_stands_out_from_what_it_touches(scenes: list[Scene]) -> None:
    found = []
    for scene in scenes:
        for i in range(1, len(scene.labels) + 1):
            mine = scene.owner == i
            around = np.zeros_like(mine)
            around[1:], around[:, 1:] = mine[:-1], mine[:, :-1]
            neighbours = set(np.unique(scene.owner[around & ~mine]).tolist()) - {i}
            found += [contrast(scene.colors[i], scene.colors[j]) for j in neighbours]
    assert len(found) > 1000
    assert np.mean(np.array(found) < 0.25) < 0.03
    assert np.mean(np.array(found) < 0.15) < 0.003  # two shapes of one colour may just touch


def test_colour_and_brightness_say_nothing_about_the_class(scenes: list[Scene]) -> None:
    means = {label: [] for label in range(1, 6)}
    for scene in scenes:
        for i, label in enumerate(scene.labels, start=1):
            means[label].append(scene.image[scene.owner == i].mean(axis=0))
    for label in means:
        mine, others = np.array(means[label]), np.concatenate([means[other] for other in means if other != label])
        error = np.sqrt(mine.var(axis=0) / len(mine) + others.var(axis=0) / len(others))
        assert (np.abs(mine.mean(axis=0) - others.mean(axis=0)) < 4 * error).all(), list(OUTLINES)[label - 1]
        assert len(mine) > 60


@pytest.mark.slow
def test_sizes_reach_every_pyramid_level(targets: list[dict]) -> None:
    sizes = torch.cat([target["area"] for target in targets]).sqrt()
    edges = (0, 20, 40, 80, 200)
    shares = [((sizes >= low) & (sizes < high)).float().mean().item() for low, high in pairwise(edges)]
    assert min(shares) > 0.06
    assert max(shares) < 0.5
    assert sizes.min() >= MIN_SIDE


def test_counts_and_classes_are_spread(targets: list[dict]) -> None:
    counts = np.bincount([len(target["labels"]) for target in targets], minlength=8)
    assert len(counts) == 8
    assert 0.02 < counts[0] / len(targets) < 0.08
    assert counts[1:].min() > 20
    labels = torch.cat([target["labels"] for target in targets]).bincount(minlength=6)
    assert labels[0] == 0
    assert labels[1:].min() > 0.16 * labels.sum()


def inside_by_crossings(corners: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The schoolbook test: a ray to the right crosses the boundary an odd number of times. Points in half units."""
    inside = np.zeros(x.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(2 * corners, 2 * np.roll(corners, -1, axis=0)):
        crosses = (y < y0) != (y < y1)
        right_of_point = (x1 - x0) * (y - y0) * np.sign(y1 - y0) >= (x - x0) * abs(y1 - y0)
        inside ^= crosses & right_of_point
    return inside


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(list(OUTLINES)),
    center=st.tuples(st.floats(0, 50), st.floats(0, 40)),
    radii=st.tuples(st.floats(4, 40), st.floats(4, 40)),
    angle=st.floats(0, 7),
)
def test_rasterize_agrees_with_the_schoolbook_test(
    name: str, center: tuple[float, float], radii: tuple[float, float], angle: float
) -> None:
    height, width, s = 40, 50, SUPERSAMPLING
    corners = place(OUTLINES[name], Pose(center, radii, angle))
    y, x = np.mgrid[0 : s * height, 0 : s * width] * 2 + 1
    expected = inside_by_crossings(corners, x, y).reshape(height, s, width, s).mean(axis=(1, 3))
    stamp = rasterize(corners, height, width)
    found = np.zeros((height, width))
    found[stamp.window] = stamp.coverage
    assert np.array_equal(found, expected)


def test_a_polygon_outside_the_image_covers_nothing() -> None:
    for center in ((-50, 20), (20, -50), (200, 20), (20, 200)):
        stamp = rasterize(place(OUTLINES["star"], Pose(center, (10, 10), 0.3)), 40, 50)
        assert stamp.coverage.size == 0
        assert stamp.full_area > 50


def test_outlines_run_clockwise_around_the_origin() -> None:
    for outline in OUTLINES.values():
        x, y = outline.T
        area = 0.5 * (x * np.roll(y, -1) - np.roll(x, -1) * y).sum()  # positive is clockwise where y points down
        assert 1.5 < area < 3.5


def test_oklch_grey_white_and_black() -> None:
    assert oklch(1.0, 0.0, 0.3).tolist() == [1.0, 1.0, 1.0]
    assert oklch(0.0, 0.0, 0.3).tolist() == [0.0, 0.0, 0.0]
    red, green, blue = oklch(0.628, 0.2577, 0.0812).tolist()  # Oklch of pure red
    assert red > 0.98
    assert max(green, blue) < 0.05


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_stay_between_the_two_colours(pattern) -> None:
    for seed in range(5):
        values = pattern(Generator(PCG64(seed)), 64, 90)
        assert values.shape == (64, 90)
        assert values.min() >= 0
        assert values.max() <= 1
        assert values.max() - values.min() > 0.1


def test_backgrounds_are_quiet() -> None:
    for seed in range(40):
        image, middle = draw_background(Generator(PCG64(seed)), 64, 80)
        assert np.abs(image - middle).max() < 0.15
