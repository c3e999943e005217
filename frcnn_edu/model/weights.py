"""Weights by torchvision's enum, by its name, or from a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model_weights
from torchvision.models._api import WeightsEnum

from .frozen_batch_norm import FrozenBatchNorm2d


def resolve_weights(weights: WeightsEnum | str | Path | None, enum: type[WeightsEnum]) -> WeightsEnum | Path | None:
    """What the caller means: a member of `enum` (itself, "DEFAULT", "COCO_V1", …), an existing file, or nothing.

    A file that bears the published name is taken for the published weights.

    Raises:
        ValueError: a name that is neither a member nor a file.
        TypeError: a member of another model's enum.
    """
    if weights is None:
        return None
    if isinstance(weights, WeightsEnum):
        if not isinstance(weights, enum):
            raise TypeError(f"expected weights of {enum.__name__}, got {weights!r}")
        return weights
    if Path(weights).is_file():
        return Path(weights)
    name = str(weights).removeprefix(f"{enum.__name__}.")
    if name in enum.__members__:
        return enum[name]
    raise ValueError(f"weights {str(weights)!r} are neither a file nor one of {list(enum.__members__)}")


def resolve_backbone_weights(backbone_name: str, weights: WeightsEnum | str | Path | None) -> WeightsEnum | Path | None:
    """`resolve_weights` with the enum of one of torchvision's classifiers."""
    return resolve_weights(weights, get_model_weights(backbone_name))


def load_weights(model: nn.Module, weights: WeightsEnum | Path | None, *, progress: bool = True) -> None:
    """Loads resolved weights into a model; a download goes through torchvision, which checks the hash and caches."""
    if isinstance(weights, WeightsEnum):
        model.load_state_dict(weights.get_state_dict(progress=progress, check_hash=True))
    elif weights is not None:
        model.load_state_dict(read_state_dict(weights))


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """The state dict in a `.safetensors` file, or in a `.pth` one, alone or under the key "model".

    Raises:
        ValueError: the file holds anything else.
    """
    if file.suffix == ".safetensors":
        return load_file(file)
    content: Any = torch.load(file, map_location="cpu", weights_only=True)
    if isinstance(content, Mapping) and "model" in content:
        content = content["model"]
    if not (isinstance(content, Mapping) and content and all(isinstance(v, Tensor) for v in content.values())):
        raise ValueError(f"{file} does not hold a state dict (tensors by name)")
    return dict(content)


def is_published(weights: WeightsEnum | Path | None, member: WeightsEnum) -> bool:
    """Whether these are the weights published as `member`, by enum or as a downloaded file."""
    return weights == member or (isinstance(weights, Path) and weights.name == Path(member.url).name)


def overwrite_eps(model: nn.Module, eps: float) -> None:
    """Sets eps of every frozen BatchNorm: the published v1 COCO weights were trained with 0."""
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = eps
