"""`torch.compile(model.backbone)`: one graph without a break, the same losses and detections."""

import copy
import shutil

import pytest
import torch
from torch import Tensor, nn

from frcnn_edu import FasterRCNN, fasterrcnn_small_fpn, resnet_fpn_backbone, set_exact
from frcnn_edu.benchmark.realistic import make_images, make_realistic, make_targets

IMAGES = make_images((128, 160), (120, 100))
TARGETS = make_targets(IMAGES, (4, 2), 6)


def small() -> nn.Module:
    return fasterrcnn_small_fpn(weights="DEFAULT")


def resnet50_fpn() -> nn.Module:
    """Frozen BatchNorm and stages that hold fewer maps: all that a pretrained backbone has. Statistics as after a training."""
    torch.manual_seed(0)
    sizes = {"num_classes": 6, "min_size": 128, "max_size": 160}
    source = FasterRCNN(resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=nn.BatchNorm2d), **sizes)
    make_realistic(source, IMAGES)
    model = FasterRCNN(resnet_fpn_backbone(backbone_name="resnet50", weights=None), **sizes)
    model.load_state_dict(source.state_dict())
    return model


def losses_and_gradients(model: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    model.train().zero_grad()
    torch.manual_seed(1)
    losses = model(IMAGES, TARGETS)
    sum(losses.values()).backward()
    gradients = {name.replace("_orig_mod.", ""): parameter.grad for name, parameter in model.named_parameters()}
    return losses, {name: gradient for name, gradient in gradients.items() if gradient is not None}


def assert_same_compiled(model: nn.Module, backend: str, rtol: float) -> None:
    """The model as it is, its backbone compiled, and in torchvision's order, which is that of a compiled backbone.

    By a tolerance of 0 every number is the same to the bit; otherwise maps, losses and gradients may differ by that part of
    the largest.
    """
    compiled = copy.deepcopy(model)
    set_exact(model)
    compiled.backbone = torch.compile(compiled.backbone, backend=backend, fullgraph=True)  # raises at a break
    with torch.no_grad():
        batch, _ = model.eval().transform(IMAGES)
        maps, expected = compiled.eval().backbone(batch.tensors), model.backbone(batch.tensors)
        for name, features in expected.items():
            assert_close(maps[name], features, rtol, name)
        for found, wanted in zip(compiled(IMAGES), model(IMAGES), strict=True):
            assert len(wanted["boxes"]) > 0
            assert torch.equal(found["labels"], wanted["labels"])
            assert_close(found["scores"], wanted["scores"], 10 * rtol, "scores")
            assert_close(found["boxes"], wanted["boxes"], 10 * rtol, "boxes")
    (losses, gradients), (wanted_losses, wanted) = losses_and_gradients(compiled), losses_and_gradients(model)
    for name, loss in wanted_losses.items():
        assert_close(losses[name], loss, rtol, name)
    assert gradients.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert_close(gradients[name], gradient, 10 * rtol, name)


def assert_close(found: Tensor, expected: Tensor, rtol: float, name: str) -> None:
    assert (found - expected).abs().max() <= rtol * expected.abs().max(), name


@pytest.mark.slow
def test_with_inductor() -> None:
    if shutil.which("g++") is None:
        pytest.skip("inductor needs a C++ compiler")
    assert_same_compiled(small(), "inductor", 1e-4)


@pytest.mark.slow
def test_the_large_body_is_one_graph_of_the_same_operations() -> None:
    assert_same_compiled(set_exact(resnet50_fpn()), "eager", 0)
