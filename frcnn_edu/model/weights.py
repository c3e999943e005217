"""Weights by torchvision's enum, by its name, or from a file."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights
from torchvision.models._api import WeightsEnum

from .frozen_batch_norm import FrozenBatchNorm2d
from .weight_files import plain, read_weights

# Prefixes of names in a state dict.
PREDICTOR = "roi_heads.box_predictor."  # the last layer of a detector
_BODY = "backbone.body."  # its backbone
CLASSIFIER = ("fc.", "classifier.")  # the last layers of a classifier


def resolve_weights(
    weights: WeightsEnum | str | Path | None, published: type[WeightsEnum] | Path | None, argument: str = "weights"
) -> WeightsEnum | Path | None:
    """Resolves `weights` to a member of torchvision's enum (given as such, or as "DEFAULT", "COCO_V1", …), a file, or None.

    Args:
        published: an enum; or the file that "DEFAULT" stands for; or None.
        argument: name of the argument, for messages.

    A file with the name of the published file is assumed to contain the published weights.

    Raises:
        ValueError: the name is neither a member nor a file.
        TypeError: the member belongs to another model's enum.
    """
    enum = published if isinstance(published, type) else None
    if weights is None:
        return None
    if isinstance(weights, WeightsEnum):
        if enum is None or not isinstance(weights, enum):
            kind = f"a member of {enum.__name__}" if enum else "a file"
            raise TypeError(f"{argument} must be {kind}, got {weights!r}")
        return weights
    if not isinstance(weights, str | Path):
        raise TypeError(
            f"{argument} must be a name such as 'DEFAULT', a file, a member of torchvision's enum or None, got {weights!r}"
        )
    if Path(weights).is_file():
        return Path(weights)
    if isinstance(published, Path) and weights == "DEFAULT":
        return published
    name = str(weights).removeprefix(f"{enum.__name__}.") if enum else ""
    if enum and name in enum.__members__:
        return enum[name]
    names = list(enum.__members__) if enum else ["DEFAULT"] if published else []
    raise ValueError(f"{argument} {str(weights)!r} are neither a file nor one of {names}")


def resolve_backbone_weights(
    backbone_name: str, weights: WeightsEnum | str | Path | None, argument: str = "weights"
) -> WeightsEnum | Path | None:
    """`resolve_weights` for the enum of one of torchvision's classifiers."""
    return resolve_weights(weights, get_model_weights(backbone_name), argument)


def load_weights(
    model: nn.Module,
    weights: WeightsEnum | Path | None,
    *,
    name: str,
    but: tuple[str, ...] = (),
    progress: bool = True,
) -> None:
    """Loads resolved weights into a model; torchvision downloads them, checks the hash and caches the file.

    Args:
        name: name of the model, for errors.
        but: name prefixes; parameters that match one keep their current values.

    Raises:
        ValueError: the weights belong to a different model; the message lists the first names that do not fit.
        OSError: the weights cannot be downloaded.
    """
    if weights is None:
        return
    state = _download(weights, progress) if isinstance(weights, WeightsEnum) else read_weights(weights)[0]
    if any(key.startswith(_BODY) for key in state) and not any(key.startswith(_BODY) for key in model.state_dict()):
        raise ValueError(
            f"the weights {weights} do not fit {name}: they belong to a whole detector, not to a backbone alone"
        )
    state = {key: value for key, value in state.items() if not key.startswith(but)}
    state |= {key: value for key, value in model.state_dict().items() if key.startswith(but)}
    load_fitting(model, state, f"the weights {weights}", name)


def _download(weights: WeightsEnum, progress: bool) -> dict[str, Tensor]:
    try:
        return weights.get_state_dict(progress=progress, check_hash=True)
    except (OSError, RuntimeError) as error:  # no network, or an incomplete file
        reason = getattr(error, "reason", error)
        raise OSError(
            f"the weights {weights} cannot be downloaded ({reason}); download {weights.url} elsewhere and pass the file"
        ) from error


def load_fitting(
    model: nn.Module, state: dict[str, Tensor], what: str, name: str, *, same_precision: bool = False
) -> None:
    """`model.load_state_dict(state)`, after checking that names, shapes and kinds of numbers fit, and that all are finite.

    Args:
        what, name: names of the weights and of the model, for errors.
        same_precision: whether dtypes must equal the model's, or floats of any precision are accepted.

    Raises:
        ValueError: the weights do not fit; the message lists the first names that do not.
    """
    own = model.state_dict()
    _check_numbers(own, state, what, same_precision)
    other = [key for key, value in state.items() if key in own and value.shape != own[key].shape]
    fitting = {key: value for key, value in state.items() if key not in other}
    try:
        missing, unknown = model.load_state_dict(fitting, strict=False)  # it renames old keys, too
    except RuntimeError as error:
        raise ValueError(f"{what} do not fit {name}: {plain(str(error), 300)}") from error
    misfits = {
        "missing are": [key for key in missing if key not in other],
        "unknown are": unknown,
        "of another shape are": [f"{key} ({_shape(state[key])} instead of {_shape(own[key])})" for key in other],
    }
    if missing or unknown:
        raise ValueError(
            f"{what} do not fit {name}: {'; '.join(f'{how} {_some(m)}' for how, m in misfits.items() if m)}"
        )


def _check_numbers(own: dict[str, Tensor], state: dict[str, Tensor], what: str, same_precision: bool) -> None:
    """Checks that floats match floats, and that all numbers are finite."""
    for key in own.keys() & state.keys():
        found, expected = _dtype(state[key], same_precision), _dtype(own[key], same_precision)
        # The batch counter of a norm may have been converted to half precision with the rest.
        is_count = not own[key].is_floating_point() and not same_precision
        if found != expected and not is_count:
            raise ValueError(f"{what} cannot be used: {plain(key)} is {found}, expected {expected}")
        if not state[key].is_meta and not state[key].isfinite().all():
            raise ValueError(f"{what} cannot be used: {plain(key)} contains NaN or infinity; did the training diverge?")


def _some(names: Sequence[str]) -> str:
    """The first three of some names, and their number."""
    return plain(", ".join(names[:3]), 300) + (f" … ({len(names)} in all)" if len(names) > 3 else "")


def _shape(value: Tensor) -> str:
    return "×".join(map(str, value.shape)) or "a single number"


def _dtype(value: Tensor, exactly: bool) -> str:
    if value.is_meta or value.layout != torch.strided:
        return "not a plain tensor"
    return "float" if value.is_floating_point() and not exactly else str(value.dtype).removeprefix("torch.")


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """The state dict in a file, at the top level or nested: see `read_weights`."""
    return read_weights(file)[0]


def number_of_classes(weights: WeightsEnum | Path) -> int:
    """The number of classes, including the background, of a detector's weights.

    Raises:
        ValueError: the file contains no detector.
    """
    if isinstance(weights, WeightsEnum):
        return len(weights.meta["categories"])
    state = read_state_dict(weights)
    if f"{PREDICTOR}cls_score.bias" not in state:
        raise ValueError(
            f"{weights} contains no detector: it has no {PREDICTOR}cls_score.bias, only {plain(', '.join(state))} "
            "(pass the weights of a backbone alone as weights_backbone)"
        )
    return len(state[f"{PREDICTOR}cls_score.bias"])


def class_names(weights: WeightsEnum | Path) -> list[str] | None:
    """The class names, background first, if the weights include them, as published ones and our own runs do."""
    if isinstance(weights, WeightsEnum):
        return weights.meta["categories"]
    state, names = read_weights(weights)
    outputs = len(state.get(f"{PREDICTOR}cls_score.bias", ()))
    if names is not None and len(names) == outputs - 1:  # most tools omit the background
        names = ["background", *names]
    return names if names is not None and len(names) == outputs else None


def is_published(weights: WeightsEnum | Path | None, member: WeightsEnum) -> bool:
    """Whether these are the weights published as `member`, by enum or as a downloaded file."""
    return weights == member or (isinstance(weights, Path) and weights.name == Path(member.url).name)


def overwrite_eps(model: nn.Module, eps: float) -> None:
    """Sets eps of every frozen BatchNorm; the published v1 COCO weights were trained with 0."""
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = eps
