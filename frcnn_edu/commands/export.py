"""`export`: a trained model as an ONNX file, which is compared with the model before it gets its name."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data import load_image
from ..model.export import differences, load_onnx, to_onnx
from ..model.fast import run_as
from ..training import TrainConfig, load_model
from ..training.files import replacing
from .evaluate import open_evaluation_data
from .image_files import find_images

MOST_IMAGES = 5  # on which the file and the model are compared
TOLERANCE = 1e-3  # of scores, and of boxes in pixels, for an image whose longer side is 1000


def run_export(options: argparse.Namespace) -> None:
    """Write a trained model as ONNX, and check that it finds the same."""
    model, classes, config = load_model(options.checkpoint)
    run_as(model, "textbook")  # as in the file
    images = some_images(options.images, config, classes)
    height, width = options.height or images[0].shape[1], options.width or images[0].shape[2]
    images = [image if image.shape[1:] == (height, width) else _resized(image, height, width) for image in images]
    print(f"exporting {config.model} for images of {width}×{height} pixels: about half a minute", flush=True)
    program = to_onnx(model, height, width)
    program.model.metadata_props["classes"] = json.dumps(classes)
    with replacing(options.out) as temporary:
        program.save(temporary)
        boxes, scores, objects = compare(temporary, model, images)
    print(
        f"{options.out} finds the same as the model in {len(images)} images, {objects} objects: boxes to {boxes:.1g} "
        f"pixels, scores to {scores:.1g}"
    )


def some_images(paths: Sequence[Path] | None, config: TrainConfig, classes: Sequence[str]) -> list[Tensor]:
    """The images given, or otherwise some that the model was evaluated on.

    Raises:
        ValueError: none are given, and the data are not where they were.
    """
    if paths:
        return [load_image(file) for file in find_images(paths)[:MOST_IMAGES]]
    try:
        found, _ = open_evaluation_data(config.data, None, classes, images=config.images)
    except ValueError as error:
        raise ValueError(f"the data of the training are missing, so give --images to compare on: {error}") from error
    return [found[i][0] for i in range(min(MOST_IMAGES, len(found)))]


@torch.no_grad()
def compare(file: Path, model: nn.Module, images: Sequence[Tensor]) -> tuple[float, float, int]:
    """The largest differences of boxes and scores between the file in onnxruntime and the model, and the number of objects.

    Raises:
        ValueError: they are too large.
    """
    detect = load_onnx(file)
    largest = (0.0, 0.0)
    objects = 0
    for i, image in enumerate(images):
        expected = model([image])[0]
        boxes, scores = differences(detect(image), expected)
        if max(boxes / max(1.0, max(image.shape) / 1000), scores) > TOLERANCE:
            raise ValueError(
                f"the ONNX file differs from the model in image {i}: boxes by {boxes:.1g} pixels, "
                f"scores by {scores:.1g}"
            )
        largest = (max(largest[0], boxes), max(largest[1], scores))
        objects += len(expected["boxes"])
    return *largest, objects


def _resized(image: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(image[None], size=(height, width), mode="bilinear", align_corners=False)[0]
