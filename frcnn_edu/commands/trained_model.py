"""The trained model that a command line names, and how much it gives of an image."""

import argparse
from typing import Any

from torch import nn

from ..catalogue import SHIPPED_WEIGHTS
from ..training import TrainConfig, load_detector, load_model

ONLY_SHAPES = (
    "this is the model in the package, which knows drawn shapes only: {classes}. "
    "--checkpoint FILE takes a model of yours, --weights DEFAULT one for the 80 classes of COCO"
)
NAMELESS = "the weights do not say what their classes are called, so they are {classes} (--classes A,B,… names them)"


def load_named(options: argparse.Namespace) -> tuple[nn.Module, tuple[str, ...], TrainConfig | None, list[str]]:
    """The model that `--weights` or `--checkpoint` names, its classes, its configuration if it is a run's, and notes on it.

    Raises:
        ValueError, OSError: the file or the weights cannot be used, or have another number of classes than `--classes`.
    """
    if options.weights is not None:
        model, classes, config = load_detector(options.weights)
        if options.classes is not None:
            if len(options.classes) != len(classes):
                raise ValueError(
                    f"--classes has {len(options.classes) - 1} names; {options.weights} has {len(classes) - 1}"
                )
            return model, options.classes, config, []
        few = ", ".join(classes[1:4]) + (", …" if len(classes) > 4 else "")
        return model, classes, config, [NAMELESS.format(classes=few)] if classes[1] == "class 1" else []
    model, classes, config = load_model(options.checkpoint)
    shipped = options.checkpoint == SHIPPED_WEIGHTS
    return model, classes, config, [ONLY_SHAPES.format(classes=", ".join(classes[1:]))] if shipped else []


def set_limits(model: nn.Module, score_threshold: float | None = None, max_detections: int | None = None) -> None:
    """Let a model give all that scores `score_threshold` or more, and up to `max_detections` of an image.

    A threshold above its own (0.05) leaves the model as it is: what it gives is sifted later.
    """
    heads: Any = model.roi_heads
    if score_threshold is not None:
        heads.score_thresh = min(heads.score_thresh, score_threshold)
    if max_detections is not None:
        heads.detections_per_img = max_detections


def most_detections(model: nn.Module) -> int:
    """How many detections of an image a model gives at most."""
    heads: Any = model.roi_heads
    return heads.detections_per_img
