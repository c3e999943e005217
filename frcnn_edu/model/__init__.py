"""The network: one file for each stage, in the order in which data passes through them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    FasterRCNN_ResNet50_FPN_V2_Weights,
    FasterRCNN_ResNet50_FPN_Weights,
)

from ..catalogue import MODEL_NAMES, TIMM, check_model_name
from .anchors import AnchorGenerator
from .backbone import (
    BackboneWithFPN,
    IntermediateLayerGetter,
    mobilenet_backbone,
    resnet_fpn_backbone,
    vgg_backbone,
)
from .builders import (
    fasterrcnn_mobilenet_v3_large_fpn,
    fasterrcnn_resnet50_fpn,
    fasterrcnn_small_fpn,
    fasterrcnn_timm_fpn,
    needs_new_predictor,
)
from .faster_rcnn import FasterRCNN
from .fpn import FeaturePyramidNetwork, LastLevelMaxPool
from .frozen_batch_norm import FrozenBatchNorm2d
from .generalized_rcnn import GeneralizedRCNN
from .resnet import BasicBlock, Bottleneck, ResNet, SlimResNet
from .roi_align import LevelMapper, MultiScaleRoIAlign
from .roi_heads import FastRCNNPredictor, RoIHeads, TwoMLPHead
from .rpn import RegionProposalNetwork, RPNHead
from .timm_backbone import TimmBackbone, timm_fpn_backbone
from .transform import GeneralizedRCNNTransform, ImageList
from .variants import fasterrcnn_mobilenet_v3_large_320_fpn, fasterrcnn_resnet50_fpn_v2

BUILDERS: tuple[Callable[..., FasterRCNN], ...] = (
    fasterrcnn_small_fpn,
    fasterrcnn_resnet50_fpn,
    fasterrcnn_mobilenet_v3_large_fpn,
    fasterrcnn_resnet50_fpn_v2,
    fasterrcnn_mobilenet_v3_large_320_fpn,
)
MODELS: dict[str, Callable[..., FasterRCNN]] = dict(zip(MODEL_NAMES, BUILDERS, strict=True))


def model_builder(name: str) -> Callable[..., FasterRCNN]:
    """The builder in `MODELS`, or, for "timm:resnet18", `fasterrcnn_timm_fpn` on that backbone.

    Raises:
        ValueError: there is no such model.
    """
    check_model_name(name)
    if name.startswith(TIMM):
        return partial(fasterrcnn_timm_fpn, name.removeprefix(TIMM))
    return MODELS[name]


def get_model(name: str, **config: Any) -> FasterRCNN:
    """A model by the name that torchvision's `get_model` uses, such as "fasterrcnn_resnet50_fpn".

    Args:
        **config: arguments of the builder.

    Raises:
        ValueError: there is no such model.
    """
    return model_builder(name.removeprefix("fasterrcnn_"))(**config)


__all__ = [
    "MODELS",
    "AnchorGenerator",
    "BackboneWithFPN",
    "BasicBlock",
    "Bottleneck",
    "FastRCNNPredictor",
    "FasterRCNN",
    "FasterRCNN_MobileNet_V3_Large_320_FPN_Weights",
    "FasterRCNN_MobileNet_V3_Large_FPN_Weights",
    "FasterRCNN_ResNet50_FPN_V2_Weights",
    "FasterRCNN_ResNet50_FPN_Weights",
    "FeaturePyramidNetwork",
    "FrozenBatchNorm2d",
    "GeneralizedRCNN",
    "GeneralizedRCNNTransform",
    "ImageList",
    "IntermediateLayerGetter",
    "LastLevelMaxPool",
    "LevelMapper",
    "MultiScaleRoIAlign",
    "RPNHead",
    "RegionProposalNetwork",
    "ResNet",
    "RoIHeads",
    "SlimResNet",
    "TimmBackbone",
    "TwoMLPHead",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_small_fpn",
    "fasterrcnn_timm_fpn",
    "get_model",
    "mobilenet_backbone",
    "model_builder",
    "needs_new_predictor",
    "resnet_fpn_backbone",
    "timm_fpn_backbone",
    "vgg_backbone",
]
