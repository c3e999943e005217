"""Stages whose maps are made twice: the same numbers to the last bit, fewer maps held."""

import copy
import weakref
from contextlib import nullcontext
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from frcnn_edu import FrozenBatchNorm2d, run_as
from frcnn_edu.model.fast.resnet import ExactStage, FastBottleneck
from frcnn_edu.model.resnet import Bottleneck, ResNet, Stage, resnet

IN, OUT = 128, 256  # channels of a stage's input, and of its blocks' outputs: inside a block there are OUT / 4


def make_stage(blocks: int = 5, norm_layer: type[nn.Module] = FrozenBatchNorm2d) -> Stage:
    torch.manual_seed(0)
    widths = (16, IN // 4, OUT // 4, 16)
    stage = ResNet(Bottleneck, (1, 1, blocks, 1), num_classes=None, norm_layer=norm_layer, widths=widths).layer3
    for module in stage.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.weight.uniform_(0.2, 0.6)
            module.bias.normal_()
    return stage


def with_plain_stage(stage: nn.Module) -> nn.Module:
    """The same blocks in a stage that is just a sequence."""
    return nn.Sequential(*stage)


def step(stage: nn.Module, backward_passes: int = 1) -> list[torch.Tensor]:
    torch.manual_seed(1)
    x = torch.randn(1, IN, 6, 4, dtype=next(stage.parameters()).dtype, requires_grad=True)
    y = stage(x)
    for _ in range(backward_passes):
        x.grad = None
        stage.zero_grad()
        (y * torch.randn_like(y)).sum().backward(retain_graph=True)
    return [y, x.grad, *(parameter.grad for parameter in stage.parameters())]


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("blocks", [2, 3, 5])
def test_same_outputs_and_gradients_to_the_last_bit(blocks: int, mode: str) -> None:
    stage = run_as(make_stage(blocks), mode)
    assert type(stage) is ExactStage
    assert (type(stage[0]) is FastBottleneck) == (mode == "fast")
    for passes in (1, 2):
        for one, other in zip(step(stage, passes), step(with_plain_stage(stage), passes), strict=True):
            assert one.abs().sum() > 0
            assert torch.equal(one, other)


def test_frozen_blocks_below_trained_ones_and_autocast() -> None:
    stage = run_as(make_stage(), "fast")
    for block in stage[:2]:
        block.requires_grad_(False)
    x = torch.randn(1, IN, 6, 4)
    for autocast in (False, True):
        outputs = []
        for version in (stage, with_plain_stage(stage)):
            stage.zero_grad()
            with torch.autocast("cpu", torch.bfloat16) if autocast else nullcontext():
                y = version(x)
            y.float().square().mean().backward()
            outputs.append([y, *(p.grad for p in stage.parameters() if p.requires_grad)])
        assert all(torch.equal(one, other) for one, other in zip(*outputs, strict=True))


def maps_held(stage: nn.Module) -> list[bool]:
    """Of the outputs of all blocks but the last: is it still there when the backward pass begins?"""
    outputs: list[weakref.ref] = []

    class Watch(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            y = func(*args, **(kwargs or {}))
            if func is F.relu and y.shape[1] == OUT:
                outputs.append(weakref.ref(y.untyped_storage()))
            return y

    with Watch():
        y = stage(torch.randn(1, IN, 6, 4, requires_grad=True))
    held = [reference() is not None for reference in outputs]
    y.sum().backward()
    assert len(held) == len(stage)
    return held[:-1]


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_only_the_first_and_the_last_output_are_held(mode: str) -> None:
    assert maps_held(make_stage()) == [True] * 4
    assert maps_held(run_as(make_stage(), mode)) == [True, False, False, False]


def test_which_stages_hold_fewer_maps() -> None:
    """Those of more than three bottlenecks with frozen BatchNorm; one that learns would count its batches twice."""
    assert maps_held(run_as(make_stage(3), "fast")) == [True] * 2
    assert maps_held(run_as(make_stage(5, nn.BatchNorm2d), "fast")) == [True] * 4
    counting = run_as(make_stage(5, nn.BatchNorm2d), "fast")
    step(counting)
    assert {int(norm.num_batches_tracked) for norm in counting.modules() if isinstance(norm, nn.BatchNorm2d)} == {1}


def test_a_block_that_somebody_watches_runs_once() -> None:
    stage, calls = run_as(make_stage(), "fast"), []
    plain = copy.deepcopy(stage)
    stage[2].conv3.register_forward_hook(lambda *call: calls.append(1))
    for one, other in zip(step(stage), step(plain), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4)
    assert calls == [1]


def test_all_stages_of_a_resnet_are_of_the_class_that_is_exchanged() -> None:
    with torch.device("meta"):
        stages = [stage for stage in resnet("resnet34").children() if isinstance(stage, nn.Sequential)]
        assert [type(stage) for stage in stages] == [Stage] * 4
        assert isinstance(resnet("resnet34"), ResNet)
