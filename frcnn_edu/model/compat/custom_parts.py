"""What the parts of a model reveal about its inputs; any part may be custom."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def normalisation_of(transform: Any, images: Sequence[Tensor]) -> tuple[Sequence[float], Sequence[float]]:
    """The mean and standard deviation with which a transform normalises each channel; 0 and 1 if unknown, or if it does not.

    A custom transform may normalise differently, or have no `image_mean` at all. Then nothing is known about the values.
    """
    mean, std = getattr(transform, "image_mean", None), getattr(transform, "image_std", None)
    if mean is None or std is None or _normalises_its_own_way(transform):
        channels = images[0].shape[0] if _is_image(images) else 3
        return [0.0] * channels, [1.0] * channels
    return mean, std


def dtype_of(model: Any, images: Sequence[Tensor]) -> torch.dtype | None:
    """The dtype of images that a model accepts; None if unknown.

    It is unknown if the parameters have several dtypes, or if something before the backbone may convert: a hook or a custom
    transform.
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
    """Whether a transform has a custom `normalize` or `forward`, neither ours nor torchvision's."""
    if not hasattr(transform, "normalize"):
        return False
    libraries = (__name__.split(".")[0], "torchvision")
    functions = (getattr(getattr(transform, name), "__func__", None) for name in ("normalize", "forward"))
    return any(getattr(function, "__module__", "").split(".")[0] not in libraries for function in functions)


def _is_image(images: Any) -> bool:
    """Whether these are images, judging by the first; the full check is elsewhere."""
    return isinstance(images, list | tuple) and bool(images) and isinstance(images[0], Tensor) and images[0].ndim == 3
