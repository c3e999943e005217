"""Images of any size → one batch, and boxes back to the original images: the model's first and last stage."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checks.arguments import check_arguments
from ..ops.boxes import resize_boxes
from .compat.other_targets import detected_in_image, resized_targets

Target = dict[str, Tensor]
Size = tuple[int, int]  # (height, width), as in a tensor's shape


@dataclass(eq=False)
class ImageList:
    """A batch of padded images, and the size of each without padding.

    Attributes:
        tensors: (N, C, H, W), each image in the top-left corner, with zeros to its right and below it.
        image_sizes: (height, width) of each image without the padding.
    """

    tensors: Tensor
    image_sizes: list[Size]

    def to(self, device: torch.device | str) -> "ImageList":
        """The same batch on another device."""
        return ImageList(self.tensors.to(device), self.image_sizes)


class GeneralizedRCNNTransform(nn.Module):
    """Normalises, resizes and batches images together with their boxes; `postprocess` maps boxes back.

    Args:
        min_size: length of the shorter side after resizing, in pixels. If there are several, training samples one for
            each image and evaluation uses the last.
        max_size: upper limit of the longer side. If it is below min_size, the longer side always has this length, and a
            warning says so.
        image_mean, image_std: one number per channel, or one for all, for images in 0–1.
        size_divisible: height and width of the batch are padded to a multiple of this, which every stride of the backbone
            divides.
        fixed_size: (width, height) of every resized image, whatever its shape; replaces min_size and max_size.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: `torchvision/models/detection/transform.py`.
    """

    def __init__(
        self,
        min_size: int | Sequence[int],
        max_size: int,
        image_mean: Sequence[float],
        image_std: Sequence[float],
        size_divisible: int = 32,
        fixed_size: tuple[int, int] | None = None,
        *,
        _skip_resize: bool = False,
    ) -> None:
        super().__init__()
        check_arguments(locals())
        self.min_size = tuple(min_size) if isinstance(min_size, Sequence) else (min_size,)  # 800 pixels
        self.max_size = max_size  # 1333 pixels
        self.image_mean = image_mean
        self.image_std = image_std
        self.size_divisible = size_divisible  # the stride of C5, the coarsest map of a ResNet
        self.fixed_size = fixed_size
        self._skip_resize = _skip_resize  # training only: images are resized already

    def forward(
        self, images: Sequence[Tensor], targets: list[Target] | None = None
    ) -> tuple[ImageList, list[Target] | None]:
        """Images (C, H, W) of any sizes and their targets → the batch, and targets whose boxes fit it.

        The caller's images and target dicts are not changed.
        """
        resized: list[Tensor] = []
        in_batch: list[Any] = []
        for i, image in enumerate(images):
            target = None if targets is None else dict(targets[i])  # a copy
            # Normalise, then resize. Up to rounding, the other order gives the same numbers.
            image, target = self.resize(self.normalize(image), target)  # (C, Hᵢ, Wᵢ)
            # From here to `postprocess`, all boxes are in pixels of these resized images.
            resized.append(image)
            in_batch.append(target)
        sizes = [_size(image) for image in resized]
        batch = ImageList(self.batch_images(resized, self.size_divisible), sizes)
        return batch, None if targets is None else in_batch

    def normalize(self, image: Tensor) -> Tensor:
        """Subtracts the mean of each channel and divides by its standard deviation.

        Raises:
            TypeError: the image is not floating point; normalising bytes in 0–255 would give nonsense.
            ValueError: its shape is not (C, H, W).
        """
        _check_image(image)
        # The backbone was pretrained on images with this mean and standard deviation.
        mean = torch.as_tensor(self.image_mean, dtype=image.dtype, device=image.device)  # (C,)
        std = torch.as_tensor(self.image_std, dtype=image.dtype, device=image.device)
        return (image - mean[:, None, None]) / std[:, None, None]  # (C, 1, 1) against (C, H, W)

    def torch_choice(self, k: Sequence[int]) -> int:
        """One of `k`, sampled with PyTorch's CPU generator (even if there is only one, so that seeds agree)."""
        sampled = torch.empty(1).uniform_(0.0, float(len(k)))  # one number, as in torchvision
        return k[int(sampled.item())] if len(k) > 1 else k[0]

    def resize(self, image: Tensor, target: Target | None = None) -> tuple[Tensor, Target | None]:
        """Scales an image and its target together, so that boxes stay on their objects.

        Override it to resize differently; it must return both. (Masks and keypoints are scaled as well.)
        """
        if self.training and self._skip_resize:
            return image, target
        resized = self.resize_image(image)
        if target is not None:  # boxes are scaled with the image
            old, new = _size(image), _size(resized)
            boxes = resize_boxes(target["boxes"], old, new)
            target = {**target, "boxes": boxes, **resized_targets(target, old, new)}
        return resized, target

    def resize_image(self, image: Tensor) -> Tensor:
        """Scales an image so that its shorter side is `min_size`, or its longer side `max_size` if that is smaller."""
        # Training uses several sizes, as augmentation; evaluation must not depend on chance.
        min_size = self.torch_choice(self.min_size) if self.training else self.min_size[-1]
        if self.fixed_size is not None:  # may distort; the default keeps the aspect ratio
            width, height = self.fixed_size
            return F.interpolate(image[None], size=(height, width), mode="bilinear", align_corners=False)[0]
        shorter, longer = sorted(image.shape[-2:])  # pixels
        # Scale the shorter side to min_size, unless the longer one would then exceed max_size.
        scale = min(min_size / shorter, self.max_size / longer)
        if int(shorter * scale) == 0:
            raise ValueError(
                f"an image of {image.shape[-2]}×{image.shape[-1]} pixels is too thin: with its longer side scaled to "
                f"{self.max_size} (max_size), the shorter one would have no pixels"
            )
        return F.interpolate(
            image[None],
            scale_factor=scale,
            recompute_scale_factor=True,  # from the new size, which is rounded down
            mode="bilinear",
            align_corners=False,
        )[0]

    def batch_images(self, images: list[Tensor], size_divisible: int = 32) -> Tensor:
        """Images (C, Hᵢ, Wᵢ) → (N, C, H, W), padded at the right and at the bottom to a multiple of `size_divisible`.

        Padding follows normalising, so padded pixels have the mean colour.
        """
        # The largest height and width, rounded up, so that each map is exactly half the last.
        height, width = (
            math.ceil(max(image.shape[axis] for image in images) / size_divisible) * size_divisible for axis in (1, 2)
        )
        batch = images[0].new_zeros(len(images), images[0].shape[0], height, width)
        for i, image in enumerate(images):
            # In the top-left corner, so that boxes keep their coordinates.
            batch[i, :, : image.shape[1], : image.shape[2]].copy_(image)
        return batch

    def postprocess(
        self, result: list[dict[str, Tensor]], image_shapes: list[Size], original_image_sizes: list[Size]
    ) -> list[dict[str, Tensor]]:
        """Maps detected boxes from the resized images back to the originals. It does nothing else; NMS is already done."""
        if self.training:  # there are losses and no detections
            return result
        in_images = []
        # One image at a time, because each was scaled by its own factor.
        for detections, size, original in zip(result, image_shapes, original_image_sizes):
            boxes = resize_boxes(detections["boxes"], size, original)  # undoes the resizing
            in_images.append({**detections, "boxes": boxes, **detected_in_image(detections, boxes, size, original)})
        return in_images

    def __repr__(self) -> str:  # as torchvision shows it
        return (
            f"{type(self).__name__}(\n    Normalize(mean={self.image_mean}, std={self.image_std})\n"
            f"    Resize(min_size={self.min_size}, max_size={self.max_size}, mode='bilinear')\n)"
        )


def _size(image: Tensor) -> Size:
    return image.shape[-2], image.shape[-1]


def _check_image(image: Tensor) -> None:
    if image.ndim != 3:
        raise ValueError(f"an image must have shape (C, H, W), got {tuple(image.shape)}")
    if not image.is_floating_point():
        hint = "image.float() / 255" if image.dtype == torch.uint8 else "image.float()"
        raise TypeError(f"an image must be floating point with values in 0–1, got {image.dtype}: use {hint}")
