"""What `evaluate` says of how many images it measured, and of those with as many detections as there can be."""

from typing import Any

import pytest
import torch

from frcnn_edu.commands.evaluate import crowded_images, measured_on
from frcnn_edu.training import Evaluation


def evaluation(*counts: tuple[int, int]) -> Evaluation:
    """Images with so many detections and objects."""
    detections = [{"scores": torch.ones(found)} for found, _ in counts]
    targets: list[dict[str, Any]] = [{"labels": torch.ones(objects)} for _, objects in counts]
    return Evaluation({}, detections, targets)


def test_nothing_to_say() -> None:
    assert crowded_images(evaluation((99, 100), (0, 0)), most=100, limit=100) == []


def test_full_and_crowded_images() -> None:
    full, crowded = crowded_images(evaluation((100, 0), (5, 150), (100, 101)), most=100, limit=100)
    assert full.startswith(
        "images at the limit: 2 of 3 have 100 detections, the most that are kept; --max-detections N"
    )
    assert crowded == "crowded images: 2 have more than 100 objects, up to 150"


def test_one_full_and_crowded_image() -> None:
    full, crowded = crowded_images(evaluation((100, 150)), most=100, limit=100)
    assert full.startswith("images at the limit: 1 of 1 has 100 detections, ")
    assert crowded == "crowded images: 1 has more than 100 objects, up to 150"


@pytest.mark.parametrize(
    ("split", "measured", "there", "words"),
    [
        ("all", 1, 1, "1 image of a.json"),
        ("all", 10, 10, "all 10 images of a.json"),
        ("all", 1, 2, "1 of 2 images of a.json"),
        ("all", 3000, 3000, "all 3,000 images of a.json"),
        ("all", 2999, 3000, "2,999 of 3,000 images of a.json"),
        ("test", 1, 1, "1 image of shapes, split 'test'"),
        ("test", 5000, 5000, "5,000 images of shapes, split 'test'"),
    ],
)
def test_how_many_images_were_measured(split: str, measured: int, there: int, words: str) -> None:
    source = "shapes" if split == "test" else "a.json"
    assert measured_on(source, None, split, range(there), measured) == words


def test_a_limit_that_is_not_cocos() -> None:
    assert crowded_images(evaluation((100, 150)), most=300, limit=300) == [
        "average precision counts 300 detections per image and class; COCO's own counts 100"
    ]
