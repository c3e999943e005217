"""Box geometry. A box is `[x1, y1, x2, y2]` in pixels, and a set of boxes is a float tensor of shape (N, 4)."""

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_convert, nms

__all__ = [
    "batched_nms",
    "box_area",
    "box_iou",
    "clip_boxes_to_image",
    "nms",
    "remove_small_boxes",
    "resize_boxes",
]


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """Area of each box in square pixels: (..., 4) → (...). Width is `x2 - x1`, with no `+ 1`.

    Args:
        fmt: meaning of the four numbers: "xyxy", "xywh" or "cxcywh".
    """
    check_format(fmt)
    boxes = upcast(boxes)
    # (..., 2): width and height.
    sides = boxes[..., 2:] - boxes[..., :2] if fmt == "xyxy" else boxes[..., 2:]
    return sides[..., 0] * sides[..., 1]


def check_format(fmt: str) -> None:
    """Checks that this is one of the formats of `torchvision.ops.box_convert` for boxes without rotation."""
    if fmt not in ("xyxy", "xywh", "cxcywh"):
        raise ValueError(f"fmt must be 'xyxy', 'xywh' or 'cxcywh', got {fmt}")


def upcast(pixels: Tensor) -> Tensor:
    """Makes pixels precise enough to be multiplied: 256 × 256 exceeds the range of float16.

    Source: `torchvision/ops/_utils.py`.
    """
    if pixels.is_floating_point():
        return pixels if pixels.dtype in (torch.float32, torch.float64) else pixels.float()
    return pixels if pixels.dtype in (torch.int32, torch.int64) else pixels.int()


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """Intersection over union of every box of one set with every box of another: (N, 4), (M, 4) → (N, M) in [0, 1].

    Args:
        fmt: as in `box_area`. There may be leading axes: (B, N, 4), (B, M, 4) → (B, N, M).
    """
    check_format(fmt)
    xyxy1, xyxy2 = (boxes if fmt == "xyxy" else box_convert(boxes, fmt, "xyxy") for boxes in (boxes1, boxes2))
    # The intersection is a box: from the larger top-left corner to the smaller bottom-right one.
    top_left = torch.max(xyxy1[..., None, :2], xyxy2[..., None, :, :2])  # (N, M, 2)
    bottom_right = torch.min(xyxy1[..., None, 2:], xyxy2[..., None, :, 2:])  # (N, M, 2)
    sides = upcast(bottom_right - top_left).clamp(min=0)  # negative if the boxes do not overlap
    intersection = sides[..., 0] * sides[..., 1]  # (N, M)
    # (N, M): the sum of both areas counts the intersection twice.
    union = box_area(boxes1, fmt)[..., None] + box_area(boxes2, fmt)[..., None, :] - intersection
    return intersection / union


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Moves every corner into the image. `boxes` is (..., 4), `size` is (height, width)."""
    height, width = size
    x, y = boxes[..., 0::2], boxes[..., 1::2]  # (..., 2) each
    # (..., 2, 2): x1, y1 and x2, y2.
    corners = torch.stack((x.clamp(0, width), y.clamp(0, height)), dim=-1)
    return corners.flatten(start_dim=-2)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """Indices of the boxes whose width and height are at least `min_size` pixels: (N, 4) → (K,) int64."""
    sides = boxes[:, 2:] - boxes[:, :2]  # (N, 2): width and height
    return torch.where((sides >= min_size).all(dim=1))[0]


def resize_boxes(boxes: Tensor, original_size: tuple[int, int], new_size: tuple[int, int]) -> Tensor:
    """Scales boxes of an image that is resized from `original_size` to `new_size`, both (height, width)."""
    # The ratio is a float32, as in torchvision; Python's float64 would give different last bits.
    ratio_y, ratio_x = (float(np.float32(new) / np.float32(old)) for new, old in zip(new_size, original_size))
    x, y = boxes[:, 0::2] * ratio_x, boxes[:, 1::2] * ratio_y  # (N, 2) each
    return torch.stack((x, y), dim=2).flatten(start_dim=1)  # (N, 2, 2), x1, y1 and x2, y2, → (N, 4)


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """NMS within each group: a box suppresses only boxes with the same `idxs` (a class, or a pyramid level).

    Takes boxes (N, 4), scores (N,), idxs (N,); returns the kept indices (K,), best score first. There are two
    algorithms, equal up to rounding. N decides which is used, as in `torchvision/ops/boxes.py`, so that the numbers agree.
    """
    # Few boxes are faster all at once, many are faster group by group.
    if boxes.numel() > most_at_one_go(boxes.device):
        return _nms_group_by_group(boxes, scores, idxs, iou_threshold)
    return _nms_with_offsets(boxes, scores, idxs, iou_threshold)


def most_at_one_go(device: torch.device) -> int:
    """The largest number of coordinates for which `batched_nms` handles all groups at once."""
    return 4_000 if device.type == "cpu" else 100_000


def _nms_with_offsets(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """One NMS for all groups: each is first shifted so far that it overlaps no other."""
    if boxes.numel() == 0:
        return torch.empty((0,), dtype=torch.int64, device=boxes.device)
    offsets = idxs.to(boxes) * (boxes.max() + 1)  # (N,): farther than any box extends
    return nms(boxes + offsets[:, None], scores, iou_threshold)


def _nms_group_by_group(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """One NMS for each group."""
    keep = torch.zeros_like(scores, dtype=torch.bool)
    for group in idxs.unique():
        members = torch.where(idxs == group)[0]
        keep[members[nms(boxes[members], scores[members], iou_threshold)]] = True
    kept = torch.where(keep)[0]
    # Each group was sorted separately; now the best of all come first.
    return kept[scores[kept].sort(descending=True)[1]]
