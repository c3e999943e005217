"""Validates a batch before anything is computed.

A detector fails silently: boxes in the wrong format train it on the wrong places, labels that start at 0 turn a class into
background, and images in 0–255 look like bright noise. Each of these mistakes raises an error that names the image and
the value.

Types, shapes and devices are checked first. The values are checked afterwards: they are all copied to the host at once, so
that a GPU is synchronised only once per batch.
"""

from collections.abc import Mapping, Sequence
from math import inf, isfinite

import numpy as np
import torch
from torch import Tensor
from torchvision.tv_tensors import BoundingBoxes, BoundingBoxFormat

# Images are in 0–1. Resampling with a sharp kernel (bicubic, Lanczos) overshoots slightly at edges.
LOWEST_VALUE, HIGHEST_VALUE = -0.5, 1.5
# The largest number of values of which the lowest and highest are searched. In images of more than
# 295×295 pixels only every second, third … row is read: all rows of a large photograph would take
# several percent of a small model's step.
MOST_VALUES = 2**18
# Pixels. Boxes within 0…1 may be one pixel in size in a smaller image, but are fractions in a
# larger one.
A_FEW_PIXELS = 8


def check_batch(
    images: Sequence[Tensor],
    targets: Sequence[Mapping[str, Tensor]] | None,
    *,
    training: bool,
    num_classes: int | None,
    channels: int | None,
    device: torch.device | None,
    normalised: bool,
    dtype: torch.dtype | None = None,
) -> None:
    """Raises an error that names the image and the value, unless the model can use the batch.

    The following are legal and need no special care: an image without objects (boxes of shape (0, 4) and labels of shape (0,)),
    boxes partly outside their image, images of different sizes, targets in evaluation (they are checked too).

    Args:
        images: list or tuple of floating-point tensors (C, H, W) with values in 0–1, all of one dtype. Only some rows of an
            image with more than `MOST_VALUES` are read.
        targets: one dict per image with `boxes` (N, 4), `xyxy` in pixels, of the image's dtype, and `labels` (N,),
            int64 in 1 … num_classes − 1; 0 is the background. Other keys are ignored.
        training: whether targets are required.
        num_classes: number of classes, including the background, or None if unknown.
        channels: number of channels that the model accepts (the length of its image_mean); None for that of the first image.
        device: device of the model's parameters, or None to require only that all images are on the same device.
        normalised: whether the caller normalises, so that values may be of any size; they must still be finite.
        dtype: dtype of the model's parameters, which images must share unless autocast is on; None to skip this check.

    Raises:
        TypeError: something has the wrong type or dtype.
        ValueError: a length, shape, device or value is wrong; boxes are fractions of the image; or boxes belong to an image of
            a different size (according to a `tv_tensors.BoundingBoxes`).
    """
    _check_lengths(images, targets, training)
    for i, image in enumerate(images):
        _check_image(i, image, images[0], channels, device, dtype)
        channels = image.shape[0]
    for i, target in enumerate(targets or ()):
        _check_target(i, target, images[i])

    counts = [len(target["boxes"]) for target in targets or ()]
    extremes, boxes, labels = _read_values(images, targets or ())
    for i, (lowest, highest) in enumerate(extremes.tolist()):
        _check_pixels(i, lowest, highest, normalised)
    if len(boxes) > 0:
        image_of = np.repeat(np.arange(len(counts)), counts)  # the image of each box
        sizes = np.array([(image.shape[-1], image.shape[-2]) for image in images])  # (width, height)
        _check_fractions(boxes, image_of, counts, sizes)
        _check_boxes(boxes, image_of, sizes)
        _check_labels(labels, image_of, num_classes)


def _check_lengths(images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None, training: bool) -> None:
    if isinstance(images, Tensor):
        hint = ": pass [image]" if images.ndim == 3 else ""
        raise TypeError(f"images must be a list of tensors (C, H, W), got one tensor of shape {_shape(images)}{hint}")
    if not isinstance(images, list | tuple):
        raise TypeError(f"images must be a list of tensors (C, H, W), got {_kind(images)}")
    if len(images) == 0:
        raise ValueError("images is an empty list: at least one image is needed")
    if targets is None:
        if training:
            raise ValueError("targets are required in training: call model(images, targets), or model.eval() first")
        return
    if not isinstance(targets, list | tuple):
        raise TypeError(f"targets must be a list with one dict per image, got {_kind(targets)}")
    if len(targets) != len(images):
        raise ValueError(f"each image needs one target: got {len(images)} images and {len(targets)} targets")


def _check_image(
    i: int,
    image: Tensor,
    first: Tensor,
    channels: int | None,
    device: torch.device | None,
    dtype: torch.dtype | None,
) -> None:
    name = f"images[{i}]"
    if not isinstance(image, Tensor):
        raise TypeError(f"{name} must be a float tensor (C, H, W) with values in 0–1, got {_kind(image)}")
    if image.ndim != 3:
        raise ValueError(f"{name} must have shape (C, H, W), got {_shape(image)}")
    if not image.is_floating_point():
        hint = f"{name}.float() / 255" if image.dtype == torch.uint8 else f"{name}.float()"
        raise TypeError(f"{name} must be floating point with values in 0–1, got {image.dtype}: use {hint}")
    if channels is not None and image.shape[0] != channels:
        hint = f": {channels} channels, the length of image_mean"
        if image.shape[-1] == channels:
            hint = f": it looks like (H, W, C); use {name}.permute(2, 0, 1)"
        elif image.shape[0] == 1:
            hint = f": for a grey image, use {name}.expand({channels}, -1, -1)"
        raise ValueError(f"{name} must have shape ({channels}, H, W), got {_shape(image)}{hint}")
    if 0 in image.shape:
        raise ValueError(f"{name} has no pixels: its shape is {_shape(image)}")
    if image.dtype != first.dtype:
        raise TypeError(f"images must share one dtype: images[0] is {first.dtype}, {name} is {image.dtype}")
    if dtype is not None and image.dtype != dtype and not _autocast_converts(image, dtype):
        raise TypeError(f"{name} is {image.dtype} but the model is {dtype}: use {name}.to({dtype})")
    expected = first.device if device is None else device
    if image.device != expected:
        owner = "images[0] is" if device is None else "the model is"
        raise ValueError(f"{name} is on {image.device} but {owner} on {expected}: use {name}.to('{expected}')")


def _check_target(i: int, target: Mapping[str, Tensor], image: Tensor) -> None:
    if not isinstance(target, Mapping):
        raise TypeError(f"targets[{i}] must be a dict with 'boxes' and 'labels', got {_kind(target)}")
    for key in ("boxes", "labels"):
        name = f"targets[{i}]['{key}']"
        if key not in target:
            raise ValueError(f"targets[{i}] has no '{key}': its keys are {sorted(map(str, target))}")
        if not isinstance(target[key], Tensor):
            raise TypeError(f"{name} must be a tensor, got {_kind(target[key])}")
        if target[key].device != image.device:
            raise ValueError(f"{name} is on {target[key].device} but its image is on {image.device}")

    name, boxes = f"targets[{i}]['boxes']", target["boxes"]
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        hint = ": for an image without objects use torch.zeros((0, 4))" if boxes.numel() == 0 else ""
        raise ValueError(f"{name} must have shape (N, 4), got {_shape(boxes)}{hint}")
    if boxes.dtype != image.dtype:
        raise TypeError(f"{name} must be {image.dtype} like its image, got {boxes.dtype}: use boxes.to({image.dtype})")
    if isinstance(boxes, BoundingBoxes) and boxes.format != BoundingBoxFormat.XYXY:
        raise ValueError(
            f"{name} must be in xyxy format, got {boxes.format.name}: convert with torchvision.ops.box_convert"
        )
    if isinstance(boxes, BoundingBoxes) and tuple(boxes.canvas_size) != tuple(image.shape[-2:]):
        raise ValueError(
            f"{name} is for an image of (height, width) {tuple(boxes.canvas_size)} according to its canvas_size, but images[{i}] "
            f"has {tuple(image.shape[-2:])}: transform both together"
        )

    name, labels = f"targets[{i}]['labels']", target["labels"]
    if labels.dtype != torch.int64:
        raise TypeError(f"{name} must be torch.int64, got {labels.dtype}: use labels.to(torch.int64)")
    if labels.shape != boxes.shape[:1]:
        raise ValueError(f"{name} must have shape ({len(boxes)},), one label per box, got {_shape(labels)}")


def _read_values(
    images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest and highest value of each image (images, 2), all boxes (N, 4) and all labels (N,), image by image."""
    # NaN and infinity propagate to the extremes.
    parts = [torch.stack([value for image in images for value in _some_rows(image.detach()).aminmax()])]
    parts += [target["boxes"].detach().flatten() for target in targets]
    parts += [target["labels"] for target in targets]
    # float32 represents labels exactly up to 2²⁴; no model has that many classes.
    dtype = torch.float64 if images[0].dtype == torch.float64 else torch.float32
    values = _to_host(torch.cat([part.to(dtype) for part in parts]))
    number = sum(len(target["boxes"]) for target in targets)
    extremes, boxes, labels = np.split(values, [2 * len(images), 2 * len(images) + 4 * number])
    return extremes.reshape(-1, 2), boxes.reshape(-1, 4), labels


def _some_rows(image: Tensor) -> Tensor:
    """An image (C, H, W), or every second, third … row if it has more than `MOST_VALUES`."""
    return image[:, :: -(-image.numel() // MOST_VALUES)]


def _to_host(values: Tensor) -> np.ndarray:
    """Copies values to the host: the only synchronisation with a GPU."""
    return values.cpu().numpy()


def _check_pixels(i: int, lowest: float, highest: float, normalised: bool) -> None:
    name = f"images[{i}]"
    if not (isfinite(lowest) and isfinite(highest)):
        found = "NaN" if lowest != lowest else "an infinite value"
        raise ValueError(f"{name} contains {found}")
    if normalised or (lowest >= LOWEST_VALUE and highest <= HIGHEST_VALUE):
        return
    hint = "do not normalise it, because the model does so with its image_mean and image_std"
    if lowest >= LOWEST_VALUE:
        hint = "if it is a 0–255 image, divide by 255"
    raise ValueError(f"{name} must have values in 0–1, got {lowest:.4g} … {highest:.4g}: {hint}")


def _check_fractions(boxes: np.ndarray, image_of: np.ndarray, counts: Sequence[int], sizes: np.ndarray) -> None:
    """Checks boxes (N, 4). `image_of` (N,) is the image of each, `counts` their number per image, `sizes` (width, height)."""
    in_pixels = ~((boxes >= 0) & (boxes <= 1)).all(axis=1)
    if in_pixels.all():
        return
    outside = np.bincount(image_of, weights=in_pixels, minlength=len(counts))
    for i in np.flatnonzero((outside == 0) & (np.array(counts) > 0) & (sizes > A_FEW_PIXELS).all(axis=1)):
        of_image = boxes[image_of == i]
        xyxy = (of_image[:, :2] < of_image[:, 2:]).all(axis=1)
        if not xyxy.any() and (of_image % 1 == 0).all():  # such as [0, 0, 0, 0]
            continue
        width, height = sizes[i].tolist()
        convert = (
            "" if xyxy.all() else ", after torchvision.ops.box_convert(boxes, 'cxcywh', 'xyxy') if they are YOLO's"
        )
        raise ValueError(
            f"all of targets[{i}]['boxes'] are within 0…1, such as {_numbers(of_image[0])}, but their image is {width} wide "
            f"and {height} high: boxes are xyxy in pixels; multiply fractions by {[width, height] * 2}{convert}"
        )


def _check_boxes(boxes: np.ndarray, image_of: np.ndarray, sizes: np.ndarray) -> None:
    top_left, bottom_right = boxes[:, :2], boxes[:, 2:]
    # False for NaN, too: all comparisons with it are.
    legal = (top_left < bottom_right) & (top_left < sizes[image_of]) & (bottom_right > 0)
    legal &= (top_left > -inf) & (bottom_right < inf)
    if legal.all():
        return
    first = int(np.flatnonzero(~legal.all(axis=1))[0])
    i = int(image_of[first])
    _name_box(i, first - int(np.searchsorted(image_of, i)), boxes[first], *sizes[i])


def _name_box(i: int, n: int, box: np.ndarray, width: int, height: int) -> None:
    """Raises the error for box `n` of image `i`, which is not legal."""
    x1, y1, x2, y2 = box.tolist()
    name = f"targets[{i}]['boxes'][{n}] = {_numbers(box)}"
    if not all(map(isfinite, (x1, y1, x2, y2))):
        raise ValueError(f"{name} is not finite")
    if x1 < x2 and y1 < y2:
        raise ValueError(f"{name} is completely outside its image, which is {width} wide and {height} high")
    side = "width" if x2 <= x1 else "height"
    hint = ""
    if x1 >= 0 and y1 >= 0 and x2 > 0 and y2 > 0 and x1 + x2 <= width and y1 + y2 <= height:
        hint = "; this looks like xywh: use torchvision.ops.box_convert(boxes, 'xywh', 'xyxy')"
    size = x2 - x1 if side == "width" else y2 - y1
    raise ValueError(f"{name} has {side} {size:.6g}, which must be positive; boxes are xyxy{hint}")


def _check_labels(labels: np.ndarray, image_of: np.ndarray, num_classes: int | None) -> None:
    highest = inf if num_classes is None else num_classes - 1
    wrong = np.flatnonzero((labels < 1) | (labels > highest))
    if len(wrong) > 0:
        first = int(wrong[0])
        i = int(image_of[first])
        objects = "1 or more" if num_classes is None else f"1 … {num_classes - 1} (num_classes={num_classes})"
        raise ValueError(
            f"targets[{i}]['labels'][{first - int(np.searchsorted(image_of, i))}] is {int(labels[first])}, but objects are "
            f"{objects}; 0 is the background"
        )


def _numbers(box: np.ndarray) -> str:
    return f"[{', '.join(f'{number:.6g}' for number in box.tolist())}]"


def _autocast_converts(image: Tensor, dtype: torch.dtype) -> bool:
    return torch.float64 not in (image.dtype, dtype) and torch.is_autocast_enabled(image.device.type)


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
