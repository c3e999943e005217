"""Masks and keypoints in targets and detections: Faster R-CNN ignores them, but Mask R-CNN's heads need them.

torchvision's functions resize them; here they are only called wherever boxes are resized.
"""

import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection.roi_heads import paste_masks_in_image
from torchvision.models.detection.transform import resize_keypoints

Size = tuple[int, int]  # (height, width)


def resized_targets(target: dict[str, Tensor], old: Size, new: Size) -> dict[str, Tensor]:
    """A target's `masks` (N, H, W) and `keypoints` (N, K, 3), if any, in the coordinates of the resized image."""
    resized = {}
    masks = target.get("masks")
    if isinstance(masks, Tensor) and masks.ndim == 3:
        resized["masks"] = F.interpolate(masks[:, None].float(), size=new)[:, 0].byte()  # nearest keeps 0 and 1
    if isinstance(target.get("keypoints"), Tensor):
        resized["keypoints"] = resize_keypoints(target["keypoints"], list(old), list(new))
    return resized


def detected_in_image(detections: dict[str, Tensor], boxes: Tensor, size: Size, original: Size) -> dict[str, Tensor]:
    """Detected `masks` (N, 1, 28, 28) and `keypoints` (N, K, 3), if any, in the coordinates of the original image.

    Args:
        boxes: (N, 4), already in pixels of the original image.
        size, original: sizes of the resized and of the original image.
    """
    found = {}
    if "masks" in detections:
        found["masks"] = paste_masks_in_image(detections["masks"], boxes, original)  # (N, 1, H, W)
    if "keypoints" in detections:
        found["keypoints"] = resize_keypoints(detections["keypoints"], list(size), list(original))
    return found
