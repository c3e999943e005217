"""Weights by torchvision's enum, by its name, or from a file."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights
from torchvision.models._api import WeightsEnum

from .frozen_batch_norm import FrozenBatchNorm2d
from .weight_files import plain, read_weights

PREDICTOR = "roi_heads.box_predictor."  # how the names of a detector's last layer begin
_BODY = "backbone.body."  # … of those of its backbone
CLASSIFIER = ("fc.", "classifier.")  # … and those of a classifier's, which a backbone does without


def resolve_weights(
    weights: WeightsEnum | str | Path | None, published: type[WeightsEnum] | Path | None, argument: str = "weights"
) -> WeightsEnum | Path | None:
    """What the caller means: published weights (a member of torchvision's enum, "DEFAULT", "COCO_V1", …), a file, or nothing.

    Args:
        published: an enum; or the one file that "DEFAULT" stands for; or None.
        argument: what the caller calls the weights, for messages.

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
    """`resolve_weights` with the enum of one of torchvision's classifiers."""
    return resolve_weights(weights, get_model_weights(backbone_name), argument)


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
        OSError: they cannot be downloaded.
    """
    if weights is None:
        return
    state = _download(weights, progress) if isinstance(weights, WeightsEnum) else read_weights(weights)[0]
    if any(key.startswith(_BODY) for key in state) and not any(key.startswith(_BODY) for key in model.state_dict()):
        raise ValueError(
            f"the weights {weights} do not fit {name}: they are a whole detector's, and not a backbone's alone"
        )
    state = {key: value for key, value in state.items() if not key.startswith(but)}
    state |= {key: value for key, value in model.state_dict().items() if key.startswith(but)}
    load_fitting(model, state, f"the weights {weights}", name)


def _download(weights: WeightsEnum, progress: bool) -> dict[str, Tensor]:
    try:
        return weights.get_state_dict(progress=progress, check_hash=True)
    except (OSError, RuntimeError) as error:  # no network; or another hash, since only a part of the file came
        reason = getattr(error, "reason", error)
        raise OSError(
            f"the weights {weights} cannot be downloaded ({reason}); fetch {weights.url} elsewhere and give the file"
        ) from error


def load_fitting(
    model: nn.Module, state: dict[str, Tensor], what: str, name: str, *, same_precision: bool = False
) -> None:
    """`model.load_state_dict(state)` for weights that fit it: the same names and shapes, and finite numbers of the same kind.

    Args:
        what, name: what the weights and the model are called in errors.
        same_precision: whether the model's own dtypes are expected, or floats of any precision.

    Raises:
        ValueError: they do not fit, with the first names that do not.
    """
    own = model.state_dict()
    _check_numbers(own, state, what, same_precision)
    other = [key for key, value in state.items() if key in own and value.shape != own[key].shape]
    fitting = {key: value for key, value in state.items() if key not in other}
    try:
        missing, unknown = model.load_state_dict(fitting, strict=False)  # which knows the names of older versions, too
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
    """Floats for floats, and none that a failed training leaves."""
    for key in own.keys() & state.keys():
        found, expected = _dtype(state[key], same_precision), _dtype(own[key], same_precision)
        # A norm's count of batches may have been halved with the rest.
        is_count = not own[key].is_floating_point() and not same_precision
        if found != expected and not is_count:
            raise ValueError(f"{what} cannot be used: {plain(key)} is {found}, expected {expected}")
        if not state[key].is_meta and not state[key].isfinite().all():
            raise ValueError(f"{what} cannot be used: {plain(key)} holds NaN or infinity; has their training failed?")


def _some(names: Sequence[str]) -> str:
    """The first three of some names, and how many there are."""
    return plain(", ".join(names[:3]), 300) + (f" … ({len(names)} in all)" if len(names) > 3 else "")


def _shape(value: Tensor) -> str:
    return "×".join(map(str, value.shape)) or "a single number"


def _dtype(value: Tensor, exactly: bool) -> str:
    if value.is_meta or value.layout != torch.strided:
        return "no plain tensor"
    return "float" if value.is_floating_point() and not exactly else str(value.dtype).removeprefix("torch.")


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """The state dict in a file, wherever it is in there: see `read_weights`."""
    return read_weights(file)[0]


def number_of_classes(weights: WeightsEnum | Path) -> int:
    """For how many classes, with the background, a detector's weights are.

    Raises:
        ValueError: the file holds no detector.
    """
    if isinstance(weights, WeightsEnum):
        return len(weights.meta["categories"])
    state = read_state_dict(weights)
    if f"{PREDICTOR}cls_score.bias" not in state:
        raise ValueError(
            f"{weights} holds no detector, for it has no {PREDICTOR}cls_score.bias but {plain(', '.join(state))} "
            "(the weights of a backbone alone are weights_backbone)"
        )
    return len(state[f"{PREDICTOR}cls_score.bias"])


def class_names(weights: WeightsEnum | Path) -> list[str] | None:
    """The names of those classes, the background's first, if the weights tell: published ones do, and files of our runs."""
    if isinstance(weights, WeightsEnum):
        return weights.meta["categories"]
    state, names = read_weights(weights)
    outputs = len(state.get(f"{PREDICTOR}cls_score.bias", ()))
    if names is not None and len(names) == outputs - 1:  # most tools do not count the background
        names = ["background", *names]
    return names if names is not None and len(names) == outputs else None


def is_published(weights: WeightsEnum | Path | None, member: WeightsEnum) -> bool:
    """Whether these are the weights published as `member`, by enum or as a downloaded file."""
    return weights == member or (isinstance(weights, Path) and weights.name == Path(member.url).name)


def overwrite_eps(model: nn.Module, eps: float) -> None:
    """Sets eps of every frozen BatchNorm: the published v1 COCO weights were trained with 0."""
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = eps
