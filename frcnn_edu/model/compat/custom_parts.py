"""What a model's parts tell of the images it takes, where a part may be anybody's."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def normalisation_of(transform: Any, images: Sequence[Tensor]) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and deviation of each channel by which a transform normalises; 0 and 1 if it leaves images as they are.

    A custom transform may normalise in a way of its own, or have no `image_mean` at all: then nothing is known of the values,
    which is what 0 and 1 stand for.
    """
    mean, std = getattr(transform, "image_mean", None), getattr(transform, "image_std", None)
    if mean is None or std is None or _normalises_its_own_way(transform):
        channels = images[0].shape[0] if _is_image(images) else 3
        return [0.0] * channels, [1.0] * channels
    return mean, std


def dtype_of(model: Any, images: Sequence[Tensor]) -> torch.dtype | None:
    """The dtype in which a model takes images; None if its parts do not tell.

    They do not if its parameters are of several dtypes, or if something before the backbone may convert: a hook, a transform
    with a way of its own.
    """
    first = next(model.parameters(), None)  # None in the replicas of DataParallel
    if first is None or not _is_image(images) or images[0].dtype == first.dtype:
        return None if first is None else first.dtype
    watched = model.backbone._forward_pre_hooks or model.transform._forward_hooks
    if watched or _normalises_its_own_way(model.transform):
        return None
    dtypes = {parameter.dtype for parameter in model.parameters() if parameter.is_floating_point()}
    return dtypes.pop() if len(dtypes) == 1 else None


def _normalises_its_own_way(transform: Any) -> bool:
    """Whether a transform of ours or torchvision's is one of a subclass with another `normalize` or `forward`."""
    if not hasattr(transform, "normalize"):
        return False
    libraries = (__name__.split(".")[0], "torchvision")
    functions = (getattr(getattr(transform, name), "__func__", None) for name in ("normalize", "forward"))
    return any(getattr(function, "__module__", "").split(".")[0] not in libraries for function in functions)


def _is_image(images: Any) -> bool:
    """Whether these are images, as far as the first tells; what they should be is checked elsewhere."""
    return isinstance(images, list | tuple) and bool(images) and isinstance(images[0], Tensor) and images[0].ndim == 3
