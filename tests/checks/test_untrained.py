"""A backbone that freezes what nobody has trained is told of, with what to do about it."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from frcnn_edu import FasterRCNN, fasterrcnn_resnet50_fpn, resnet_fpn_backbone
from frcnn_edu.checks.untrained import weights_follow
from frcnn_edu.model import mobilenet_backbone, vgg_backbone

BATCH_NORM = dict(norm_layer=nn.BatchNorm2d)
RESNET: dict[str, Any] = dict(backbone_name="resnet18", weights=None)
MOBILENET: dict[str, Any] = dict(backbone_name="mobilenet_v3_small", weights=None, fpn=True)
VGG: dict[str, Any] = dict(backbone_name="vgg11", weights=None, fpn=False)
WARNED = [
    (resnet_fpn_backbone, RESNET, "BatchNorm (norm_layer) and the first layers (trainable_layers=3)", "norm_layer=torch.nn.BatchNorm2d and trainable_layers=5"),
    (resnet_fpn_backbone, dict(RESNET, trainable_layers=5), "BatchNorm (norm_layer),", "norm_layer=torch.nn.BatchNorm2d."),
    (resnet_fpn_backbone, dict(RESNET, **BATCH_NORM), "the first layers (trainable_layers=3)", "trainable_layers=5."),
    (mobilenet_backbone, MOBILENET, "BatchNorm (norm_layer) and the first layers (trainable_layers=2)",
     "norm_layer=torch.nn.BatchNorm2d and trainable_layers=6."),
    pytest.param(
        vgg_backbone, VGG, "the first layers (trainable_layers=3)", "trainable_layers=5.", marks=pytest.mark.slow
    ),
]  # fmt: skip


def messages(build: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        build()
    assert all(warning.filename == __file__ for warning in caught)  # where the backbone was asked for
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    ("builder", "arguments", "frozen", "advice"), WARNED, ids=lambda x: getattr(x, "__name__", None)
)
def test_what_is_frozen_is_told(builder: Any, arguments: dict[str, Any], frozen: str, advice: str) -> None:
    (message,) = messages(lambda: builder(**arguments))
    assert message.startswith(f"{builder.__name__}(weights=None) freezes {frozen}")
    assert "weights='DEFAULT'" in message
    assert f"to train from scratch, {advice}" in message


@pytest.mark.parametrize(
    "build",
    [
        lambda: resnet_fpn_backbone(**RESNET, **BATCH_NORM, trainable_layers=5),
        lambda: mobilenet_backbone(**MOBILENET, **BATCH_NORM, trainable_layers=6),
        pytest.param(lambda: vgg_backbone(**VGG, trainable_layers=5), marks=pytest.mark.slow),
    ],
    ids=["resnet", "mobilenet", "vgg"],
)
def test_the_advice_ends_the_warning(build: Callable[[], Any]) -> None:
    assert messages(build) == []


def test_weights_end_the_warning(tmp_path: Path) -> None:
    """Those of the backbone, those of a whole detector that follow, and where there are none at all."""
    file = tmp_path / "resnet18.pth"
    with torch.device("meta"):
        assert messages(lambda: resnet_fpn_backbone(**RESNET)) == []
    with weights_follow():
        backbone = resnet_fpn_backbone(**RESNET)
        assert messages(lambda: resnet_fpn_backbone(**RESNET)) == []
    torch.save({f"{name}": value for name, value in backbone.body.state_dict().items()}, file)
    assert messages(lambda: resnet_fpn_backbone(backbone_name="resnet18", weights=file)) == []
    assert len(messages(lambda: resnet_fpn_backbone(**RESNET))) == 1  # and afterwards it is as before


@pytest.mark.slow
def test_builders_are_silent(tmp_path: Path) -> None:
    file = tmp_path / "detector.pth"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2)
        torch.save(model.state_dict(), file)
        fasterrcnn_resnet50_fpn(weights=file)


@pytest.mark.slow
def test_the_advice_helps() -> None:
    """Losses of a ResNet-101: with what is frozen they explode, as advised they do not. (torchvision's are the same.)"""
    images = [torch.rand(3, 64, 96)] * 2
    targets = [{"boxes": torch.tensor([[20.0, 10, 60, 50]]), "labels": torch.tensor([1])}] * 2
    first = {}
    for name, arguments in {"frozen": {}, "advised": dict(**BATCH_NORM, trainable_layers=5)}.items():
        torch.manual_seed(0)
        with weights_follow():
            backbone = resnet_fpn_backbone(backbone_name="resnet101", weights=None, **arguments)
        model = FasterRCNN(backbone, num_classes=2, min_size=64, max_size=96)
        first[name] = sum(loss.item() for loss in model.train()(images, targets).values())
    assert first["advised"] < 10
    assert first["frozen"] > 100
