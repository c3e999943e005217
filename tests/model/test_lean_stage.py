"""Stages whose maps are made twice: the same numbers to the last bit, fewer maps held."""

import weakref
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torchvision.models import resnet50

from frcnn_edu import FrozenBatchNorm2d, resnet_fpn_backbone, set_exact
from frcnn_edu.model.fast_conv import use_fast_convolutions
from frcnn_edu.model.lean_stage import LeanStage


def make_stage(blocks: int = 5, norm_layer: type[nn.Module] = FrozenBatchNorm2d) -> nn.Sequential:
    torch.manual_seed(0)
    body = resnet50(weights=None, norm_layer=norm_layer)
    stage = nn.Sequential(*list(body.layer3.children())[:blocks])
    for module in stage.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.weight.uniform_(0.2, 0.6)
            module.bias.normal_()
    use_fast_convolutions(stage)
    return stage


def step(stage: nn.Module, backward_passes: int = 1) -> list[torch.Tensor]:
    torch.manual_seed(1)
    x = torch.randn(1, 512, 6, 4, dtype=next(stage.parameters()).dtype, requires_grad=True)
    y = stage(x)
    for _ in range(backward_passes):
        x.grad = None
        stage.zero_grad()
        (y * torch.randn_like(y)).sum().backward(retain_graph=True)
    return [y, x.grad, *(parameter.grad for parameter in stage.parameters())]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("blocks", [2, 3, 5])
def test_same_outputs_and_gradients_to_the_last_bit(blocks: int, exact: bool) -> None:
    stage = set_exact(make_stage(blocks), exact)
    for passes in (1, 2):
        for one, other in zip(step(stage, passes), step(LeanStage(*stage), passes), strict=True):
            assert one.abs().sum() > 0
            assert torch.equal(one, other)


def test_frozen_blocks_below_trained_ones_and_autocast() -> None:
    stage = make_stage()
    for block in stage[:2]:
        block.requires_grad_(False)
    x = torch.randn(1, 512, 6, 4)
    for autocast in (False, True):
        outputs = []
        for version in (stage, LeanStage(*stage)):
            stage.zero_grad()
            with torch.autocast("cpu", torch.bfloat16) if autocast else nullcontext():
                y = version(x)
            y.float().square().mean().backward()
            outputs.append([y, *(p.grad for p in stage.parameters() if p.requires_grad)])
        assert all(torch.equal(one, other) for one, other in zip(*outputs, strict=True))


def test_only_the_first_and_the_last_output_are_held() -> None:
    held = {}
    for make in (nn.Sequential, LeanStage):
        stage = make(*make_stage())
        outputs = []

        def remember(block: nn.Module, inputs: tuple[torch.Tensor]) -> None:
            outputs.append(weakref.ref(inputs[0].untyped_storage()))  # noqa: B023

        for block in list(stage)[1:]:  # the input of one is the output of the one before
            block.conv1.register_forward_pre_hook(remember)
        y = stage(torch.randn(1, 512, 6, 4, requires_grad=True))
        held[make] = [reference() is not None for reference in outputs]
        y.sum().backward()
    assert held == {nn.Sequential: [True] * 4, LeanStage: [True, False, False, False]}


def test_which_stages_are_lean() -> None:
    """Those of more than three bottlenecks; and none with a BatchNorm that learns, which would count its batches twice."""
    for name, norm_layer, lean in (
        ("resnet50", FrozenBatchNorm2d, ["layer2", "layer3"]),
        ("resnet50", nn.BatchNorm2d, []),
        ("resnet34", FrozenBatchNorm2d, []),
    ):
        with torch.device("meta"):
            backbone = resnet_fpn_backbone(backbone_name=name, weights=None, norm_layer=norm_layer)
        assert [name for name, stage in backbone.body.items() if isinstance(stage, LeanStage)] == lean
