"""A model is built again for a run that goes on: as it was, without what the run began with."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v3_large
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from frcnn_edu.model import FrozenBatchNorm2d
from frcnn_edu.training import TrainConfig, build_model, load_model, make_optimizer, save_checkpoint
from frcnn_edu.training.building import began_without_eps, rebuild_model

CLASSES = ("background", "a", "b")


def saved(model: nn.Module, config: TrainConfig, folder: Path) -> Path:
    save_checkpoint(
        folder / "checkpoint.pt", model=model, optimizer=make_optimizer(model, config), progress={"epochs": []},
        config=config, classes=CLASSES,
    )  # fmt: skip
    return folder / "checkpoint.pt"


@pytest.mark.slow
@pytest.mark.parametrize("option", ["weights", "weights_backbone", None])
def test_frozen_layers_stay_frozen_without_the_weights_of_the_start(
    config: TrainConfig, option: str | None, tmp_path: Path
) -> None:
    config = replace(config, model="mobilenet_v3_large_fpn")
    if option is not None:
        start = mobilenet_v3_large(num_classes=2) if option == "weights_backbone" else build_model(config, len(CLASSES))
        torch.save(start.state_dict(), tmp_path / "start.pth")
        config = replace(
            config, **{option: str(tmp_path / "start.pth")}, model_args={**config.model_args, "trainable_backbone_layers": 2}
        )  # fmt: skip
    model = build_model(config, len(CLASSES))
    checkpoint = saved(model, config, tmp_path)
    (tmp_path / "start.pth").unlink(missing_ok=True)
    again = rebuild_model(config, len(CLASSES), checkpoint)
    assert again.state_dict().keys() == model.state_dict().keys()
    learns = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert [name for name, parameter in again.named_parameters() if parameter.requires_grad] == learns
    kinds = [[type(module) for module in each.modules()] for each in (model, again)]
    assert kinds[0] == kinds[1]
    assert any(isinstance(module, FrozenBatchNorm2d) for module in again.modules()) == (option is not None)


@pytest.mark.parametrize(
    ("weights", "model", "expected"),
    [
        ("DEFAULT", "resnet50_fpn", True),
        ("FasterRCNN_ResNet50_FPN_Weights.COCO_V1", "resnet50_fpn", True),
        (f"/tmp/{Path(FasterRCNN_ResNet50_FPN_Weights.COCO_V1.url).name}", "resnet50_fpn", True),
        ("mine.pth", "resnet50_fpn", False),
        (None, "resnet50_fpn", False),
        ("DEFAULT", "mobilenet_v3_large_fpn", False),
    ],
)
def test_which_runs_began_without_eps(weights: str | None, model: str, expected: bool, config: TrainConfig) -> None:
    assert began_without_eps(replace(config, model=model, weights=weights)) is expected


@pytest.mark.slow
def test_a_run_from_the_published_weights_goes_on_without_eps(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, model="resnet50_fpn")
    checkpoint = saved(build_model(config, len(CLASSES)), replace(config, weights="COCO_V1"), tmp_path)
    again = rebuild_model(replace(config, weights="COCO_V1"), len(CLASSES), checkpoint)
    loaded = load_model(checkpoint)[0]
    for model, kind in ((again, FrozenBatchNorm2d), (loaded, nn.BatchNorm2d)):
        eps = {module.eps for module in model.modules() if isinstance(module, kind)}
        assert eps == {0.0}, kind
