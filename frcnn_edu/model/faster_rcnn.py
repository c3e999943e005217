"""Faster R-CNN put together from its parts, and ready-made configurations of it."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn
from torchvision.models import MobileNet_V3_Large_Weights, ResNet50_Weights
from torchvision.models._api import WeightsEnum
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    FasterRCNN_ResNet50_FPN_Weights,
)
from torchvision.models.detection.anchor_utils import AnchorGenerator as TorchvisionAnchorGenerator
from torchvision.ops import MultiScaleRoIAlign as TorchvisionMultiScaleRoIAlign

from ..ops.pooling import roi_align
from .anchors import AnchorGenerator
from .backbone import BackboneWithFPN, SlimResNet, mobilenet_backbone, resnet_fpn_backbone
from .fpn import LastLevelMaxPool
from .frozen_batch_norm import FrozenBatchNorm2d
from .generalized_rcnn import GeneralizedRCNN
from .roi_align import MultiScaleRoIAlign
from .roi_heads import FastRCNNPredictor, RoIHeads, TwoMLPHead
from .rpn import RegionProposalNetwork, RPNHead
from .transform import GeneralizedRCNNTransform
from .weights import (
    is_published,
    load_weights,
    overwrite_eps,
    read_state_dict,
    resolve_backbone_weights,
    resolve_weights,
)

ASPECT_RATIOS = (0.5, 1.0, 2.0)  # height / width
REPRESENTATION_SIZE = 1024  # of the box head
SHIPPED_WEIGHTS = Path(__file__).parent.parent / "assets" / "shapes_small.safetensors"


class FasterRCNN(GeneralizedRCNN):
    """Faster R-CNN: a backbone, a region proposal network, and a head that names and corrects its proposals.

    Args:
        backbone: returns maps by name, or one map; its `out_channels` says how many channels each has.
        num_classes: with the background, which is class 0. None if `box_predictor` is given.
        min_size, max_size, image_mean, image_std: see `GeneralizedRCNNTransform`; ImageNet's mean and deviation by default.
        rpn_anchor_generator: one size (32, 64, 128, 256, 512) a level and three ratios by default, for five levels.
        rpn_head, rpn_*: see `RegionProposalNetwork`.
        box_roi_pool: 7×7 RoIAlign from maps "0" … "3" by default.
        box_head: a `TwoMLPHead` with 1024 outputs by default.
        box_predictor: a `FastRCNNPredictor` by default.
        box_*, bbox_reg_weights: see `RoIHeads`.
        **kwargs: further arguments of `GeneralizedRCNNTransform`.

    Raises:
        ValueError: the backbone has no `out_channels`; `num_classes` and `box_predictor` are both given, or neither;
            the anchors are for another number of maps than a `BackboneWithFPN` returns (of another backbone, the first
            forward pass tells).

    Source: Faster R-CNN (Ren et al. 2015); `torchvision/models/detection/faster_rcnn.py`.
    """

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int | None = None,
        # transform
        min_size: int | Sequence[int] = 800,
        max_size: int = 1333,
        image_mean: Sequence[float] | None = None,
        image_std: Sequence[float] | None = None,
        # region proposal network
        rpn_anchor_generator: TorchvisionAnchorGenerator | None = None,
        rpn_head: nn.Module | None = None,
        rpn_pre_nms_top_n_train: int = 2000,
        rpn_pre_nms_top_n_test: int = 1000,
        rpn_post_nms_top_n_train: int = 2000,
        rpn_post_nms_top_n_test: int = 1000,
        rpn_nms_thresh: float = 0.7,
        rpn_fg_iou_thresh: float = 0.7,
        rpn_bg_iou_thresh: float = 0.3,
        rpn_batch_size_per_image: int = 256,
        rpn_positive_fraction: float = 0.5,
        rpn_score_thresh: float = 0.0,
        # box head
        box_roi_pool: TorchvisionMultiScaleRoIAlign | None = None,
        box_head: nn.Module | None = None,
        box_predictor: nn.Module | None = None,
        box_score_thresh: float = 0.05,
        box_nms_thresh: float = 0.5,
        box_detections_per_img: int = 100,
        box_fg_iou_thresh: float = 0.5,
        box_bg_iou_thresh: float = 0.5,
        box_batch_size_per_image: int = 512,
        box_positive_fraction: float = 0.25,
        bbox_reg_weights: tuple[float, float, float, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if not hasattr(backbone, "out_channels"):
            raise ValueError("the backbone needs an attribute out_channels: the channels of each map that it returns")
        if (num_classes is None) == (box_predictor is None):
            raise ValueError(
                f"give either num_classes or a box_predictor, got num_classes={num_classes} and "
                f"box_predictor={type(box_predictor).__name__ if box_predictor else None}"
            )
        out_channels = int(backbone.out_channels)  # type: ignore[arg-type]

        anchor_generator = rpn_anchor_generator or fpn_anchors((32, 64, 128, 256, 512))
        _check_levels(backbone, anchor_generator)
        rpn = RegionProposalNetwork(
            anchor_generator,
            rpn_head or RPNHead(out_channels, _anchors_per_location(anchor_generator)),
            rpn_fg_iou_thresh,
            rpn_bg_iou_thresh,
            rpn_batch_size_per_image,
            rpn_positive_fraction,
            pre_nms_top_n=dict(training=rpn_pre_nms_top_n_train, testing=rpn_pre_nms_top_n_test),
            post_nms_top_n=dict(training=rpn_post_nms_top_n_train, testing=rpn_post_nms_top_n_test),
            nms_thresh=rpn_nms_thresh,
            score_thresh=rpn_score_thresh,
        )

        box_roi_pool = box_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], output_size=7, sampling_ratio=2)
        if box_head is None:
            rows, columns = box_roi_pool.output_size
            box_head = TwoMLPHead(out_channels * rows * columns, REPRESENTATION_SIZE)
        if box_predictor is None:
            assert num_classes is not None  # by the check above
            box_predictor = FastRCNNPredictor(REPRESENTATION_SIZE, num_classes)
        roi_heads = RoIHeads(
            box_roi_pool,
            box_head,
            box_predictor,
            box_fg_iou_thresh,
            box_bg_iou_thresh,
            box_batch_size_per_image,
            box_positive_fraction,
            bbox_reg_weights,
            box_score_thresh,
            box_nms_thresh,
            box_detections_per_img,
        )

        transform = GeneralizedRCNNTransform(
            min_size,
            max_size,
            image_mean or [0.485, 0.456, 0.406],
            image_std or [0.229, 0.224, 0.225],
            **kwargs,
        )
        super().__init__(backbone, rpn, roi_heads, transform)


def fpn_anchors(sizes: Sequence[int]) -> AnchorGenerator:
    """One anchor size and the three usual ratios for each level of a pyramid."""
    return AnchorGenerator(tuple((size,) for size in sizes), (ASPECT_RATIOS,) * len(sizes))


def _anchors_per_location(anchor_generator: TorchvisionAnchorGenerator) -> int:
    numbers = anchor_generator.num_anchors_per_location()
    if len(set(numbers)) != 1:
        raise ValueError(f"one RPN head serves all levels, so each needs the same number of anchors; got {numbers}")
    return numbers[0]


def _check_levels(backbone: nn.Module, anchor_generator: TorchvisionAnchorGenerator) -> None:
    if not isinstance(backbone, BackboneWithFPN) or not isinstance(backbone.fpn.extra_blocks, LastLevelMaxPool):
        return  # how many maps it returns, only a forward pass tells
    maps, levels = len(backbone.fpn.inner_blocks) + 1, len(anchor_generator.num_anchors_per_location())
    if maps != levels:
        raise ValueError(
            f"anchors are given for {levels} feature maps (sizes={anchor_generator.sizes}), but the backbone returns "
            f"{maps}, one of them 'pool': give one tuple of sizes and one of ratios for each"
        )


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
        # The canonical box shrinks with the images, by half: an object then spans 7 to 14 cells of its map, or more.
        box_roi_pool=MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2, canonical_scale=112, roi_align=roi_align),
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
