"""The trained model that a command line names, and how many detections it returns."""

import argparse
from typing import Any

from torch import nn

from ..catalogue import SHIPPED_WEIGHTS
from ..training import TrainConfig, load_detector, load_model

ONLY_SHAPES = (
    "this is the model in the package, which detects only drawn shapes: {classes}. "
    "Use --checkpoint FILE for a model of your own, --weights DEFAULT for the 80 classes of COCO"
)
NAMELESS = "the weights do not contain the names of their classes, shown as {classes} (--classes A,B,… names them)"


def load_named(options: argparse.Namespace) -> tuple[nn.Module, tuple[str, ...], TrainConfig | None, list[str]]:
    """The model that `--weights` or `--checkpoint` names, its classes, its configuration if it is a run's, and notes on it.

    Raises:
        ValueError, OSError: the file or the weights cannot be used, or the number of classes differs from `--classes`.
    """
    if options.weights is not None:
        model, classes, config = load_detector(options.weights)
        if options.classes is not None:
            if len(options.classes) != len(classes):
                raise ValueError(
                    f"--classes has {len(options.classes) - 1} names, but {options.weights} has {len(classes) - 1} classes"
                )
            return model, options.classes, config, []
        few = ", ".join(classes[1:4]) + (", …" if len(classes) > 4 else "")
        return model, classes, config, [NAMELESS.format(classes=few)] if classes[1] == "class 1" else []
    model, classes, config = load_model(options.checkpoint)
    shipped = options.checkpoint == SHIPPED_WEIGHTS
    return model, classes, config, [ONLY_SHAPES.format(classes=", ".join(classes[1:]))] if shipped else []


def set_limits(model: nn.Module, score_threshold: float | None = None, max_detections: int | None = None) -> None:
    """Make a model return all detections that score `score_threshold` or more, up to `max_detections` per image.

    A threshold above its own (0.05) leaves the model as it is; its detections are filtered later.
    """
    heads: Any = model.roi_heads
    if score_threshold is not None:
        heads.score_thresh = min(heads.score_thresh, score_threshold)
    if max_detections is not None:
        heads.detections_per_img = max_detections


def most_detections(model: nn.Module) -> int:
    """The largest number of detections per image that a model returns."""
    heads: Any = model.roi_heads
    return heads.detections_per_img
