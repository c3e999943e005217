"""The one picture, and the one object in it, that the whole course follows."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from torch import Tensor

from ..data import ShapesDetection
from ..model import FasterRCNN, fasterrcnn_small_fpn
from .trace import Trace, trace

SIZE = (240, 320)  # twice what the small model works at, so that the transform has something to do
INDEX = 1152
OBJECT = 2


@dataclass(frozen=True)
class Story:
    """The course's picture, seen by the shipped model.

    Attributes:
        model: `fasterrcnn_small_fpn` with the shipped weights, in evaluation mode.
        image: (3, 240, 320) in 0–1.
        target: its annotated objects, "boxes" (N, 4) xyxy in pixels of `image` and "labels" (N,).
        object: index of the object that is followed.
        classes: names by label.
        trace: what each stage made of the image.
    """

    model: FasterRCNN
    image: Tensor
    target: dict[str, Any]
    object: int
    classes: tuple[str, ...]
    trace: Trace


@cache
def story() -> Story:
    """The course's picture and its trace, computed once a process."""
    data = ShapesDetection("test", length=INDEX + 1, size=SIZE)
    image, target = data[INDEX]
    model = fasterrcnn_small_fpn(weights="DEFAULT").eval()
    return Story(model, image, target, OBJECT, data.classes, trace(model, image))
