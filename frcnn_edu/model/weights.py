"""Weights by torchvision's enum, by its name, or from a file."""

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model_weights
from torchvision.models._api import WeightsEnum

from .frozen_batch_norm import FrozenBatchNorm2d

PREDICTOR = "roi_heads.box_predictor."  # how the names of a detector's last layer begin
CLASSIFIER = ("fc.", "classifier.")  # … and those of a classifier's, which a backbone does without


def resolve_weights(
    weights: WeightsEnum | str | Path | None, published: type[WeightsEnum] | Path | None
) -> WeightsEnum | Path | None:
    """What the caller means: published weights (a member of torchvision's enum, "DEFAULT", "COCO_V1", …), a file, or nothing.

    Args:
        published: an enum; or the one file that "DEFAULT" stands for; or None.

    A file that bears the published name is taken for the published weights.

    Raises:
        ValueError: a name that is neither a member nor a file.
        TypeError: a member of another model's enum.
    """
    enum = published if isinstance(published, type) else None
    if weights is None:
        return None
    if isinstance(weights, WeightsEnum):
        if enum is None or not isinstance(weights, enum):
            raise TypeError(f"expected {f'weights of {enum.__name__}' if enum else 'a file'}, got {weights!r}")
        return weights
    if not isinstance(weights, str | Path):
        raise TypeError(
            f"weights must be a name such as 'DEFAULT', a file, a member of torchvision's enum or None, got {weights!r}"
        )
    if Path(weights).is_file():
        return Path(weights)
    if isinstance(published, Path) and weights == "DEFAULT":
        return published
    name = str(weights).removeprefix(f"{enum.__name__}.") if enum else ""
    if enum and name in enum.__members__:
        return enum[name]
    names = list(enum.__members__) if enum else ["DEFAULT"] if published else []
    raise ValueError(f"weights {str(weights)!r} are neither a file nor one of {names}")


def resolve_backbone_weights(backbone_name: str, weights: WeightsEnum | str | Path | None) -> WeightsEnum | Path | None:
    """`resolve_weights` with the enum of one of torchvision's classifiers."""
    return resolve_weights(weights, get_model_weights(backbone_name))


def load_weights(
    model: nn.Module,
    weights: WeightsEnum | Path | None,
    *,
    name: str,
    but: tuple[str, ...] = (),
    progress: bool = True,
) -> None:
    """Loads resolved weights into a model; a download goes through torchvision, which checks the hash and caches.

    Args:
        name: of the model, for errors.
        but: beginnings of names. What is called so stays as it is in the model, whatever the weights hold.

    Raises:
        ValueError: the weights are those of another model; the message has the first names that do not fit.
    """
    if weights is None:
        return
    if isinstance(weights, WeightsEnum):
        state = weights.get_state_dict(progress=progress, check_hash=True)
    else:
        state = read_state_dict(weights)
    state = {key: value for key, value in state.items() if not key.startswith(but)}
    state |= {key: value for key, value in model.state_dict().items() if key.startswith(but)}
    try:
        model.load_state_dict(state)
    except RuntimeError as error:  # a line for each kind of misfit, with all the names
        misfits = [shorten(line, 200, placeholder=" …") for line in str(error).splitlines()[1:4]]
        raise ValueError(f"the weights {weights} do not fit {name}: {' '.join(misfits)}") from None


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """The state dict in a `.safetensors` file, or in a `.pth` one, alone or under the key "model".

    Raises:
        ValueError: the file is damaged, or holds anything else.
    """
    return _read(file)[0]


def _read(file: Path) -> tuple[dict[str, Tensor], list[str] | None]:
    """A file's state dict, and the names of its classes if it tells them."""
    try:
        if file.suffix == ".safetensors":
            with safe_open(file, framework="pt") as opened:
                classes = json.loads((opened.metadata() or {}).get("classes", "null"))
            return load_file(file), classes
        content: Any = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes that are no weights make the reader fail in any way at all
        raise ValueError(f"{file} cannot be read as weights: damaged, or more than tensors") from error
    classes = None
    if isinstance(content, Mapping) and "model" in content:
        content, classes = content["model"], content.get("classes")
    if not (isinstance(content, Mapping) and content and all(isinstance(v, Tensor) for v in content.values())):
        raise ValueError(f"{file} does not hold a state dict (tensors by name)")
    return dict(content), classes


def number_of_classes(weights: WeightsEnum | Path) -> int:
    """For how many classes, with the background, a detector's weights are.

    Raises:
        ValueError: the file holds no detector.
    """
    if isinstance(weights, WeightsEnum):
        return len(weights.meta["categories"])
    state = read_state_dict(weights)
    if f"{PREDICTOR}cls_score.bias" not in state:
        names = shorten(", ".join(state), 100, placeholder=" …")
        raise ValueError(
            f"{weights} holds no detector, for it has no {PREDICTOR}cls_score.bias but {names} "
            "(the weights of a backbone alone are weights_backbone)"
        )
    return len(state[f"{PREDICTOR}cls_score.bias"])


def class_names(weights: WeightsEnum | Path) -> list[str] | None:
    """The names of those classes, the background's first, if the weights tell: published ones do, and files of our runs."""
    if isinstance(weights, WeightsEnum):
        return weights.meta["categories"]
    return _read(weights)[1]


def is_published(weights: WeightsEnum | Path | None, member: WeightsEnum) -> bool:
    """Whether these are the weights published as `member`, by enum or as a downloaded file."""
    return weights == member or (isinstance(weights, Path) and weights.name == Path(member.url).name)


def overwrite_eps(model: nn.Module, eps: float) -> None:
    """Sets eps of every frozen BatchNorm: the published v1 COCO weights were trained with 0."""
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = eps
