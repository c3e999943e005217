"""Faster R-CNN, assembled from its parts."""

from collections.abc import Sequence
from typing import Any

from torch import nn
from torchvision.models.detection import FasterRCNN as TorchvisionFasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator as TorchvisionAnchorGenerator
from torchvision.ops import MultiScaleRoIAlign as TorchvisionMultiScaleRoIAlign

from ..checks.arguments import check_arguments
from ..checks.parts import check_backbone, check_box_parts, check_rpn_head, window_of
from .anchors import AnchorGenerator
from .backbone import BackboneWithFPN
from .fast import run_as
from .fpn import LastLevelMaxPool
from .generalized_rcnn import GeneralizedRCNN
from .roi_align import MultiScaleRoIAlign
from .roi_heads import FastRCNNPredictor, RoIHeads, TwoMLPHead
from .rpn import RegionProposalNetwork, RPNHead
from .transform import GeneralizedRCNNTransform

ASPECT_RATIOS = (0.5, 1.0, 2.0)  # height / width
REPRESENTATION_SIZE = 1024  # outputs of the box head


# It inherits nothing but the name of torchvision's class, for code that tests
# `isinstance(model, torchvision.models.detection.FasterRCNN)`.
class FasterRCNN(GeneralizedRCNN, TorchvisionFasterRCNN):
    """Faster R-CNN: a backbone, a region proposal network, and a head that classifies and refines its proposals.

    Args:
        backbone: returns maps by name, or a single map; its `out_channels` is the number of channels of each.
        num_classes: number of classes, including the background (class 0). None if `box_predictor` is given.
        min_size, max_size, image_mean, image_std: see `GeneralizedRCNNTransform`; by default ImageNet's mean and standard
            deviation.
        rpn_anchor_generator: by default five levels, with one size each (32, 64, 128, 256, 512) and three ratios.
        rpn_head, rpn_*: see `RegionProposalNetwork`.
        box_roi_pool: by default, 7×7 RoIAlign from maps "0" … "3".
        box_head: by default, a `TwoMLPHead` with 1024 outputs.
        box_predictor: by default, a `FastRCNNPredictor`.
        box_*, bbox_reg_weights: see `RoIHeads`.
        exact: whether results equal torchvision's to the last bit; otherwise the model is faster, and they are equal up to
            rounding (see `run_as`).
        **kwargs: further arguments of `GeneralizedRCNNTransform`.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it and says what is legal.
        ValueError: the backbone has no `out_channels`; `num_classes` and `box_predictor` are both given, or neither;
            two parts do not fit together, for example anchors for three maps and a `BackboneWithFPN` that returns five.
            (Custom parts are checked in the first forward pass.)

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
        exact: bool = False,
        **kwargs: Any,
    ) -> None:
        # Backbones are pretrained on ImageNet, so its mean and standard deviation are the default.
        image_mean = [0.485, 0.456, 0.406] if image_mean is None else image_mean
        image_std = [0.229, 0.224, 0.225] if image_std is None else image_std
        check_arguments(locals())
        if (num_classes is None) == (box_predictor is None):
            raise ValueError(
                f"give either num_classes or a box_predictor, got num_classes={num_classes} and "
                f"box_predictor={type(box_predictor).__name__ if box_predictor else None}"
            )
        out_channels = check_backbone(backbone)

        # The first stage: anchors, a head that scores and moves them, and the rules by which a few
        # hundred or thousand of them are selected.
        anchor_generator = (
            fpn_anchors((32, 64, 128, 256, 512)) if rpn_anchor_generator is None else rpn_anchor_generator
        )
        _check_levels(backbone, anchor_generator)
        if rpn_head is None:
            rpn_head = RPNHead(out_channels, _anchors_per_location(anchor_generator))
        check_rpn_head(rpn_head, anchor_generator, out_channels)
        rpn = RegionProposalNetwork(
            anchor_generator,
            rpn_head,
            rpn_fg_iou_thresh,
            rpn_bg_iou_thresh,
            rpn_batch_size_per_image,
            rpn_positive_fraction,
            pre_nms_top_n=dict(training=rpn_pre_nms_top_n_train, testing=rpn_pre_nms_top_n_test),
            post_nms_top_n=dict(training=rpn_post_nms_top_n_train, testing=rpn_post_nms_top_n_test),
            nms_thresh=rpn_nms_thresh,
            score_thresh=rpn_score_thresh,
        )

        # The second stage: features of a fixed size for each proposal, two fully connected layers,
        # and two outputs: the class logits and the deltas.
        if box_roi_pool is None:
            box_roi_pool = MultiScaleRoIAlign(["0", "1", "2", "3"], output_size=7, sampling_ratio=2)
        if box_head is None:
            rows, columns = window_of(box_roi_pool)
            box_head = TwoMLPHead(out_channels * rows * columns, REPRESENTATION_SIZE)
        if box_predictor is None:
            assert num_classes is not None  # ensured by the check above
            box_predictor = FastRCNNPredictor(REPRESENTATION_SIZE, num_classes)
        check_box_parts(box_roi_pool, box_head, box_predictor, out_channels)
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

        # The transform comes first (resizing) and last (mapping the boxes back).
        transform = GeneralizedRCNNTransform(min_size, max_size, image_mean, image_std, **kwargs)
        super().__init__(backbone, rpn, roi_heads, transform)
        # So far this is the textbook. Some of its classes are now replaced by faster ones that give
        # the same result; `run_as(model, "textbook")` undoes that.
        run_as(self, "exact" if exact else "fast")


def fpn_anchors(sizes: Sequence[int]) -> AnchorGenerator:
    """One anchor size and the three usual ratios for each level of a pyramid."""
    return AnchorGenerator(tuple((size,) for size in sizes), (ASPECT_RATIOS,) * len(sizes))


def _anchors_per_location(anchor_generator: TorchvisionAnchorGenerator) -> int:
    if not hasattr(anchor_generator, "num_anchors_per_location"):
        raise TypeError("rpn_anchor_generator must be an AnchorGenerator, or have its num_anchors_per_location()")
    numbers = anchor_generator.num_anchors_per_location()
    if len(set(numbers)) != 1:
        raise ValueError(f"one RPN head serves all levels, so each needs the same number of anchors; got {numbers}")
    return numbers[0]


def _check_levels(backbone: nn.Module, anchor_generator: TorchvisionAnchorGenerator) -> None:
    if not isinstance(backbone, BackboneWithFPN) or not isinstance(backbone.fpn.extra_blocks, LastLevelMaxPool):
        return  # the number of its maps is known only after a forward pass
    maps, levels = len(backbone.fpn.inner_blocks) + 1, len(anchor_generator.num_anchors_per_location())
    if maps != levels:
        raise ValueError(
            f"anchors are given for {levels} feature map{'s' * (levels != 1)} (sizes={anchor_generator.sizes}), "
            f"but the backbone returns {maps}, one of them 'pool': give one tuple of sizes and one of ratios for each"
        )
