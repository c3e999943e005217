"""Whole models to compare, one setting after another."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from twins import (
    mobilenet_v3_large_fpn,
    mobilenet_v3_large_single_map,
    resnet18_fpn,
    resnet50_fpn,
    small_fpn,
    vgg16_single_map,
)

WIDE, TALL, SQUARE = (90, 160), (150, 60), (100, 100)

# Fewer samples than the defaults: the large box heads are most of the work.
FAST = {
    "min_size": 96,
    "max_size": 192,
    "rpn_post_nms_top_n_test": 60,
    "rpn_post_nms_top_n_train": 200,
    "box_batch_size_per_image": 48,
}


@dataclass
class Case:
    """Images of the given sizes with this many boxes each, and a model of that recipe and settings."""

    name: str
    recipe: Callable[..., nn.Module] = small_fpn
    sizes: tuple[tuple[int, int], ...] = (WIDE, TALL)
    counts: tuple[int, ...] = (5, 2)
    num_classes: int = 7
    settings: dict[str, Any] = field(default_factory=dict)
    least_proposals: int = 30
    least_detections: int = 5


CASES = [
    Case("resnet50_fpn", resnet50_fpn, counts=(5, 0)),
    Case("mobilenet_v3_large_fpn", mobilenet_v3_large_fpn),
    Case("resnet18_fpn, frozen BatchNorm", resnet18_fpn, (SQUARE, WIDE, TALL), (3, 0, 120)),
    Case("mobilenet_v3_large, one map", mobilenet_v3_large_single_map, least_proposals=10),
    Case("vgg16, one map", vgg16_single_map, (SQUARE,), (4,)),
    Case("one image", sizes=(SQUARE,), counts=(3,)),
    Case("three images", sizes=(TALL, SQUARE, WIDE), counts=(1, 7, 3)),
    Case("an image without objects", counts=(0, 4)),
    Case("no objects at all", counts=(0, 0)),
    Case("120 boxes", counts=(120, 1)),
    Case("very wide and very tall", sizes=((40, 170), (180, 36)), counts=(4, 4)),
    Case("two classes", num_classes=2),
    Case("91 classes", num_classes=91, settings={"box_score_thresh": 0.02}),
    Case(
        "several anchors a level",
        settings={"sizes": ((8, 14), (20, 28), (40, 56), (64, 90), (100, 140)), "ratios": ((0.3, 1.0, 1.7, 3.0),) * 5},
    ),
    Case(
        "default top-n: more than 4000 elements in NMS",
        settings={"rpn_post_nms_top_n_test": 1000, "rpn_post_nms_top_n_train": 2000, "box_batch_size_per_image": 512},
    ),
    Case(
        "few proposals, strict thresholds",
        settings={
            "rpn_pre_nms_top_n_train": 40,
            "rpn_pre_nms_top_n_test": 30,
            "rpn_post_nms_top_n_train": 25,
            "rpn_post_nms_top_n_test": 20,
            "rpn_nms_thresh": 0.5,
            "rpn_score_thresh": 0.1,
            "box_score_thresh": 0.2,
            "box_nms_thresh": 0.3,
            "box_detections_per_img": 6,
        },
        least_proposals=10,
        least_detections=3,
    ),
    Case(
        "other thresholds of matching and sampling",
        counts=(20, 9),
        settings={
            "rpn_fg_iou_thresh": 0.5,
            "rpn_bg_iou_thresh": 0.2,
            "rpn_batch_size_per_image": 33,
            "rpn_positive_fraction": 0.25,
            "box_fg_iou_thresh": 0.6,
            "box_bg_iou_thresh": 0.3,
            "box_batch_size_per_image": 31,
            "box_positive_fraction": 0.6,
            "bbox_reg_weights": (1.0, 2.0, 3.0, 4.0),
        },
    ),
    Case("several sizes to draw from", settings={"min_size": (64, 96, 128)}),
    Case("one size for all", settings={"fixed_size": (160, 96), "size_divisible": 64}),
    Case(
        "maps large enough for Winograd's way",
        resnet18_fpn,
        ((128, 160),),
        (6,),
        settings={"min_size": 256, "max_size": 320},
    ),
    Case("the caller's mean and deviation", settings={"image_mean": [0.5, 0.4, 0.3], "image_std": [0.1, 0.2, 0.3]}),
]
