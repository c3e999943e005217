"""From a configuration to its model, for the first time or again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights as PublishedWeights

from ..model import FrozenBatchNorm2d, model_builder
from .config import TrainConfig, check_pretraining

_PUBLISHED = ("DEFAULT", "COCO_V1", Path(PublishedWeights.COCO_V1.url).name)
_GIVEN_ELSEWHERE = {"weights", "weights_backbone", "num_classes", "new_classes"}


def build_model(
    config: TrainConfig, num_classes: int, *, pretrained: bool = True, new_predictor: bool = False
) -> nn.Module:
    """The model that `config` names, for `num_classes` including the background.

    Without `pretrained` no weights are fetched, whatever `config` says. With `new_predictor` the weights of the detector
    are loaded without its predictor, so their number of classes does not matter (see `frcnn_edu.needs_new_predictor`).
    """
    check_pretraining(config)
    if misplaced := _GIVEN_ELSEWHERE & {*config.model_args}:
        raise ValueError(f"model_args must not contain {', '.join(sorted(misplaced))}")
    arguments: dict[str, Any] = {"weights": config.weights if pretrained else None, **config.model_args}
    if config.model != "small":  # whose backbone has no published weights
        arguments["weights_backbone"] = config.weights_backbone if pretrained else None
    if not pretrained:  # what is frozen does not matter then
        arguments.pop("trainable_backbone_layers", None)
    number = {"new_classes" if new_predictor and pretrained else "num_classes": num_classes}
    return model_builder(config.model)(**number, **arguments)


def rebuild_model(config: TrainConfig, num_classes: int, checkpoint: Path) -> nn.Module:
    """The model of a run that is continued: with the same parts frozen, and the weights in `checkpoint`.

    Those that the run began with are not loaded: they may no longer exist, or need a download.
    """
    if config.weights is None and config.weights_backbone is None:
        return build_model(config, num_classes)
    model = build_model(replace(config, weights=str(checkpoint), weights_backbone=None), num_classes)
    if began_without_eps(config):
        remove_eps(model)
    return model


def began_without_eps(config: TrainConfig) -> bool:
    """Whether a run began with the published COCO weights, which were trained with BatchNorm's eps at 0, as it was then."""
    name = Path(config.weights or "").name.removeprefix(f"{PublishedWeights.__name__}.")
    return config.model == "resnet50_fpn" and name in _PUBLISHED


def remove_eps(model: nn.Module) -> None:
    """Set the eps of every BatchNorm, frozen or not, to 0."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | FrozenBatchNorm2d):
            module.eps = 0.0
