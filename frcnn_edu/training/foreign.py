"""A trained detector from a name or from a file, of this package or of another tool."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from ..catalogue import MODEL_NAMES
from ..model import model_builder
from ..model.builders import PUBLISHED
from ..model.weight_files import read_weights
from ..model.weights import class_names, number_of_classes, resolve_weights
from .checkpoint import NotOfARunError
from .config import TrainConfig
from .model_file import load_model, read_config

COCO: list[str] = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]  # 91 with the background, "N/A" ten times


def load_detector(
    weights: str | Path, model: str | None = None
) -> tuple[nn.Module, tuple[str, ...], TrainConfig | None]:
    """A trained detector: (model on the CPU in evaluation mode, classes by label, the configuration of its run).

    Args:
        weights: a file of a run of frcnn_edu; one of another tool, such as torchvision's .pth or a training script's
            checkpoint (see `read_weights`); or a name: "DEFAULT", "COCO_V1", "FasterRCNN_ResNet50_FPN_Weights.COCO_V1".
        model: a key of `frcnn_edu.MODELS`, or "timm:BACKBONE". None: a name means resnet50_fpn unless it names a
            different one; for a file the shapes decide. The file of a run contains its model.

    The classes are the file's, if it names them; COCO's, if there are 91 with the background; otherwise "class 1",
    "class 2" and so on. The names are unique, as `open_dataset(classes=…)` requires: numbers that COCO left out are
    called "N/A 12". The configuration is None if the weights are not those of a run.

    Raises:
        ValueError: the weights do not exist, are damaged, or fit none of the models.
        OSError: they cannot be downloaded.
    """
    path = Path(weights)
    if path.is_file():
        try:
            return load_model(path)
        except NotOfARunError:
            pass
    name = model or model_of_weights(weights)
    resolved = resolve_weights(weights, PUBLISHED.get(name))
    assert resolved is not None
    detector = model_builder(name)(weights=resolved)
    return detector.eval(), _names(class_names(resolved), number_of_classes(resolved)), None


def _names(names: list[str] | None, count: int) -> tuple[str, ...]:
    """Names that differ, the background first."""
    names = names or (COCO if count == len(COCO) else [f"class {label}" for label in range(count)])
    differing = [f"{name} {label}" if names.count(name) > 1 else name for label, name in enumerate(names)]
    return ("background", *differing[1:])


def model_of_weights(weights: str | Path) -> str:
    """The model that a detector's weights belong to, a key of `frcnn_edu.MODELS` or "timm:BACKBONE".

    For a run the configuration decides, for other files the names and shapes, those of the backbone first; a name of
    published weights means resnet50_fpn unless it names a different model.

    Raises:
        ValueError: the file fits none of the models.
    """
    path = Path(weights)
    if not path.is_file():
        enums = {name: published.__name__ for name, published in PUBLISHED.items() if isinstance(published, type)}
        return next((name for name, enum in enums.items() if str(weights).startswith(f"{enum}.")), "resnet50_fpn")
    try:
        return read_config(path).model
    except NotOfARunError:
        pass
    state = read_weights(path)[0]
    alike: list[str] = []  # models of the same backbone: resnet50_fpn and resnet50_fpn_v2
    for name in MODEL_NAMES:
        with torch.device("meta"):
            own = model_builder(name)(num_classes=2, **_without_download(name)).state_dict()
        if _shapes(own, _BODY) and _shapes(own, _BODY) == _shapes(state, _BODY):
            if _shapes(own, _BUT_PREDICTOR) == _shapes(state, _BUT_PREDICTOR):
                return name
            alike.append(name)
    if alike:
        return alike[0]
    raise ValueError(
        f"{path} contains weights of none of the models {', '.join(MODEL_NAMES)}; for a timm backbone, give the model as well"
    )


def _without_download(name: str) -> dict[str, None]:
    return {} if name == "small" else {"weights_backbone": None}


_BODY, _BUT_PREDICTOR = ("backbone.body.",), ("backbone.", "rpn.", "roi_heads.box_head.")


def _shapes(state: dict[str, Tensor], beginnings: tuple[str, ...]) -> dict[str, torch.Size]:
    """The shapes of some tensors by name. (Frozen norms do not count batches.)"""
    return {
        name: value.shape
        for name, value in state.items()
        if name.startswith(beginnings) and not name.endswith("num_batches_tracked")
    }
