"""Masks and keypoints beside boxes. Faster R-CNN has none, but targets bring them along, and Mask R-CNN's heads want them.

They are torchvision's business, and its functions do the work: here they are only called where boxes are resized.
"""

import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection.roi_heads import paste_masks_in_image
from torchvision.models.detection.transform import resize_keypoints

Size = tuple[int, int]  # (height, width)


def resized_targets(target: dict[str, Tensor], old: Size, new: Size) -> dict[str, Tensor]:
    """Those of `masks` (N, H, W) and `keypoints` (N, K, 3) that a target has, where they are in the resized image."""
    resized = {}
    masks = target.get("masks")
    if isinstance(masks, Tensor) and masks.ndim == 3:
        resized["masks"] = F.interpolate(masks[:, None].float(), size=new)[:, 0].byte()  # nearest: 0 and 1 stay so
    if isinstance(target.get("keypoints"), Tensor):
        resized["keypoints"] = resize_keypoints(target["keypoints"], list(old), list(new))
    return resized


def detected_in_image(detections: dict[str, Tensor], boxes: Tensor, size: Size, original: Size) -> dict[str, Tensor]:
    """Detected `masks` (N, 1, 28, 28) and `keypoints` (N, K, 3), if there are any, in the image as it was given.

    Args:
        boxes: (N, 4), already in pixels of that image.
        size, original: of the resized image, and of the one that was given.
    """
    found = {}
    if "masks" in detections:
        found["masks"] = paste_masks_in_image(detections["masks"], boxes, original)  # (N, 1, H, W)
    if "keypoints" in detections:
        found["keypoints"] = resize_keypoints(detections["keypoints"], list(size), list(original))
    return found
