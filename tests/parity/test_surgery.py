"""A part of a pretrained model is exchanged, inserted, taken out …: the same operation on torchvision's model gives the same.

In float64, with the model's own caches warm: what a module computes follows from itself and from its input.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune
from twins import OURS, THEIRS

import frcnn_edu
from frcnn_edu import run_as

X = torch.randn(
    1,
    3,
    64,
    96,  # P2 is just large enough for Winograd's method
    generator=torch.Generator().manual_seed(0),
)
Y = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))

Surgery = Callable[[Any, Any], Any]
SURGERY: dict[str, Surgery] = {}


def surgery(apply: Surgery) -> Surgery:
    """Takes a backbone with a pyramid, and its library; may return another one."""
    SURGERY[apply.__name__.replace("_", " ")] = apply
    return apply


def equal_conv(conv: nn.Conv2d) -> nn.Conv2d:
    new = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, bias=conv.bias is not None
    )
    new.load_state_dict(conv.state_dict())
    return new.requires_grad_(conv.weight.requires_grad)


def equal_norm(norm: Any) -> nn.BatchNorm2d:
    new = nn.BatchNorm2d(len(norm.weight), norm.eps).eval()
    new.load_state_dict(norm.state_dict(), strict=False)
    return new


@surgery
def the_first_convolution_replaced(backbone: Any, lib: Any) -> None:
    backbone.body["conv1"] = equal_conv(backbone.body["conv1"])


@surgery
def the_first_convolution_for_four_channels(backbone: Any, lib: Any) -> None:
    old = backbone.body["conv1"]
    backbone.body["conv1"] = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.Conv2d(4, 64, 7, 2, 3, bias=False))
    with torch.no_grad():
        for layer in backbone.body["conv1"]:
            layer.weight.copy_(torch.linspace(-1, 1, layer.weight.numel()).view_as(layer.weight) / 10)
    assert isinstance(old, nn.Conv2d)


@surgery
def a_frozen_norm_replaced_by_one_that_can_learn(backbone: Any, lib: Any) -> None:
    backbone.body["bn1"] = equal_norm(backbone.body["bn1"])
    block = backbone.body["layer3"][1]
    block.bn2 = equal_norm(block.bn2)
    block = backbone.body["layer2"][0]
    block.downsample[1] = equal_norm(block.downsample[1])


@surgery
def a_frozen_norm_of_the_other_library(backbone: Any, lib: Any) -> None:
    for name in ("layer2", "layer3"):
        for block in backbone.body[name]:
            other = torchvision.ops.FrozenBatchNorm2d(len(block.bn1.weight))
            other.load_state_dict(block.bn1.state_dict())
            block.bn1 = other


@surgery
def a_norm_taken_out(backbone: Any, lib: Any) -> None:
    backbone.body["layer3"][2].bn3 = nn.Identity()
    backbone.body["layer1"][0].downsample[1] = nn.Identity()


@surgery
def attention_inserted_behind_a_convolution(backbone: Any, lib: Any) -> None:
    block = backbone.body["layer3"][3]
    block.conv3 = nn.Sequential(block.conv3, nn.Hardsigmoid())
    block.relu = nn.SiLU()


@surgery
def a_block_taken_out_of_a_stage(backbone: Any, lib: Any) -> None:
    del backbone.body["layer3"][4]


@surgery
def a_block_inserted_into_a_stage(backbone: Any, lib: Any) -> None:
    backbone.body["layer3"].insert(2, nn.Sequential(nn.Conv2d(1024, 1024, 1, groups=1024), nn.Tanh()))
    with torch.no_grad():
        backbone.body["layer3"][2][0].weight.fill_(0.5)
        backbone.body["layer3"][2][0].bias.zero_()


@surgery
def a_shortcut_with_weights_in_the_middle_of_a_stage(backbone: Any, lib: Any) -> None:
    block = backbone.body["layer3"][2]
    channels = block.conv3.out_channels
    shortcut = nn.Conv2d(channels, channels, 1, bias=False)
    shortcut.weight.data.copy_(torch.eye(channels).roll(1, 0)[:, :, None, None])
    block.downsample = nn.Sequential(shortcut)


@surgery
def the_finest_sum_changed_in_place(backbone: Any, lib: Any) -> None:
    backbone.fpn.layer_blocks[0] = nn.Sequential(nn.ReLU(inplace=True), backbone.fpn.layer_blocks[0])


@surgery
def strides_written_as_one_number(backbone: Any, lib: Any) -> None:
    backbone.body["layer2"][0].conv1.stride = 1
    backbone.body["layer3"][1].conv2.stride = (1,)


@surgery
def two_norms_exchanged(backbone: Any, lib: Any) -> None:
    first, second = backbone.body["layer3"][1], backbone.body["layer3"][2]
    first.bn1, second.bn1 = second.bn1, first.bn1


@surgery
def one_norm_behind_two_convolutions(backbone: Any, lib: Any) -> None:
    backbone.body["layer3"][2].bn2 = backbone.body["layer3"][1].bn2


@surgery
def convolutions_pruned(backbone: Any, lib: Any) -> None:
    for conv in (backbone.body["layer3"][1].conv2, backbone.fpn.layer_blocks[0][0], backbone.fpn.inner_blocks[0][0]):
        prune.l1_unstructured(conv, "weight", 0.5)


@surgery
def pruned_for_good(backbone: Any, lib: Any) -> None:
    convolutions_pruned(backbone, lib)
    for conv in (backbone.body["layer3"][1].conv2, backbone.fpn.layer_blocks[0][0], backbone.fpn.inner_blocks[0][0]):
        prune.remove(conv, "weight")


@surgery
def convolutions_parametrised(backbone: Any, lib: Any) -> None:
    parametrizations.weight_norm(backbone.body["layer3"][1].conv1)
    parametrizations.orthogonal(backbone.fpn.inner_blocks[1][0])


@surgery
def a_copy(backbone: Any, lib: Any) -> Any:
    other = copy.deepcopy(backbone)
    with torch.no_grad():
        for part in (*backbone.parameters(), *backbone.buffers()):
            part.mul_(1.5)  # the original's business
    return other


@surgery
def weights_loaded(backbone: Any, lib: Any) -> None:
    backbone.load_state_dict({key: value * 0.9 for key, value in backbone.state_dict().items()})


@surgery
def weights_assigned(backbone: Any, lib: Any) -> None:
    backbone.load_state_dict({key: value * 0.9 for key, value in backbone.state_dict().items()}, assign=True)


@surgery
def another_epsilon(backbone: Any, lib: Any) -> None:
    for module in backbone.modules():
        if isinstance(module, lib.FrozenBatchNorm2d):
            module.eps = 0.1


@surgery
def there_and_back_in_single_precision(backbone: Any, lib: Any) -> None:
    backbone.float()
    with torch.no_grad():
        backbone(X.float())
    backbone.double()


@surgery
def everything_frozen(backbone: Any, lib: Any) -> None:
    backbone.requires_grad_(False)
    with torch.no_grad():
        backbone(X.double())
    backbone.fpn.layer_blocks[2].requires_grad_(True)


@surgery
def frozen_changed_and_unfrozen(backbone: Any, lib: Any) -> None:
    backbone.requires_grad_(False)
    with torch.no_grad():
        backbone(X.double())
        for parameter in backbone.parameters():
            parameter.mul_(0.9)
        backbone(X.double())
    backbone.requires_grad_(True)


@surgery
def a_frozen_teacher_updated_past_autograd(backbone: Any, lib: Any) -> None:
    """As a mean teacher follows its student: `teacher.data.mul_(…)`, which raises no version."""
    backbone.requires_grad_(False)
    with torch.no_grad():
        backbone(X.double())
    for part in (*backbone.parameters(), *backbone.buffers()):
        part.data.mul_(0.9)
    with torch.no_grad():
        backbone(X.double())
    backbone.requires_grad_(True)


@surgery
def a_step_of_training(backbone: Any, lib: Any) -> None:
    optimizer = torch.optim.SGD([p for p in backbone.parameters() if p.requires_grad], 1e-3)
    sum(level.square().mean() for level in backbone(X.double()).values()).backward()
    optimizer.step()
    optimizer.zero_grad()


@surgery
def a_level_of_the_pyramid_with_a_norm(backbone: Any, lib: Any) -> None:
    backbone.fpn.inner_blocks[0].append(nn.BatchNorm2d(128).eval())


@pytest.fixture(scope="module")
def twins() -> tuple[nn.Module, nn.Module]:
    """A small ResNet-50 with a pyramid as with pretrained weights, and norms that change something."""
    torch.manual_seed(0)
    names = {f"layer{k}": str(k) for k in range(1, 5)}
    theirs, ours = (
        lib.BackboneWithFPN(
            make.ResNet(make.Bottleneck, [1, 4, 5, 1], width_per_group=16, norm_layer=lib.FrozenBatchNorm2d),
            names, [256, 512, 1024, 2048], 128,
        )
        for lib, make in ((THEIRS, torchvision.models.resnet), (OURS, frcnn_edu.model.resnet))
    )  # fmt: skip
    for backbone in (theirs, ours):
        for name in ("conv1", "layer1"):
            backbone.body[name].requires_grad_(False)
    for module in theirs.modules():
        if isinstance(module, THEIRS.FrozenBatchNorm2d):
            module.weight.uniform_(0.3, 0.6)
            module.bias.normal_(std=0.1)
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    ours.load_state_dict(theirs.state_dict())
    return ours.double(), theirs.double()


def results(backbone: nn.Module) -> list[dict[str, Tensor]]:
    """Maps without and with gradients, of two images; and the gradients."""
    with torch.no_grad():
        plain = [dict(backbone(x.double())) for x in (X, Y)]
    maps = dict(backbone(X.double()))
    generator = torch.Generator().manual_seed(0)  # of a shape, and not of a tensor, whose layout in memory would count
    upstream = [torch.randn(level.shape, generator=generator, dtype=level.dtype) for level in maps.values()]
    sum((level * given).sum() for level, given in zip(maps.values(), upstream)).backward()
    gradients = {name: p.grad for name, p in backbone.named_parameters() if p.grad is not None}
    return [*plain, {name: level.detach() for name, level in maps.items()}, gradients]


@pytest.mark.slow
@pytest.mark.parametrize("name", SURGERY)
def test_surgery_is_safe(name: str, twins: tuple[nn.Module, nn.Module]) -> None:
    def operate(backbone: Any, lib: Any) -> Any:
        with torch.no_grad():
            backbone(X.double())  # what is kept from one pass to the next is there
        torch.manual_seed(5)
        other = SURGERY[name](backbone, lib)
        return (backbone if other is None else other).double()

    expected = results(operate(copy.deepcopy(twins[1]), THEIRS))
    for before, after in (("exact", "exact"), ("fast", "fast"), ("textbook", "fast"), ("fast", "textbook")):
        backbone = operate(run_as(copy.deepcopy(twins[0]), before), OURS)
        found = results(run_as(backbone, after))
        for one, other in zip(found, expected, strict=True):
            assert one.keys() == other.keys()
            for key, value in other.items():
                scale = value.abs().max().item()
                torch.testing.assert_close(one[key], value, rtol=0, atol=1e-9 * scale, msg=f"{before}, {after}: {key}")


def test_every_part_can_be_asked_by_itself(twins: tuple[nn.Module, nn.Module]) -> None:
    """A convolution is a convolution and a norm a norm, whoever stands beside it."""
    ours, theirs = run_as(copy.deepcopy(twins[0]), "fast"), twins[1]
    with torch.no_grad():
        ours(X.double())
        block, their_block = ours.body["layer2"][1], theirs.body["layer2"][1]
        x = torch.randn(1, 512, 5, 6, dtype=torch.float64)
        for name in ("conv1", "bn3", "relu"):
            torch.testing.assert_close(getattr(block, name)(x), getattr(their_block, name)(x), rtol=0, atol=1e-12)
        norm = frcnn_edu.FrozenBatchNorm2d(512).double()
        assert not torch.equal(block.bn3(x), norm(x))
