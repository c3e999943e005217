"""Saving a run and loading it again, and the small file that holds a trained model alone."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from ..catalogue import SHIPPED_WEIGHTS as SHIPPED
from ..model import model_builder
from ..model.weight_files import CodeInFileError, read_json, read_safetensors, read_weights, unpack
from ..model.weights import load_fitting
from .config import TrainConfig, check_pretraining
from .files import replacing
from .run_folder import check_exists, previous

FORMAT = "frcnn_edu checkpoint 1"
# The published COCO weights were trained with BatchNorm's eps at 0, and so was what was trained from them.
_WITHOUT_EPS = ("DEFAULT", "COCO_V1", Path(FasterRCNN_ResNet50_FPN_Weights.COCO_V1.url).name)


def save_checkpoint(
    path: str | Path,
    *,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    progress: dict[str, Any],
    config: TrainConfig,
    classes: tuple[str, ...],
) -> None:
    """Save all that a run needs to go on: weights, optimizer, and how far it is. (Random numbers follow from that.)

    Args:
        progress: plain values (`run.RunState` as a dict): step, epoch, time, losses, metrics.
        classes: names by label, the background first.

    The file appears complete or not at all, and the one that was there is kept as `previous(path)`.
    Raises `OSError` where it cannot be written.
    """
    contents = {
        "format": FORMAT,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": progress,
        "config": config.to_dict(),
        "classes": list(classes),
    }
    path = Path(path)
    with replacing(path) as temporary:
        try:
            with open(temporary, "wb") as file:
                torch.save(contents, file)
        except (OSError, RuntimeError) as error:  # PyTorch's writer reports a full disk as either
            raise OSError(f"{path} cannot be written, is the disk full? What was there is kept. ({error})") from error
        if path.exists():
            os.replace(path, previous(path))  # killed now, a run has this one to go on from


class NotOfARunError(ValueError):
    """A file of another program."""

    def __init__(self, path: Path) -> None:
        try:
            read_weights(path)
            way = f"it holds weights of another tool, to be given as --weights {path}, in Python to load_detector"
        except ValueError as error:
            way = str(error)
        super().__init__(f"{path} is not a file of a run of frcnn_edu, with the mark {FORMAT!r}; {way}")


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """What `save_checkpoint` saved, on the CPU, read without running any code the file might hold.

    Raises `FileNotFoundError`, or `ValueError` saying what is wrong, for a damaged or hostile file; for one of another
    program `NotOfARunError`, which is a `ValueError`.
    """
    path = check_exists(path)
    try:
        contents = unpack(path, checksums=True, what="a checkpoint")
    except CodeInFileError as error:
        raise NotOfARunError(path) from error
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise NotOfARunError(path)
    return contents


def load_latest(path: str | Path) -> tuple[dict[str, Any], Path]:
    """The checkpoint at `path`, or where that one cannot be used the one before it; and which of both it is.

    Says so on stderr if it is the one before. Raises what `load_checkpoint` raised for `path` where that one cannot be
    used either.
    """
    path = Path(path)
    try:
        return load_checkpoint(path), path
    except (ValueError, FileNotFoundError) as error:
        try:
            contents = load_checkpoint(previous(path))
        except (ValueError, FileNotFoundError):
            raise error from None
        print(f"{error}; going on from {previous(path)}", file=sys.stderr)
        return contents, previous(path)


def export_safetensors(checkpoint: str | Path, path: str | Path) -> None:
    """Write a checkpoint's weights as a safetensors file, with what is needed to use them in its metadata.

    Without optimizer and history the file has a third of the size. The metadata hold `classes`, `config`
    and `metrics` (the last evaluation) as JSON.
    """
    contents = load_checkpoint(checkpoint)
    epochs = contents["progress"]["epochs"]
    metadata = {
        "format": FORMAT,
        "classes": json.dumps(contents["classes"]),
        "config": json.dumps(contents["config"]),
        "metrics": json.dumps(epochs[-1] if epochs else {}),
    }
    # Channels-last weights are stored as the plain layout that the format knows.
    weights = {name: tensor.contiguous() for name, tensor in contents["model"].items()}
    with replacing(path) as temporary:
        try:
            save_file(weights, temporary, metadata)
        except SafetensorError as error:
            raise OSError(f"{path} cannot be written, is the disk full? ({error})") from error


def load_model(path: str | Path = SHIPPED) -> tuple[nn.Module, tuple[str, ...], TrainConfig]:
    """Rebuild a trained model from a file of a run, `checkpoint.pt` or `.safetensors`: (model, classes, config).

    The model is on the CPU, in evaluation mode. `classes[0]` is the background. Raises `FileNotFoundError`, or `ValueError`
    for a damaged, hostile or foreign file (for which see `load_detector`).
    """
    path = check_exists(path)
    if path.suffix == ".safetensors":
        weights, classes, values = _read_safetensors(path)
    else:
        contents = load_checkpoint(path)
        weights, classes, values = (contents.get(key) for key in ("model", "classes", "config"))
    config = _check_contents(path, weights, classes, values)
    try:
        model = build_model(config, len(classes), pretrained=False)
    except (TypeError, RuntimeError) as error:  # arguments that no builder has, or that fill the memory
        raise ValueError(f"{path}: its configuration does not make a model {config.model!r}: {error}") from error
    load_fitting(model, weights, f"the weights in {path}", f"model {config.model!r}", same_precision=True)
    if config.model == "resnet50_fpn" and Path(config.weights or "").name in _WITHOUT_EPS:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0
    return model.eval(), tuple(classes), config


def _check_contents(path: Path, weights: Any, classes: Any, values: Any) -> TrainConfig:
    """The configuration in a file, if that and the rest are of the kind that `save_checkpoint` writes."""
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise ValueError(f"{path}: its weights are not tensors by name")
    text = isinstance(classes, list) and all(isinstance(name, str) for name in classes)
    if not text or len(set(classes)) != len(classes) or len(classes) < 2:
        raise ValueError(f"{path}: its classes are {classes!r:.100}; expected different names, the background first")
    try:
        return TrainConfig.from_dict(values)
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path}: its configuration makes no sense: {error}") from error


def build_model(
    config: TrainConfig, num_classes: int, *, pretrained: bool = True, new_predictor: bool = False
) -> nn.Module:
    """The model that `config` names, for `num_classes` including the background.

    Without `pretrained` no weights are fetched, whatever `config` says. With `new_predictor` those of the detector are
    loaded without its predictor, whose number of classes then does not matter (`frcnn_edu.needs_new_predictor` tells).
    """
    check_pretraining(config)
    if reserved := {"weights", "weights_backbone", "num_classes", "new_classes"} & {*config.model_args}:
        raise ValueError(f"model_args has {', '.join(sorted(reserved))}, which are no arguments of a run's model")
    arguments: dict[str, Any] = {"weights": config.weights if pretrained else None, **config.model_args}
    if config.model != "small":  # whose backbone has no published weights
        arguments["weights_backbone"] = config.weights_backbone if pretrained else None
    if not pretrained:  # what is frozen does not matter then
        arguments.pop("trainable_backbone_layers", None)
    number = {"new_classes" if new_predictor and pretrained else "num_classes": num_classes}
    return model_builder(config.model)(**number, **arguments)


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], Any, Any]:
    weights, metadata = read_safetensors(path)
    if metadata.get("format") != FORMAT:
        raise NotOfARunError(path)
    return weights, read_json(path, metadata, "classes"), read_json(path, metadata, "config")
