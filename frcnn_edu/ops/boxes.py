"""Box geometry. A box is `[x1, y1, x2, y2]` in pixels, and a set of boxes is a float tensor of shape (N, 4)."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import nms

__all__ = [
    "batched_nms",
    "box_area",
    "box_iou",
    "clip_boxes_to_image",
    "nms",
    "remove_small_boxes",
    "resize_boxes",
]


def box_area(boxes: Tensor) -> Tensor:
    """Area of each box in square pixels: (N, 4) → (N,). Width is `x2 - x1`, with no `+ 1`."""
    return _area(boxes.t())


def _area(corners: Tensor) -> Tensor:
    """Of x1, y1, x2, y2 in a tensor (4, …) → (…)."""
    sides = corners[2:] - corners[:2]
    return sides[0] * sides[1]


def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Intersection over union of every box of one set with every box of another: (N, 4), (M, 4) → (N, M) in [0, 1]."""
    # Each coordinate by itself, side by side in memory, and no table written that an earlier one has room for: with
    # 200 objects and 200,000 anchors a table holds 160 MB, and time goes into moving it.
    corners1 = boxes1.t()[:, :, None]  # (4, N, 1)
    corners2 = boxes2.t().contiguous()[:, None]  # (4, 1, M)
    sides = torch.min(corners1[2:], corners2[2:]).sub_(torch.max(corners1[:2], corners2[:2]))  # (2, N, M)
    sides.clamp_(min=0)  # boxes that do not meet had a negative one
    intersection = sides[0] * sides[1]  # (N, M)
    union = (_area(corners1) + _area(corners2)).sub_(intersection)
    return intersection.div_(union)


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Moves every corner into the image. `boxes` is (..., 4), `size` is (height, width)."""
    return clip_boxes_to_images(boxes[None], [size])[0]


def clip_boxes_to_images(boxes: Tensor, sizes: list[tuple[int, int]]) -> Tensor:
    """The same for the boxes of several images, (N, ..., 4), as many in each; `sizes` are (height, width)."""
    limits = torch.tensor([(width, height) * 2 for height, width in sizes], dtype=boxes.dtype)
    limits = limits.view(-1, *[1] * (boxes.dim() - 2), 4).to(boxes.device, non_blocking=True)
    return boxes.clamp(min=0).minimum(limits)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """Indices of the boxes whose two sides are at least `min_size` pixels: (N, 4) → (K,) int64."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return torch.where((sides >= min_size).all(dim=1))[0]


def resize_boxes(boxes: Tensor, original_size: tuple[int, int], new_size: tuple[int, int]) -> Tensor:
    """Boxes of an image of `original_size` (height, width) as they lie after it is resized to `new_size`."""
    # A float32 ratio, not Python's float64: the last bit decides whether two boxes are equal.
    ratio_y, ratio_x = (float(np.float32(new) / np.float32(old)) for new, old in zip(new_size, original_size))
    ratios = torch.tensor([ratio_x, ratio_y, ratio_x, ratio_y], dtype=boxes.dtype)
    return boxes * ratios.to(boxes.device, non_blocking=True)


def batched_nms(
    boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float, group_sizes: list[int] | None = None
) -> Tensor:
    """NMS within each group: a box suppresses only boxes with the same `idxs` (a class, or a pyramid level).

    Takes boxes (N, 4), scores (N,), idxs (N,); returns the kept indices (K,), best score first. `group_sizes` says how
    many boxes each group has, where they come group by group and this is known: else the device has to be asked.
    Which of two equal ways is taken depends on N, as in `torchvision/ops/boxes.py`: few boxes are faster at one
    go, many are faster group by group. They round differently, so parity needs the same choice.
    """
    if torch.compiler.is_exporting():  # where numbers of boxes are not known
        return _nms_of_any_number(boxes, scores, idxs, iou_threshold)
    if boxes.numel() > most_at_one_go(boxes.device):
        return _nms_group_by_group(boxes, scores, idxs, iou_threshold, group_sizes)
    return _nms_with_offsets(boxes, scores, idxs, iou_threshold)


def most_at_one_go(device: torch.device) -> int:
    """Up to how many coordinates `batched_nms` takes all groups together."""
    return 4_000 if device.type == "cpu" else 100_000


def _nms_with_offsets(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """One NMS for all: each group is first moved to a place of its own, where it can meet no other."""
    if boxes.numel() == 0:
        return torch.empty((0,), dtype=torch.int64, device=boxes.device)
    offsets = idxs.to(boxes) * (boxes.max() + 1)
    return nms(boxes + offsets[:, None], scores, iou_threshold)


def _nms_of_any_number(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """The same as `_nms_with_offsets` for boxes in an image, without a question about how many there are."""
    furthest = F.pad(boxes.flatten(), (0, 1)).max()  # of no boxes 0
    return nms(boxes + (idxs.to(boxes) * (furthest + 1))[:, None], scores, iou_threshold)


def _nms_group_by_group(
    boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float, group_sizes: list[int] | None = None
) -> Tensor:
    by_group = torch.arange(len(boxes), device=boxes.device)
    if group_sizes is None:
        by_group = idxs.argsort(stable=True)
        group_sizes = idxs.unique(return_counts=True)[1].tolist()
    groups = by_group.split(group_sizes)  # indices of the boxes of each group, ascending
    kept = [members[nms(boxes[members], scores[members], iou_threshold)] for members in groups]
    keep = torch.cat(kept).sort().values
    return keep[scores[keep].sort(descending=True)[1]]
