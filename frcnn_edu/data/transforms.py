"""Random changes of the training images and their boxes, by torchvision.transforms.v2."""

from typing import Any

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode, v2


class DetectionTransforms:
    """Applies a torchvision v2 transform to an (image, target) pair of plain tensors.

    The target's boxes follow the image. Boxes to ignore (`iscrowd` 1) are dropped, since the losses have no use for
    them, and so are boxes with a side shorter than `min_side` pixels afterwards. `area` changes as the box's area does.

    All randomness comes from torch's generator: `torch.manual_seed` reproduces it.
    """

    def __init__(self, transform: v2.Transform, min_side: float = 1.0) -> None:
        self.transform, self.min_side = transform, min_side

    def __call__(self, image: Tensor, target: dict[str, Any]) -> tuple[Tensor, dict[str, Any]]:
        old = tv_tensors.BoundingBoxes(target["boxes"], format="XYXY", canvas_size=image.shape[-2:])
        new_image, new = self.transform(tv_tensors.Image(image), old)
        boxes = v2.functional.clamp_bounding_boxes(new).as_subclass(Tensor)  # (N, 4)
        sides, old_sides = boxes[:, 2:] - boxes[:, :2], target["boxes"][:, 2:] - target["boxes"][:, :2]
        keep = (sides >= self.min_side).all(dim=1) & (target["iscrowd"] == 0)
        return new_image.as_subclass(Tensor), {
            **target,
            "boxes": boxes[keep],
            "labels": target["labels"][keep],
            "area": (target["area"] * sides.prod(dim=1) / old_sides.prod(dim=1))[keep],
            "iscrowd": target["iscrowd"][keep],
        }


def train_transforms(
    hflip: float = 0.5, vflip: float = 0.0, scale_jitter: tuple[float, float] | None = None
) -> DetectionTransforms:
    """The transform for training images.

    Args:
        hflip, vflip: the probabilities, 0–1, of mirroring left–right and top–bottom.
        scale_jitter: (smallest, largest) factor by which an image is shrunk or enlarged about its centre. Its size does
            not change, because the model would undo a plain resize: a shrunk image gets a grey frame, an enlarged one
            loses its edges. What is left of a box there is dropped if it is less than 4 pixels wide or high.

    Raises:
        ValueError: a probability outside 0–1, or factors that are not 0 < smallest ≤ largest.
    """
    for name, probability in (("hflip", hflip), ("vflip", vflip)):
        if not 0 <= probability <= 1:
            raise ValueError(f"{name} must be a probability from 0 to 1; got {probability}")
    parts: list[torch.nn.Module] = [v2.RandomHorizontalFlip(hflip), v2.RandomVerticalFlip(vflip)]
    if scale_jitter is None:
        return DetectionTransforms(v2.Compose(parts))
    if not 0 < scale_jitter[0] <= scale_jitter[1]:
        raise ValueError(f"scale_jitter must be (smallest, largest) with 0 < smallest <= largest; got {scale_jitter}")
    parts.append(v2.RandomAffine(degrees=0, scale=scale_jitter, interpolation=InterpolationMode.BILINEAR, fill=0.5))
    return DetectionTransforms(v2.Compose(parts), min_side=4.0)
