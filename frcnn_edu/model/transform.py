"""Images of any size → one batch, and boxes back again. The first and the last stage of the model."""

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
    """A batch of padded images, and how much of each is image.

    Attributes:
        tensors: (N, C, H, W), every image in the top left corner, zeros to its right and below.
        image_sizes: (height, width) of each image inside the padding.
    """

    tensors: Tensor
    image_sizes: list[Size]

    def to(self, device: torch.device | str) -> "ImageList":
        """The same batch on another device."""
        return ImageList(self.tensors.to(device), self.image_sizes)


class GeneralizedRCNNTransform(nn.Module):
    """Normalises, resizes and batches images together with their boxes; `postprocess` maps boxes back.

    Args:
        min_size: length of the shorter side after resizing, in pixels. With several, training samples one for each
            image and evaluation takes the last.
        max_size: the longer side never exceeds this. If it is below min_size, the longer side always has this length, and a
            warning says so.
        image_mean, image_std: one number a channel, or one for all, for images in 0–1.
        size_divisible: the batch is padded to a multiple of this, so that every stride of the backbone divides it.
        fixed_size: (width, height) to resize every image to, whatever its shape, instead of the above.

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
        self._skip_resize = _skip_resize  # in training only: images come resized already

    def forward(
        self, images: Sequence[Tensor], targets: list[Target] | None = None
    ) -> tuple[ImageList, list[Target] | None]:
        """Images (C, H, W) of any sizes and their targets → the batch, and targets whose boxes fit it.

        The caller's images and target dicts are left as they are.
        """
        resized: list[Tensor] = []
        in_batch: list[Any] = []
        for i, image in enumerate(images):
            target = None if targets is None else dict(targets[i])  # a copy: the caller's stays as it is
            # Normalised first, then resized. The other order would give the same numbers but for rounding.
            image, target = self.resize(self.normalize(image), target)  # (C, Hᵢ, Wᵢ)
            # From here to `postprocess` all boxes are in pixels of these resized images.
            resized.append(image)
            in_batch.append(target)
        sizes = [_size(image) for image in resized]
        batch = ImageList(self.batch_images(resized, self.size_divisible), sizes)
        return batch, None if targets is None else in_batch

    def normalize(self, image: Tensor) -> Tensor:
        """Subtracts the mean of each channel and divides by its standard deviation.

        Raises:
            TypeError: the image is not floating point; 0–255 in bytes would be normalised to nonsense.
            ValueError: it is not of shape (C, H, W).
        """
        _check_image(image)
        # The backbone was pretrained on images with this mean and deviation; others would look strange to it.
        mean = torch.as_tensor(self.image_mean, dtype=image.dtype, device=image.device)  # (C,)
        std = torch.as_tensor(self.image_std, dtype=image.dtype, device=image.device)
        return (image - mean[:, None, None]) / std[:, None, None]  # (C, 1, 1) against (C, H, W)

    def torch_choice(self, k: Sequence[int]) -> int:
        """One of `k`, sampled from PyTorch's CPU generator (also when there is only one, so that seeds agree)."""
        sampled = torch.empty(1).uniform_(0.0, float(len(k)))  # one random number, as torchvision takes it
        return k[int(sampled.item())] if len(k) > 1 else k[0]

    def resize(self, image: Tensor, target: Target | None = None) -> tuple[Tensor, Target | None]:
        """An image and its target, scaled together: boxes stay on what they were on.

        Override it for another way of resizing; it has to return both. (Masks and keypoints are scaled as well.)
        """
        if self.training and self._skip_resize:
            return image, target
        resized = self.resize_image(image)
        if target is not None:  # what is in the image moves with it
            old, new = _size(image), _size(resized)
            boxes = resize_boxes(target["boxes"], old, new)
            target = {**target, "boxes": boxes, **resized_targets(target, old, new)}
        return resized, target

    def resize_image(self, image: Tensor) -> Tensor:
        """Scales an image so that its shorter side is `min_size`, or its longer side `max_size` if that is less."""
        # In training objects should be seen in several sizes; in evaluation results must not depend on chance.
        min_size = self.torch_choice(self.min_size) if self.training else self.min_size[-1]
        if self.fixed_size is not None:  # distorts; the default keeps the shape of the image
            width, height = self.fixed_size
            return F.interpolate(image[None], size=(height, width), mode="bilinear", align_corners=False)[0]
        shorter, longer = sorted(image.shape[-2:])  # pixels
        # The shorter side to min_size, unless the longer one would then exceed max_size: a panorama becomes smaller.
        scale = min(min_size / shorter, self.max_size / longer)
        if int(shorter * scale) == 0:
            raise ValueError(
                f"an image of {image.shape[-2]}×{image.shape[-1]} pixels is too thin: with its longer side at "
                f"{self.max_size} (max_size) nothing is left of the shorter one"
            )
        return F.interpolate(
            image[None],
            scale_factor=scale,
            recompute_scale_factor=True,  # the new size is floored, and the true ratio follows from it
            mode="bilinear",
            align_corners=False,
        )[0]

    def batch_images(self, images: list[Tensor], size_divisible: int = 32) -> Tensor:
        """Images (C, Hᵢ, Wᵢ) → (N, C, H, W), padded right and below to a common multiple of `size_divisible`.

        Padding comes after normalising, so a padded pixel has the mean colour.
        """
        # A tensor has one size: that of the largest image, rounded up, so that every map halves the one before exactly.
        height, width = (
            math.ceil(max(image.shape[axis] for image in images) / size_divisible) * size_divisible for axis in (1, 2)
        )
        batch = images[0].new_zeros(len(images), images[0].shape[0], height, width)  # 0 is the mean colour now
        for i, image in enumerate(images):
            # In the top left corner, so that the boxes of an image need not be moved.
            batch[i, :, : image.shape[1], : image.shape[2]].copy_(image)
        return batch

    def postprocess(
        self, result: list[dict[str, Tensor]], image_shapes: list[Size], original_image_sizes: list[Size]
    ) -> list[dict[str, Tensor]]:
        """Detected boxes, from the resized images back to the originals. Nothing else: NMS is long done."""
        if self.training:  # there are losses, and no detections
            return result
        in_images = []
        # An image at a time: each was scaled by a factor of its own.
        for detections, size, original in zip(result, image_shapes, original_image_sizes):
            boxes = resize_boxes(detections["boxes"], size, original)  # what was resized in forward, resized back
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
