"""Two more of torchvision's ready-made detectors, assembled from the parts in `builders.py`."""

from pathlib import Path
from typing import Any

from torch import nn
from torchvision.models import MobileNet_V3_Large_Weights, ResNet50_Weights
from torchvision.models import detection as theirs
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    FasterRCNN_ResNet50_FPN_V2_Weights,
)
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead

from ..checks.arguments import check_arguments
from .backbone import BackboneWithFPN, freeze_resnet
from .builders import PUBLISHED, _left_out, _number_of_classes, _trainable_layers, mobilenet_v3_large_fpn
from .compat.old_arguments import with_old_arguments
from .faster_rcnn import FasterRCNN, fpn_anchors
from .resnet import resnet
from .rpn import RPNHead
from .weights import CLASSIFIER, load_weights, resolve_backbone_weights, resolve_weights


@with_old_arguments(theirs.fasterrcnn_resnet50_fpn_v2, weights="COCO_V1", weights_backbone="IMAGENET1K_V1")
def fasterrcnn_resnet50_fpn_v2(
    *,
    weights: FasterRCNN_ResNet50_FPN_V2_Weights | str | Path | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    new_classes: int | None = None,
    weights_backbone: ResNet50_Weights | str | Path | None = None,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """Faster R-CNN with a ResNet-50 and an FPN, and more layers in its heads: 43.7 million parameters, 46.7 COCO AP.

    The RPN head has two 3×3 convolutions, the box head four and one fully connected layer; every BatchNorm is trainable.
    Arguments as in `fasterrcnn_resnet50_fpn`; by default the backbone is not pretrained.

    Source: Benchmarking Detection Transfer Learning with Vision Transformers (Li et al. 2021).
    """
    check_arguments(locals())
    resolved = resolve_weights(weights, PUBLISHED["resnet50_fpn_v2"])
    num_classes = _number_of_classes(resolved, num_classes, new_classes, default=91)
    body_weights = None if resolved else resolve_backbone_weights("resnet50", weights_backbone, "weights_backbone")
    layers = _trainable_layers(bool(resolved or body_weights), trainable_backbone_layers, default=3, everything=5)
    body = resnet("resnet50", nn.BatchNorm2d)
    load_weights(body, body_weights, name="resnet50", but=CLASSIFIER, progress=progress)
    freeze_resnet(body, layers)
    names = {f"layer{i + 1}": str(i) for i in range(4)}
    backbone = BackboneWithFPN(body, names, [256, 512, 1024, 2048], 256, norm_layer=nn.BatchNorm2d)
    settings: dict[str, Any] = dict(
        rpn_anchor_generator=fpn_anchors((32, 64, 128, 256, 512)),
        rpn_head=RPNHead(256, num_anchors=3, conv_depth=2),
        box_head=FastRCNNConvFCHead((256, 7, 7), [256] * 4, [1024], norm_layer=nn.BatchNorm2d),
    )
    model = FasterRCNN(backbone, num_classes, **{**settings, **kwargs})
    load_weights(model, resolved, name="fasterrcnn_resnet50_fpn_v2", but=_left_out(new_classes), progress=progress)
    return model


@with_old_arguments(theirs.fasterrcnn_mobilenet_v3_large_320_fpn, weights="COCO_V1", weights_backbone="IMAGENET1K_V1")
def fasterrcnn_mobilenet_v3_large_320_fpn(
    *,
    weights: FasterRCNN_MobileNet_V3_Large_320_FPN_Weights | str | Path | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    new_classes: int | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | str | Path | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """`fasterrcnn_mobilenet_v3_large_fpn` for images of 320 pixels and 150 proposals: seven times faster, 22.8 COCO AP."""
    few = dict(min_size=320, max_size=640, rpn_pre_nms_top_n_test=150, rpn_post_nms_top_n_test=150)
    arguments = (weights, progress, num_classes, new_classes, weights_backbone, trainable_backbone_layers)
    return mobilenet_v3_large_fpn("mobilenet_v3_large_320_fpn", *arguments, **{**few, **kwargs})
