"""TorchScript, traces and exporters cannot follow a detector: each is told so, and what to use instead."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.fx import symbolic_trace
from torchvision.models.feature_extraction import create_feature_extractor

from frcnn_edu import fasterrcnn_small_fpn, resnet_fpn_backbone, run_as
from frcnn_edu.model.fast import MODES

IMAGES = [torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))]
INSTEAD = r"frcnn_edu\.model\.export\.to_onnx\(model, height, width\)"


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return fasterrcnn_small_fpn().eval()


@pytest.mark.parametrize(
    ("follow", "message"),
    [
        (torch.jit.script, rf"^torch\.jit\.script cannot read a FasterRCNN .*{INSTEAD}"),
        (lambda model: torch.jit.script(nn.Sequential(model)), rf"cannot read a FasterRCNN .*{INSTEAD}"),
        (lambda model: torch.jit.script(model.backbone), r"cannot read a \w*BackboneWithFPN .*torch\.compile"),
        (lambda model: torch.jit.trace(model, (IMAGES,), strict=False), rf"^torch\.jit\.trace and .*{INSTEAD}"),
        (lambda model: torch.export.export(model, (IMAGES,), strict=False), rf"^torch\.export and .*{INSTEAD}"),
        (symbolic_trace, r"torch\.fx can trace model\.backbone, but not the whole detector"),
    ],
    ids=["script", "script of what holds it", "script of its backbone", "trace", "export", "fx"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_what_cannot_follow_a_detector_says_so(model: nn.Module, follow: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(NotImplementedError, match=message):
        follow(model)
    with torch.no_grad():
        assert "boxes" in model(IMAGES)[0]  # it is as it was


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "error::torch.jit.TracerWarning")
@pytest.mark.parametrize("mode", MODES)
def test_a_backbone_can_be_followed(mode: str) -> None:
    """Without a warning that the trace is of one image only."""
    backbone = run_as(resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=5), mode).eval()
    x = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = backbone(x)
        traced = torch.jit.trace(backbone, x, strict=False)
        extracted = create_feature_extractor(backbone, {"body.layer2": "C3", "fpn.extra_blocks.max_pool2d": "pool"})(x)
        for name, features in traced(x).items():
            torch.testing.assert_close(features, expected[name], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(extracted["pool"], expected["pool"], rtol=1e-4, atol=1e-5)
    assert extracted["C3"].shape == (1, 128, 8, 12)
