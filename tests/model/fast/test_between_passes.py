"""Whatever happens around a forward pass, or between it and its backward pass, gradients are those of the textbook."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad, graph
from torch.func import functional_call, grad, jvp, vmap
from torch.utils.checkpoint import checkpoint
from torchvision.models.feature_extraction import create_feature_extractor

from frcnn_edu import run_as
from frcnn_edu.model.backbone import BackboneWithFPN
from frcnn_edu.model.fast import MODES
from frcnn_edu.model.frozen_batch_norm import FrozenBatchNorm2d
from frcnn_edu.model.resnet import Bottleneck, ResNet

pytestmark = pytest.mark.slow

Event = Callable[[nn.Module, Tensor], list[Tensor]]
EVENTS: dict[str, Event] = {}


def event(happens: Event) -> Event:
    """Takes a backbone and a batch; gives what comes of it."""
    EVENTS[happens.__name__.replace("_", " ")] = happens
    return happens


def gradients(backbone: nn.Module, maps: dict[str, Tensor]) -> list[Tensor]:
    backbone.zero_grad()
    sum(level.square().mean() for level in maps.values()).backward()  # type: ignore[union-attr]
    return [parameter.grad for parameter in backbone.parameters() if parameter.grad is not None]


def sum_of(maps: dict[str, Tensor]) -> Tensor:
    return sum(level.square().mean() for level in maps.values())  # type: ignore[return-value]


@event
def nothing(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    return gradients(backbone, backbone(x))


@event
def other_weights_for_one_call(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    weights = {name: (1.1 * value).detach().requires_grad_() for name, value in backbone.state_dict().items()}
    maps = functional_call(backbone, weights, (x,))
    return list(torch.autograd.grad(sum_of(maps), list(weights.values())))


@event
def norms_written_to_after_the_forward_pass(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    maps = backbone(x)
    for module in backbone.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.running_var.mul_(2)
    return gradients(backbone, maps)


@event
def a_hook_registered_after_the_forward_pass(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    maps, calls = backbone(x), []
    for module in backbone.modules():
        module.register_forward_hook(lambda *call: calls.append(1))
    found = gradients(backbone, maps)
    return [*found, torch.tensor(float(len(calls)))]


@event
def another_mode_before_the_backward_pass(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    maps = backbone(x)
    run_as(backbone, "textbook")
    return gradients(backbone, maps)


@event
def autocast_around_the_backward_pass(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    maps = backbone(x)
    with torch.autocast("cpu", torch.bfloat16):
        return gradients(backbone, maps)


@event
def a_stage_checkpointed(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    body: Any = backbone.body
    for name in ("conv1", "bn1", "relu", "maxpool", "layer1"):
        x = body[name](x)
    return gradients(backbone, {"2": checkpoint(body["layer2"], x, use_reentrant=False)})


@event
def what_is_held_copied(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    with graph.saved_tensors_hooks(Tensor.clone, lambda held: held):
        maps = backbone(x)
    return gradients(backbone, maps)


@event
def gradients_by_a_transformation(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    weights = {name: value.detach() for name, value in backbone.named_parameters()}
    return list(grad(lambda weights: sum_of(functional_call(backbone, weights, (x,))))(weights).values())


@event
def many_images_by_a_transformation(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    return list(vmap(lambda image: backbone(image[None]))(x).values())


@event
def derivatives_forward(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    return [jvp(lambda x: sum_of(backbone(x)), (x,), (torch.ones_like(x),))[1]]


@event
def dual_numbers(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    with forward_ad.dual_level():
        maps = backbone(forward_ad.make_dual(x, torch.ones_like(x)))
        return [forward_ad.unpack_dual(level).tangent for level in maps.values()]


@event
def inner_maps_extracted(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    extract = create_feature_extractor(backbone, {"body.layer2.1.relu_2": "a", "fpn.layer_blocks.1": "b"})
    return list(extract(x).values())


@event
def a_trace(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    return list(torch.jit.trace(backbone, (x,), strict=False)(x).values())


@event
def one_image_without_a_batch(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    return list(backbone.body(x[0]).values())


@event
def an_image_that_wants_a_gradient(backbone: nn.Module, x: Tensor) -> list[Tensor]:
    x = x.clone().requires_grad_()
    return [*gradients(backbone, backbone(x)), x.grad]  # type: ignore[list-item]


@pytest.fixture(scope="module")
def backbone() -> nn.Module:
    """Two stages, one of which holds fewer maps, and a pyramid with maps large enough for Winograd's method."""
    torch.manual_seed(0)
    resnet = ResNet(Bottleneck, (1, 5, 1, 1), num_classes=None, norm_layer=FrozenBatchNorm2d, widths=(16, 16, 16, 16))
    for module in resnet.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.weight.uniform_(0.3, 0.6)
            module.bias.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    return BackboneWithFPN(resnet, {"layer1": "0", "layer2": "1"}, [64, 64], 128).double()


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.parametrize("name", EVENTS)
def test_gradients_are_those_of_the_textbook(name: str, backbone: nn.Module) -> None:
    x = torch.randn(2, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = {mode: EVENTS[name](run_as(copy.deepcopy(backbone), mode), x) for mode in MODES}
    assert all(value.isfinite().all() for value in found["textbook"])
    for mode in ("exact", "fast"):
        for one, other in zip(found[mode], found["textbook"], strict=True):
            atol = 0 if mode == "exact" else 1e-10 * other.abs().max().item()
            torch.testing.assert_close(one, other, rtol=0, atol=atol, msg=f"{mode}, {tuple(other.shape)}")


def test_whoever_looks_at_what_is_held_sees_it_all(backbone: nn.Module) -> None:
    numbers = {}
    for mode in ("textbook", "exact"):
        held: list[Tensor] = []
        with graph.saved_tensors_hooks(lambda tensor, held=held: held.append(tensor) or tensor, lambda tensor: tensor):
            run_as(copy.deepcopy(backbone), mode)(torch.randn(1, 3, 64, 64, dtype=torch.float64))
        numbers[mode] = len(held)
    assert numbers["exact"] == numbers["textbook"] > 50
