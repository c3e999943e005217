"""Ready-made configurations of Faster R-CNN, with weights if wanted."""

import warnings
from pathlib import Path
from typing import Any

from torch import nn
from torchvision.models import MobileNet_V3_Large_Weights, ResNet50_Weights
from torchvision.models._api import WeightsEnum
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    FasterRCNN_ResNet50_FPN_Weights,
)

from .anchors import AnchorGenerator
from .backbone import BackboneWithFPN, SlimResNet, mobilenet_backbone, resnet_fpn_backbone
from .faster_rcnn import ASPECT_RATIOS, FasterRCNN, fpn_anchors
from .frozen_batch_norm import FrozenBatchNorm2d
from .roi_align import MultiScaleRoIAlign
from .roi_heads import FastRCNNPredictor, TwoMLPHead
from .weights import (
    is_published,
    load_weights,
    overwrite_eps,
    read_state_dict,
    resolve_backbone_weights,
    resolve_weights,
)

SHIPPED_WEIGHTS = Path(__file__).parent.parent / "assets" / "shapes_small.safetensors"


def fasterrcnn_resnet50_fpn(
    *,
    weights: FasterRCNN_ResNet50_FPN_Weights | str | Path | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | str | Path | None = ResNet50_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """Faster R-CNN with a ResNet-50 and an FPN: 41.8 million parameters, 37.0 COCO AP with the published weights.

    Args:
        weights: of the whole detector: torchvision's enum, "DEFAULT", "COCO_V1", a file, or None.
        progress: show a bar while downloading.
        num_classes: with the background; 91 by default, and with COCO weights.
        weights_backbone: of the body alone, ImageNet's by default; not loaded when `weights` are given.
        trainable_backbone_layers: 0…5, how much of a pretrained body is trained; 3 by default. Without any
            pretrained weights all of it is trained, with BatchNorm that learns.
        **kwargs: of `FasterRCNN`.
    """
    resolved = resolve_weights(weights, FasterRCNN_ResNet50_FPN_Weights)
    body_weights = None if resolved else resolve_backbone_weights("resnet50", weights_backbone)
    pretrained = bool(resolved or body_weights)
    backbone = resnet_fpn_backbone(
        backbone_name="resnet50",
        weights=body_weights,
        norm_layer=FrozenBatchNorm2d if pretrained else nn.BatchNorm2d,
        trainable_layers=_trainable_layers(pretrained, trainable_backbone_layers, default=3, everything=5),
        progress=progress,
    )
    model = FasterRCNN(backbone, _number_of_classes(resolved, num_classes), **kwargs)
    load_weights(model, resolved, progress=progress)
    if is_published(resolved, FasterRCNN_ResNet50_FPN_Weights.COCO_V1):
        overwrite_eps(model, 0.0)
    return model


def fasterrcnn_mobilenet_v3_large_fpn(
    *,
    weights: FasterRCNN_MobileNet_V3_Large_FPN_Weights | str | Path | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | str | Path | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """Faster R-CNN with a MobileNetV3-Large and an FPN of two levels and "pool": 19.4 million parameters, 32.8 COCO AP.

    Every level has anchors of all five sizes, and proposals below 0.05 are dropped. Arguments as in `fasterrcnn_resnet50_fpn`;
    `trainable_backbone_layers` is 0…6.
    """
    resolved = resolve_weights(weights, FasterRCNN_MobileNet_V3_Large_FPN_Weights)
    body_weights = None if resolved else resolve_backbone_weights("mobilenet_v3_large", weights_backbone)
    pretrained = bool(resolved or body_weights)
    backbone = mobilenet_backbone(
        backbone_name="mobilenet_v3_large",
        weights=body_weights,
        fpn=True,
        norm_layer=FrozenBatchNorm2d if pretrained else nn.BatchNorm2d,
        trainable_layers=_trainable_layers(pretrained, trainable_backbone_layers, default=3, everything=6),
        progress=progress,
    )
    anchors = AnchorGenerator(((32, 64, 128, 256, 512),) * 3, (ASPECT_RATIOS,) * 3)
    settings = {"rpn_anchor_generator": anchors, "rpn_score_thresh": 0.05, **kwargs}
    model = FasterRCNN(backbone, _number_of_classes(resolved, num_classes), **settings)
    load_weights(model, resolved, progress=progress)
    return model


def fasterrcnn_small_fpn(
    *,
    weights: str | Path | None = None,
    num_classes: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """The same detector made small enough to train on a CPU in minutes: 2.1 million parameters, images of 128×160.

    Every stage is there and of the same class as in the large model; maps, channels, anchors and head are slimmer.

    Args:
        weights: "DEFAULT" for the ones in this package, trained on `ShapesDetection`; a file; or None.
        num_classes: with the background; by default that of the weights, or 6 for `ShapesDetection`.
        **kwargs: of `FasterRCNN`.
    """
    file = SHIPPED_WEIGHTS if weights == "DEFAULT" else weights and Path(weights)
    if file and not file.is_file():
        raise ValueError(f"weights {str(weights)!r} are neither a file nor 'DEFAULT'")
    state = read_state_dict(file) if file else None
    if state is not None:
        num_classes = _same_number(num_classes, len(state["roi_heads.box_predictor.cls_score.bias"]))

    widths, channels, representation_size = (32, 64, 96, 128), 64, 256
    body = SlimResNet(layers=(2, 2, 2, 2), widths=widths)
    backbone = BackboneWithFPN(body, {f"layer{i + 1}": str(i) for i in range(4)}, list(widths), channels)
    settings: dict[str, Any] = dict(
        min_size=128,
        max_size=160,
        rpn_anchor_generator=fpn_anchors((12, 24, 48, 80, 112)),
        rpn_pre_nms_top_n_train=300,
        rpn_post_nms_top_n_train=150,
        rpn_pre_nms_top_n_test=300,
        rpn_post_nms_top_n_test=300,
        rpn_batch_size_per_image=64,
        # The canonical box shrinks with the images, by half: an object of 28 pixels or more spans 7 cells of its map at least.
        box_roi_pool=MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2, canonical_scale=112),
        box_head=TwoMLPHead(channels * 7 * 7, representation_size),
        box_predictor=FastRCNNPredictor(representation_size, num_classes or 6),
        box_batch_size_per_image=64,
        box_positive_fraction=0.5,
    )
    model = FasterRCNN(backbone, **{**settings, **kwargs})
    if state is not None:
        model.load_state_dict(state)
    return model


def _number_of_classes(weights: WeightsEnum | Path | None, num_classes: int | None) -> int:
    """What was asked for, if the weights allow it; else the weights' number, or COCO's 91."""
    if isinstance(weights, WeightsEnum):
        return _same_number(num_classes, len(weights.meta["categories"]))
    if weights is not None:
        in_file = len(read_state_dict(weights)["roi_heads.box_predictor.cls_score.bias"])
        return _same_number(num_classes, in_file)
    return 91 if num_classes is None else num_classes


def _same_number(asked: int | None, in_weights: int) -> int:
    if asked not in (None, in_weights):
        raise ValueError(f"num_classes={asked}, but the weights are for {in_weights} classes")
    return in_weights


def _trainable_layers(pretrained: bool, asked: int | None, default: int, everything: int) -> int:
    if not pretrained:
        if asked not in (None, everything):
            warnings.warn(
                f"trainable_backbone_layers={asked} would freeze layers that nobody has trained, so all of them are "
                "trained: give pretrained weights to freeze any",
                stacklevel=3,
            )
        return everything
    return default if asked is None else asked
