"""Functions that several stages share: box geometry, box coding, matching, sampling, losses."""

from torchvision.ops import roi_align

from .box_coder import BoxCoder
from .boxes import batched_nms, box_area, box_iou, clip_boxes_to_image, nms, remove_small_boxes
from .losses import fastrcnn_loss, rpn_loss
from .matcher import Matcher
from .sampler import BalancedPositiveNegativeSampler

__all__ = [
    "BalancedPositiveNegativeSampler",
    "BoxCoder",
    "Matcher",
    "batched_nms",
    "box_area",
    "box_iou",
    "clip_boxes_to_image",
    "fastrcnn_loss",
    "nms",
    "remove_small_boxes",
    "roi_align",
    "rpn_loss",
]
