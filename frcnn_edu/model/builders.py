"""Ready-made configurations of Faster R-CNN, with or without pretrained weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn
from torchvision.models import MobileNet_V3_Large_Weights, ResNet50_Weights
from torchvision.models import detection as theirs
from torchvision.models._api import WeightsEnum
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    FasterRCNN_ResNet50_FPN_V2_Weights,
    FasterRCNN_ResNet50_FPN_Weights,
)

from ..catalogue import SHIPPED_WEIGHTS
from ..checks.arguments import check_arguments
from ..checks.rules import classes, each, instance_of, optional, positive
from ..checks.untrained import weights_follow
from ..checks.warn import warn
from .anchors import AnchorGenerator
from .backbone import BackboneWithFPN, check_range, mobilenet_backbone, resnet_fpn_backbone
from .compat.old_arguments import with_old_arguments
from .faster_rcnn import ASPECT_RATIOS, FasterRCNN, fpn_anchors
from .frozen_batch_norm import FrozenBatchNorm2d
from .resnet import SlimResNet
from .roi_align import MultiScaleRoIAlign
from .roi_heads import FastRCNNPredictor, TwoMLPHead
from .timm_backbone import timm_fpn_backbone
from .weights import (
    PREDICTOR,
    class_names,
    is_published,
    load_weights,
    number_of_classes,
    overwrite_eps,
    resolve_backbone_weights,
    resolve_weights,
)

FILE_OR_NAME = optional(instance_of(str, Path))
PUBLISHED: dict[str, type[WeightsEnum] | Path] = {  # the published weights of each model
    "small": SHIPPED_WEIGHTS,
    "resnet50_fpn": FasterRCNN_ResNet50_FPN_Weights,
    "mobilenet_v3_large_fpn": FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    "resnet50_fpn_v2": FasterRCNN_ResNet50_FPN_V2_Weights,
    "mobilenet_v3_large_320_fpn": FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
}


@with_old_arguments(theirs.fasterrcnn_resnet50_fpn, weights="COCO_V1", weights_backbone="IMAGENET1K_V1")
def fasterrcnn_resnet50_fpn(
    *,
    weights: FasterRCNN_ResNet50_FPN_Weights | str | Path | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    new_classes: int | None = None,
    weights_backbone: ResNet50_Weights | str | Path | None = ResNet50_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """Faster R-CNN with a ResNet-50 and an FPN: 41.8 million parameters, 37.0 COCO AP with the published weights.

    Args:
        weights: weights of the whole detector: a member of torchvision's enum, "DEFAULT", "COCO_V1", a file, or None.
        progress: whether to show a progress bar while downloading.
        num_classes: number of classes, including the background; 91 by default and with COCO weights.
        new_classes: number of classes (including the background) of a new task to fine-tune `weights` on; replaces num_classes.
            All weights are loaded except those of the predictor, which is initialised at random.
        weights_backbone: weights of the backbone alone, by default ImageNet's; not loaded if `weights` are given.
        trainable_backbone_layers: number of layers of a pretrained backbone to train, 0…5; 3 by default. Without pretrained
            weights the whole backbone is trained, with trainable BatchNorm.
        **kwargs: arguments of `FasterRCNN`.

    Raises:
        ValueError: num_classes differs from that of the weights (see new_classes), or the weights belong to a different model.
    """
    resolved = resolve_weights(weights, PUBLISHED["resnet50_fpn"])
    num_classes = _number_of_classes(resolved, num_classes, new_classes, default=91)
    body_weights = None if resolved else resolve_backbone_weights("resnet50", weights_backbone, "weights_backbone")
    pretrained = bool(resolved or body_weights)
    with weights_follow(resolved is not None):
        backbone = resnet_fpn_backbone(
            backbone_name="resnet50",
            weights=body_weights,
            norm_layer=FrozenBatchNorm2d if pretrained else nn.BatchNorm2d,
            trainable_layers=_trainable_layers(pretrained, trainable_backbone_layers, default=3, everything=5),
            progress=progress,
        )
    model = FasterRCNN(backbone, num_classes, **kwargs)
    load_weights(model, resolved, name="fasterrcnn_resnet50_fpn", but=_left_out(new_classes), progress=progress)
    if is_published(resolved, FasterRCNN_ResNet50_FPN_Weights.COCO_V1):
        overwrite_eps(model, 0.0)
    return model


@with_old_arguments(theirs.fasterrcnn_mobilenet_v3_large_fpn, weights="COCO_V1", weights_backbone="IMAGENET1K_V1")
def fasterrcnn_mobilenet_v3_large_fpn(
    *,
    weights: FasterRCNN_MobileNet_V3_Large_FPN_Weights | str | Path | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    new_classes: int | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | str | Path | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """Faster R-CNN with a MobileNetV3-Large and an FPN of two levels and "pool": 19.4 million parameters, 32.8 COCO AP.

    Every level has anchors of all five sizes, and proposals below 0.05 are dropped. Arguments as in `fasterrcnn_resnet50_fpn`;
    `trainable_backbone_layers` is 0…6.
    """
    arguments = (weights, progress, num_classes, new_classes, weights_backbone, trainable_backbone_layers)
    return mobilenet_v3_large_fpn("mobilenet_v3_large_fpn", *arguments, **kwargs)


def mobilenet_v3_large_fpn(
    name: str,
    weights: WeightsEnum | str | Path | None,
    progress: bool,
    num_classes: int | None,
    new_classes: int | None,
    weights_backbone: MobileNet_V3_Large_Weights | str | Path | None,
    trainable_backbone_layers: int | None,
    **kwargs: Any,
) -> FasterRCNN:
    """Builds either detector with a MobileNetV3-Large; `name`, a key of `PUBLISHED`, says which."""
    resolved = resolve_weights(weights, PUBLISHED[name])
    num_classes = _number_of_classes(resolved, num_classes, new_classes, default=91)
    body_weights = (
        None if resolved else resolve_backbone_weights("mobilenet_v3_large", weights_backbone, "weights_backbone")
    )
    pretrained = bool(resolved or body_weights)
    with weights_follow(resolved is not None):
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
    model = FasterRCNN(backbone, num_classes, **settings)
    load_weights(model, resolved, name=f"fasterrcnn_{name}", but=_left_out(new_classes), progress=progress)
    return model


def fasterrcnn_small_fpn(
    *,
    weights: str | Path | None = None,
    num_classes: int | None = None,
    new_classes: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """The same detector made small enough to train on a CPU in minutes: 2.1 million parameters, images of 128×160.

    It has all stages of the full model, with the same classes; its images, channels, anchors and head are smaller.

    Args:
        weights: "DEFAULT" for the weights in this package, trained on `ShapesDetection`; a file; or None.
        num_classes: number of classes, including the background; by default that of the weights, or 6 for `ShapesDetection`.
        new_classes: as in `fasterrcnn_resnet50_fpn`.
        **kwargs: arguments of `FasterRCNN`.
    """
    resolved = resolve_weights(weights, PUBLISHED["small"])
    num_classes = _number_of_classes(resolved, num_classes, new_classes, default=6)

    widths, channels, representation_size = (32, 64, 96, 128), 64, 256
    resnet = SlimResNet(layers=(2, 2, 2, 2), widths=widths)
    backbone = BackboneWithFPN(resnet, {f"layer{i + 1}": str(i) for i in range(4)}, list(widths), channels)
    settings: dict[str, Any] = dict(
        min_size=128,
        max_size=160,
        rpn_anchor_generator=fpn_anchors((12, 24, 48, 80, 112)),
        rpn_pre_nms_top_n_train=300,
        rpn_post_nms_top_n_train=150,
        rpn_pre_nms_top_n_test=300,
        rpn_post_nms_top_n_test=300,
        rpn_batch_size_per_image=64,
        # Half the usual canonical scale, for the smaller images: an object of at least 28 pixels
        # spans at least 7 cells of its map.
        box_roi_pool=MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2, canonical_scale=112),
        box_head=TwoMLPHead(channels * 7 * 7, representation_size),
        box_predictor=FastRCNNPredictor(representation_size, num_classes),
        box_batch_size_per_image=64,
        box_positive_fraction=0.5,
    )
    model = FasterRCNN(backbone, **{**settings, **kwargs})
    load_weights(model, resolved, name="fasterrcnn_small_fpn", but=_left_out(new_classes))
    return model


def fasterrcnn_timm_fpn(
    backbone_name: str,
    *,
    weights: str | Path | None = None,
    num_classes: int | None = None,
    new_classes: int | None = None,
    weights_backbone: str | Path | None = "DEFAULT",
    trainable_backbone_layers: int | None = None,
    out_channels: int = 256,
    anchor_sizes: Sequence[int] = (32, 64, 128, 256, 512),
    **kwargs: Any,
) -> FasterRCNN:
    """Faster R-CNN with an FPN on a backbone of the library timm, for images normalised as in its pretraining.

    Args:
        backbone_name: its name in timm: "resnet18", "convnext_tiny.fb_in22k", … It must have maps of strides 4, 8, 16 and 32.
        weights: a file with weights of the whole detector, or None.
        num_classes, new_classes: as in `fasterrcnn_resnet50_fpn`; 91 by default.
        weights_backbone: weights of the backbone alone: "DEFAULT" to let timm download them; a file with timm's names; or None.
            Not loaded if `weights` are given.
        trainable_backbone_layers: number of stages of a pretrained backbone to train, 0…4; 3 by default.
        out_channels: number of channels of the pyramid; fewer are faster.
        anchor_sizes: one size per level, for five levels, in pixels of the resized image.
        **kwargs: arguments of `FasterRCNN`.

    Raises:
        ValueError: see `TimmBackbone`; and as in `fasterrcnn_resnet50_fpn`.
    """
    check_arguments(
        locals(), backbone_name=instance_of(str), anchor_sizes=each(positive), weights_backbone=FILE_OR_NAME
    )
    resolved = resolve_weights(weights, None)
    num_classes = _number_of_classes(resolved, num_classes, new_classes, default=91)
    pretrained = bool(resolved or weights_backbone)
    backbone = timm_fpn_backbone(
        backbone_name,
        weights=None if resolved else weights_backbone,
        frozen_norm=pretrained,
        trainable_layers=_trainable_layers(pretrained, trainable_backbone_layers, default=3, everything=4),
        out_channels=out_channels,
    )
    settings = {
        "rpn_anchor_generator": fpn_anchors(anchor_sizes),
        "image_mean": backbone.body.mean,
        "image_std": backbone.body.std,
        **kwargs,
    }
    model = FasterRCNN(backbone, num_classes, **settings)
    load_weights(model, resolved, name=f"fasterrcnn_timm_fpn({backbone_name!r})", but=_left_out(new_classes))
    return model


def needs_new_predictor(model: str, weights: WeightsEnum | str | Path | None, classes: Sequence[str]) -> bool:
    """Whether weights for the detector `model`, a key of `MODELS`, were trained on other classes than these.

    They were if their class names differ, or are in a different order; or, if they have no names, if the number of classes
    differs.
    """
    resolved = resolve_weights(weights, PUBLISHED.get(model))
    if resolved is None:
        return False
    names = class_names(resolved)
    if names is None:
        return number_of_classes(resolved) != len(classes)
    return list(names[1:]) != list(classes[1:])  # the name of the background class varies


def _number_of_classes(
    weights: WeightsEnum | Path | None, num_classes: int | None, new_classes: int | None, default: int
) -> int:
    """The requested number, if it fits the weights; otherwise that of the weights, or the default."""
    for name, number in (("num_classes", num_classes), ("new_classes", new_classes)):
        if number is not None:
            classes(name, number)
    if new_classes is not None:
        if weights is None:
            raise ValueError(
                f"new_classes={new_classes} is for fine-tuning weights; without weights, give num_classes={new_classes}"
            )
        if num_classes is not None:
            raise ValueError(f"give num_classes={num_classes} or new_classes={new_classes}, not both")
        return new_classes
    if weights is None:
        return default if num_classes is None else num_classes
    in_weights = number_of_classes(weights)
    if num_classes not in (None, in_weights):
        raise ValueError(
            f"num_classes={num_classes}, but the weights are for {in_weights} classes; to fine-tune them on a "
            f"new task, give new_classes={num_classes} instead"
        )
    return in_weights


def _left_out(new_classes: int | None) -> tuple[str, ...]:
    return () if new_classes is None else (PREDICTOR,)


def _trainable_layers(pretrained: bool, asked: int | None, default: int, everything: int) -> int:
    if asked is not None:
        check_range("trainable_backbone_layers", asked, everything)
    if not pretrained:
        if asked not in (None, everything):
            warn(
                f"trainable_backbone_layers={asked} would freeze untrained layers, so all layers are "
                "trained; give pretrained weights to freeze some"
            )
        return everything
    return default if asked is None else asked
