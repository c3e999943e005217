"""How time and memory grow with the size of the image, the batch, and the number of objects and proposals."""

from collections.abc import Callable
from typing import Any

import torch

from ..model import ImageList
from .bench import Bench
from .memory import Peaks, in_a_child, rise
from .models import LIBRARIES, NUM_CLASSES, build, images_of, set_size
from .pairs import Comparison, interleave
from .realistic import make_targets
from .steps import Step

SIZES, BOXES, ROIS = (200, 400, 800), (1, 20, 200, 500), (128, 512, 1000)
BATCH_SIZES, BATCH_AT, BOXES_EACH = (2, 4), 400, 20
ROIS_AT = 400


def growing_steps(boxes: int | None) -> list[Step]:
    """Steps with one image of increasing size, then with an increasing number of images."""
    sizes = [Step(size, 1, boxes) for size in SIZES]
    return sizes + [Step(BATCH_AT, batch, boxes) for batch in BATCH_SIZES]


def matching_seconds(bench: Bench, size: int, boxes: int) -> Comparison:
    """The time that the RPN takes to match the anchors of an image of `size` with `boxes` objects."""
    return interleave(_matching(bench.ours, size, boxes), _matching(bench.theirs, size, boxes), bench.repeats)


def matching_peaks(size: int, boxes: int) -> Peaks:
    """The memory of matching, in addition to anchors and boxes."""
    ours, theirs = (in_a_child(_peak_of_matching, library, size, boxes) for library in LIBRARIES)
    return ours, theirs


def roi_seconds(bench: Bench, number: int) -> Comparison:
    """The time of RoIAlign and the box head for `number` boxes in an image of `ROIS_AT`, without gradients."""
    bench.resize(ROIS_AT)
    return interleave(_rois(bench.ours, number), _rois(bench.theirs, number), bench.repeats)


def roi_peaks(number: int) -> Peaks:
    """The memory of RoIAlign and the box head, in addition to maps and boxes."""
    ours, theirs = (in_a_child(_peak_of_rois, library, number) for library in LIBRARIES)
    return ours, theirs


def _matching(model: Any, size: int, boxes: int) -> Callable[[], Any]:
    image = images_of(size, 1)[0]
    height, width = (-(-side // 32) * 32 for side in image.shape[-2:])  # padded
    maps = [torch.empty(1, 1, height // stride, width // stride) for stride in (4, 8, 16, 32, 64)]
    batch = ImageList(torch.empty(1, 3, height, width), [(image.shape[-2], image.shape[-1])])
    anchors = model.rpn.anchor_generator(batch, maps)
    targets = make_targets([image], [boxes], NUM_CLASSES)
    return torch.no_grad()(lambda: model.rpn.assign_targets_to_anchors(anchors, targets))


def _peak_of_matching(library: str, size: int, boxes: int) -> int | None:
    return rise(_matching(build(library, size), size, boxes))


def _peak_of_rois(library: str, number: int) -> int | None:
    call = _rois(build(library, ROIS_AT), number)
    call()  # memory that the libraries allocate on first use is not counted
    return rise(call)


@torch.no_grad()
def _rois(model: Any, number: int) -> Callable[[], Any]:
    images = images_of(ROIS_AT, 1)
    set_size(model.eval(), ROIS_AT)
    features: dict[str, torch.Tensor] = {}
    seen = model.backbone.register_forward_hook(lambda module, inputs, output: features.update(output))
    model(images)
    seen.remove()
    roi = model.roi_heads
    sizes = [(images[0].shape[-2], images[0].shape[-1])]
    rois = [make_targets(images, [number], NUM_CLASSES)[0]["boxes"]]
    return torch.no_grad()(lambda: roi.box_predictor(roi.box_head(roi.box_roi_pool(features, rois, sizes))))
