"""The small file that contains only a trained model, and loading it."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ..catalogue import SHIPPED_WEIGHTS as SHIPPED
from ..model.weight_files import read_json, read_safetensors
from ..model.weights import load_fitting
from .building import began_without_eps, build_model, remove_eps
from .checkpoint import FORMAT, NotOfARunError, load_checkpoint
from .config import TrainConfig
from .files import replacing
from .run_data import found_again
from .run_folder import check_exists

HALF = "float16"  # the mark of a file whose float32 weights are stored so


def export_safetensors(checkpoint: str | Path, path: str | Path) -> None:
    """Write a checkpoint's weights as a safetensors file, with what is needed to use them in its metadata.

    Without optimizer and history the file is a third of the size. The metadata contain `classes`, `config`, `data` and
    `metrics` (the last evaluation) as JSON.
    """
    contents = load_checkpoint(checkpoint)
    epochs = contents["progress"]["epochs"]
    about = {key: contents.get(key, {}) for key in ("classes", "config", "data")}
    write_model(path, contents["model"], {**about, "metrics": epochs[-1] if epochs else {}})


def write_model(path: str | Path, weights: dict[str, Tensor], about: dict[str, Any], *, half: bool = False) -> None:
    """Write weights as a safetensors file, with `about` in its metadata, each entry as JSON.

    Args:
        half: store float32 as float16. The file has half the size and a mark, "stored": `load_model` converts them back to float32.

    Raises:
        OSError: the file cannot be written.
    """
    metadata = {"format": FORMAT, **{key: json.dumps(value) for key, value in about.items()}}
    if half:
        metadata["stored"] = json.dumps(HALF)
        weights = {name: tensor.half() if tensor.dtype == torch.float32 else tensor for name, tensor in weights.items()}
    # Channels-last weights are stored in the plain layout, the only one of the format.
    weights = {name: tensor.contiguous() for name, tensor in weights.items()}
    with replacing(path) as temporary:
        try:
            # Not by save_file, which writes to a temporary file of its own that a killed process leaves behind.
            temporary.write_bytes(save(weights, metadata))
        except OSError as error:
            raise OSError(f"{path} cannot be written; is the disk full? ({error})") from error


def read_metrics(path: Path) -> dict[str, Any] | None:
    """The metrics of the model in a safetensors file of a run; None if the file is missing or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            metrics = read_json(path, file.metadata() or {}, "metrics")
    except (OSError, SafetensorError, ValueError):
        return None
    return metrics if isinstance(metrics, dict) and isinstance(metrics.get("AP"), float | int) else None


def load_model(path: str | Path = SHIPPED) -> tuple[nn.Module, tuple[str, ...], TrainConfig]:
    """Rebuild a trained model from a file of a run, `checkpoint.pt` or `.safetensors`: (model, classes, config).

    The model is on the CPU, in evaluation mode. `classes[0]` is the background. `config.data` is where the data are now, if
    they are found again from the run's folder. Raises `FileNotFoundError`, or `ValueError` for a damaged, hostile or foreign
    file (for which see `load_detector`).
    """
    path = check_exists(path)
    about, weights = _read(path)
    classes, config = about["classes"], _check_contents(path, about, weights)
    try:
        model = build_model(config, len(classes), pretrained=False)
    except (TypeError, ValueError, RuntimeError) as error:  # names and arguments that no builder has, or too large ones
        raise ValueError(
            f"{path}: no model {config.model!r:.50} can be built from its configuration: {error}"
        ) from error
    load_fitting(model, weights, f"the weights in {path}", f"model {config.model!r}", same_precision=True)
    if began_without_eps(config):
        remove_eps(model)
    return model.eval(), tuple(classes), found_again(config, about.get("data"), path.parent)


def read_config(path: Path) -> TrainConfig:
    """The configuration in a file of a run; raises as `load_model` does."""
    return _check_contents(path, *_read(path))


def _read(path: Path) -> tuple[dict[str, Any], Any]:
    """The description in a file of a run (classes, config, data), and its weights."""
    if path.suffix != ".safetensors":
        contents = load_checkpoint(path)
        return contents, contents["model"]
    weights, metadata = read_safetensors(path)
    if metadata.get("format") != FORMAT:
        raise NotOfARunError(path)
    if "stored" in metadata:
        if read_json(path, metadata, "stored") != HALF:
            raise ValueError(f"{path}: its weights are stored as {metadata['stored']:.50}; expected {HALF!r}")
        weights = {name: value.float() if value.dtype == torch.float16 else value for name, value in weights.items()}
    wanted = ["classes", "config", *(["data"] if "data" in metadata else [])]
    return {key: read_json(path, metadata, key) for key in wanted}, weights


def _check_contents(path: Path, about: dict[str, Any], weights: Any) -> TrainConfig:
    """The configuration in a file, if that and the rest are of the kind that `save_checkpoint` writes."""
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise ValueError(f"{path}: its weights are not tensors by name")
    classes = about["classes"]
    text = isinstance(classes, list) and all(isinstance(name, str) for name in classes)
    if not text or len(set(classes)) != len(classes) or len(classes) < 2:
        raise ValueError(f"{path}: its classes are {classes!r:.100}; expected different names, the background first")
    try:
        return TrainConfig.from_dict(about["config"])
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path}: its configuration is invalid: {error}") from error
