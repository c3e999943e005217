"""The network: one file for each stage, in the order in which data meets them."""

from collections.abc import Callable

from .anchors import AnchorGenerator
from .backbone import (
    BackboneWithFPN,
    IntermediateLayerGetter,
    SlimResNet,
    mobilenet_backbone,
    resnet_fpn_backbone,
    vgg_backbone,
)
from .builders import fasterrcnn_mobilenet_v3_large_fpn, fasterrcnn_resnet50_fpn, fasterrcnn_small_fpn
from .exact import set_exact
from .fast_conv import FastConv2d
from .faster_rcnn import FasterRCNN
from .fpn import FeaturePyramidNetwork, LastLevelMaxPool
from .frozen_batch_norm import FrozenBatchNorm2d
from .generalized_rcnn import GeneralizedRCNN
from .lean_stage import LeanStage
from .roi_align import LevelMapper, MultiScaleRoIAlign
from .roi_heads import FastRCNNPredictor, RoIHeads, TwoMLPHead
from .rpn import RegionProposalNetwork, RPNHead
from .transform import GeneralizedRCNNTransform, ImageList

MODELS: dict[str, Callable[..., FasterRCNN]] = {
    "small": fasterrcnn_small_fpn,
    "resnet50_fpn": fasterrcnn_resnet50_fpn,
    "mobilenet_v3_large_fpn": fasterrcnn_mobilenet_v3_large_fpn,
}

__all__ = [
    "MODELS",
    "AnchorGenerator",
    "BackboneWithFPN",
    "FastConv2d",
    "FastRCNNPredictor",
    "FasterRCNN",
    "FeaturePyramidNetwork",
    "FrozenBatchNorm2d",
    "GeneralizedRCNN",
    "GeneralizedRCNNTransform",
    "ImageList",
    "IntermediateLayerGetter",
    "LastLevelMaxPool",
    "LeanStage",
    "LevelMapper",
    "MultiScaleRoIAlign",
    "RPNHead",
    "RegionProposalNetwork",
    "RoIHeads",
    "SlimResNet",
    "TwoMLPHead",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_small_fpn",
    "mobilenet_backbone",
    "resnet_fpn_backbone",
    "set_exact",
    "vgg_backbone",
]
