"""Is this batch one the model can use? Asked before anything is computed.

A detector fails in quiet ways: boxes in another format train it on the wrong places, labels that start at 0 turn a
class into background, 0–255 images look like bright noise to it. Each of these is said here in words, with the index
of the image and the value at fault.

What needs only types, shapes and devices is asked first. The questions about values come after, and all their numbers
are brought to the host in one copy, so that a GPU is synchronised with once per batch.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import inf, isfinite

import torch
from torch import Tensor
from torchvision.tv_tensors import BoundingBoxes, BoundingBoxFormat

# Images are 0–1. Resampling with a sharp kernel (bicubic, Lanczos) overshoots that by a little at edges.
LOWEST_VALUE, HIGHEST_VALUE = -0.5, 1.5


def check_batch(
    images: Sequence[Tensor],
    targets: Sequence[Mapping[str, Tensor]] | None,
    *,
    training: bool,
    num_classes: int | None,
    channels: int,
    device: torch.device | None,
    normalised: bool,
    dtype: torch.dtype | None = None,
) -> None:
    """Raise an error that names the image and the value, unless the batch is one the model can use.

    Legal, and needing no special care: an image without objects (boxes of shape (0, 4) and labels of shape (0,)),
    boxes that lie partly outside their image, images of different sizes, targets in evaluation (they are checked too).

    Args:
        images: list or tuple of floating-point tensors (C, H, W) with values in 0–1, all of one dtype.
        targets: one dict per image with `boxes` (N, 4), `xyxy` in pixels, of the image's dtype, and `labels` (N,),
            int64 in 1 … num_classes − 1; 0 is the background. Other keys are not looked at.
        training: whether targets are required.
        num_classes: number of classes with the background, or None where the model does not tell.
        channels: number of channels the model takes.
        device: where the model's parameters are, or None to require only that the images are together.
        normalised: the caller normalises, so values may be of any size; they must still be finite.
        dtype: of the model's parameters, which the images must share unless autocast is on; None: not compared.

    Raises:
        TypeError: something is not the type or dtype it has to be.
        ValueError: a length, shape, device or value is not what it has to be.
    """
    _check_lengths(images, targets, training)
    for i, image in enumerate(images):
        _check_image(i, image, images[0], channels, device, dtype)
    for i, target in enumerate(targets or ()):
        _check_target(i, target, images[i])

    values = iter(_read_values(images, targets))
    for i in range(len(images)):
        _check_pixels(i, next(values), next(values), normalised)
    for i, target in enumerate(targets or ()):
        height, width = images[i].shape[-2:]
        _check_boxes(i, values, len(target["boxes"]), height, width)
        _check_labels(i, values, len(target["labels"]), num_classes)


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
    channels: int,
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
    if image.shape[0] != channels:
        hint = ""
        if image.shape[-1] == channels:
            hint = f": looks like (H, W, C), use {name}.permute(2, 0, 1)"
        elif image.shape[0] == 1:
            hint = f": for a grey image use {name}.expand({channels}, -1, -1)"
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

    name, labels = f"targets[{i}]['labels']", target["labels"]
    if labels.dtype != torch.int64:
        raise TypeError(f"{name} must be torch.int64, got {labels.dtype}: use labels.to(torch.int64)")
    if labels.shape != boxes.shape[:1]:
        raise ValueError(f"{name} must have shape ({len(boxes)},), one label per box, got {_shape(labels)}")


def _read_values(images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None) -> list[float]:
    """Lowest and highest value of each image, then each target's boxes and labels, as one list of numbers."""
    # NaN and infinity carry through
    parts = [torch.stack([value for image in images for value in image.detach().aminmax()])]
    for target in targets or ():
        parts += [target["boxes"].detach().flatten(), target["labels"]]
    # Labels are exact in float32 up to 2²⁴, and no model has as many classes.
    dtype = torch.float64 if images[0].dtype == torch.float64 else torch.float32
    return _to_host(torch.cat([part.to(dtype) for part in parts]))


def _to_host(values: Tensor) -> list[float]:
    """The one place that synchronises with a GPU."""
    return values.cpu().tolist()


def _check_pixels(i: int, lowest: float, highest: float, normalised: bool) -> None:
    name = f"images[{i}]"
    if not (isfinite(lowest) and isfinite(highest)):
        found = "NaN" if lowest != lowest else "an infinite value"
        raise ValueError(f"{name} contains {found}")
    if normalised or (lowest >= LOWEST_VALUE and highest <= HIGHEST_VALUE):
        return
    hint = "do not normalise, the model does it with its image_mean and image_std"
    if lowest >= LOWEST_VALUE:
        hint = "if it is a 0–255 image, divide by 255"
    raise ValueError(f"{name} must have values in 0–1, got {lowest:.4g} … {highest:.4g}: {hint}")


def _check_boxes(i: int, values: Iterator[float], count: int, height: int, width: int) -> None:
    for n in range(count):
        x1, y1, x2, y2 = islice(values, 4)
        # False for NaN too: every comparison with it is.
        if -inf < x1 < x2 < inf and -inf < y1 < y2 < inf and x1 < width and y1 < height and x2 > 0 and y2 > 0:
            continue
        name = f"targets[{i}]['boxes'][{n}] = [{x1:.6g}, {y1:.6g}, {x2:.6g}, {y2:.6g}]"
        if not all(map(isfinite, (x1, y1, x2, y2))):
            raise ValueError(f"{name} is not finite")
        if x1 < x2 and y1 < y2:
            raise ValueError(f"{name} lies wholly outside its image, which is {width} wide and {height} high")
        side = "width" if x2 <= x1 else "height"
        hint = ""
        if x1 >= 0 and y1 >= 0 and x2 > 0 and y2 > 0 and x1 + x2 <= width and y1 + y2 <= height:
            hint = "; this looks like xywh: use torchvision.ops.box_convert(boxes, 'xywh', 'xyxy')"
        size = x2 - x1 if side == "width" else y2 - y1
        raise ValueError(f"{name} has {side} {size:.6g}, which must be positive; boxes are xyxy{hint}")


def _check_labels(i: int, values: Iterator[float], count: int, num_classes: int | None) -> None:
    highest = inf if num_classes is None else num_classes - 1
    for n, label in enumerate(islice(values, count)):
        if not 1 <= label <= highest:
            objects = "1 or more" if num_classes is None else f"1 … {num_classes - 1} (num_classes={num_classes})"
            raise ValueError(
                f"targets[{i}]['labels'][{n}] is {int(label)}, but objects are {objects}; 0 is the background"
            )


def _autocast_converts(image: Tensor, dtype: torch.dtype) -> bool:
    return torch.float64 not in (image.dtype, dtype) and torch.is_autocast_enabled(image.device.type)


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
