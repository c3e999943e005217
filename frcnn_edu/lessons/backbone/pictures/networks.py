"""The two backbones that notebook 02 looks at, and the image that goes in."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.story import story
from frcnn_edu.lessons.transform.pictures.colours import as_colours
from frcnn_edu.model import resnet_fpn_backbone


@cache
def resnet50_backbone() -> Any:
    """A ResNet-50 without weights (on the "meta" device: shapes only), as the detector uses it."""
    with torch.device("meta"):
        return resnet_fpn_backbone(backbone_name="resnet50", weights=None, trainable_layers=5).body


def small_backbone() -> Any:
    """The `SlimResNet` of the course's model, with its weights."""
    return story().model.backbone.body


def padded_picture() -> Tensor:
    """The course's image as the backbone receives it, in colours: (3, 128, 160)."""
    transform = story().model.transform
    return as_colours(story().trace.batch.tensors[0], transform.image_mean, transform.image_std)
