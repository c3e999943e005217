"""The two detectors that are compared: ResNet-50 with a pyramid, configured as with pretrained weights."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import detection
from torchvision.models.detection import backbone_utils

from .. import model as frcnn
from ..checks.untrained import weights_follow
from .realistic import make_images, make_realistic

NUM_CLASSES = 91
LIBRARIES = ("ours", "theirs")


def build(library: str, size: int, **settings: Any) -> Any:
    """An untrained detector, "ours" or "theirs", for images of `size`, with three trainable stages and frozen BatchNorm."""
    lib = frcnn if library == "ours" else backbone_utils
    with weights_follow():
        backbone = lib.resnet_fpn_backbone(backbone_name="resnet50", weights=None, trainable_layers=3, **settings)
    make = frcnn.FasterRCNN if library == "ours" else detection.FasterRCNN
    return set_size(make(backbone, NUM_CLASSES), size)


def set_size(model: Any, size: int) -> Any:
    """Sets up a detector so that it does not resize images whose shorter side is `size` pixels; returns it."""
    model.transform.min_size, model.transform.max_size = (size,), size * 5 // 3
    return model


def images_of(size: int, count: int, seed: int = 0) -> list[Tensor]:
    """`count` images of size × 4/3·size pixels."""
    return make_images(*[(size, size * 4 // 3)] * count, seed=seed)


def make_pair(size: int, images: Sequence[Tensor], seed: int = 0) -> tuple[Any, Any]:
    """Our detector and torchvision's with the same realistic weights, for images of `size`; both in evaluation mode.

    The weights are random ones, scaled on `images` so that about 400 pairs of a proposal and a class per image pass the
    score threshold, of which 100 detections are left.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # An unfrozen BatchNorm measures the statistics, which are then frozen.
        source = build("theirs", size, norm_layer=nn.BatchNorm2d)
        make_realistic(source, images, pairs_per_image=400)
        ours, theirs = (build(library, size).eval() for library in LIBRARIES)
    for model in (ours, theirs):
        model.load_state_dict(source.state_dict())
    return ours, theirs
