"""`pretrained=True` and what else was torchvision's way before version 0.13."""

import inspect
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import frcnn_edu
from frcnn_edu.model.compat.old_arguments import with_old_arguments


def in_torchvision(
    *, weights: Any = None, progress: bool = True, num_classes: Any = None, weights_backbone: Any = 1
) -> None:
    """A builder's arguments, in their order there."""


@with_old_arguments(in_torchvision, weights="COCO_V1", weights_backbone="IMAGENET1K_V1")
def build(*, weights: Any = None, new_classes: Any = None, weights_backbone: Any = "default", **others: Any) -> tuple:
    return weights, weights_backbone, others


@pytest.mark.parametrize(
    ("arguments", "options", "built", "told"),
    [
        ((), {"pretrained": True}, ("COCO_V1", "default", {}), ["pretrained=True"]),
        ((), {"pretrained": False, "pretrained_backbone": False}, (None, None, {}),
         ["pretrained=False", "pretrained_backbone=False"]),
        ((), {"pretrained_backbone": True}, (None, "IMAGENET1K_V1", {}), ["pretrained_backbone=True"]),
        ((True,), {}, ("COCO_V1", "default", {}), ["pretrained=True"]),
        ((False, True, 3, False), {"min_size": 5}, (None, None, {"progress": True, "num_classes": 3, "min_size": 5}),
         ["pretrained=False", "pretrained_backbone=False"]),
        (("DEFAULT",), {"weights_backbone": Path("a.pth")}, ("DEFAULT", Path("a.pth"), {}), []),
        ((), {"weights": Path("b.pth")}, (Path("b.pth"), "default", {}), []),
    ],
    ids=["pretrained", "neither", "only the backbone", "without its name", "all without names", "today's", "a file"],
)  # fmt: skip
def test_older_arguments_mean_what_they_meant(arguments: tuple, options: dict, built: tuple, told: list[str]) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert build(*arguments, **options) == built
    assert [str(warning.message).split(" is an argument of torchvision")[0] for warning in caught] == told
    assert all(warning.category is FutureWarning and warning.filename == __file__ for warning in caught)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((), {"pretrained": True, "weights": None}, "build got both weights and pretrained, its older name"),
        ((None,), {"weights": None}, "build got weights twice, once by position"),
        ((1, 2, 3, 4, 5), {}, "build takes at most 4 positional arguments, got 5"),
    ],
    ids=["both names", "twice", "too many"],
)
def test_what_cannot_be_meant(arguments: tuple, options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        build(*arguments, **options)


@pytest.mark.filterwarnings("ignore:pretrained")
def test_the_builders_take_them() -> None:
    with torch.device("meta"):
        model = frcnn_edu.fasterrcnn_mobilenet_v3_large_fpn(False, True, 3, False)
        backbone = frcnn_edu.resnet_fpn_backbone("resnet18", pretrained=False, norm_layer=nn.BatchNorm2d)
    assert model.roi_heads.box_predictor.cls_score.out_features == 3
    assert any(isinstance(module, nn.BatchNorm2d) for module in backbone.modules())


def test_a_builders_signature_is_todays() -> None:
    parameters = inspect.signature(frcnn_edu.fasterrcnn_resnet50_fpn).parameters
    assert "pretrained" not in parameters
    assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters.values())
