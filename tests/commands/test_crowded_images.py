"""What `evaluate` says of images with as many detections as there can be."""

from typing import Any

import torch

from frcnn_edu.commands.evaluate import crowded_images
from frcnn_edu.training import Evaluation


def evaluation(*counts: tuple[int, int]) -> Evaluation:
    """Images with so many detections and objects."""
    detections = [{"scores": torch.ones(found)} for found, _ in counts]
    targets: list[dict[str, Any]] = [{"labels": torch.ones(objects)} for _, objects in counts]
    return Evaluation({}, detections, targets)


def test_nothing_to_say() -> None:
    assert crowded_images(evaluation((99, 100), (0, 0)), most=100, counted=100) == []


def test_full_and_crowded_images() -> None:
    full, crowded = crowded_images(evaluation((100, 0), (5, 150), (100, 101)), most=100, counted=100)
    assert full.startswith(
        "images at the limit: 2 of 3 have 100 detections, the most that are kept; --max-detections N"
    )
    assert crowded == "crowded images: 2 have more than 100 objects, up to 150"


def test_a_limit_that_is_not_cocos() -> None:
    assert crowded_images(evaluation((100, 150)), most=300, counted=300) == [
        "average precision counts 300 detections of an image and class; COCO's own counts 100"
    ]
