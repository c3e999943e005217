"""Convolutions that do more, or less, than they seem to."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from frcnn_edu import FastConv2d, FrozenBatchNorm2d, set_exact
from frcnn_edu.model.fast_conv import use_fast_convolutions


def make_layers(channels: int = 4, out_channels: int = 6, bias: bool = False, **settings) -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(channels, out_channels, 3, padding=1, bias=bias, **settings))
    layers.append(FrozenBatchNorm2d(out_channels))
    layers.append(nn.ReLU())
    layers[1].load_state_dict({
        "weight": torch.randn(out_channels), "bias": torch.randn(out_channels),
        "running_mean": torch.randn(out_channels), "running_var": torch.rand(out_channels) + 0.1,
    })  # fmt: skip
    return layers.double()


def fast(layers: nn.Sequential) -> nn.Sequential:
    layers = copy.deepcopy(layers)
    use_fast_convolutions(layers)
    assert isinstance(layers[0], FastConv2d)
    return layers


@pytest.mark.parametrize(
    "settings", [{}, {"bias": True}, {"stride": 2}, {"groups": 2}, {"padding_mode": "reflect"}], ids=str
)
def test_folding_changes_neither_outputs_nor_gradients(settings: dict) -> None:
    plain = make_layers(**settings)
    folded = fast(plain)
    x = torch.randn(2, 4, 9, 8, dtype=torch.float64)
    results = []
    for layers in (plain, folded):
        x = x.detach().requires_grad_()
        y = layers(x)
        (y**2).sum().backward()
        results.append([y, x.grad, *(parameter.grad for parameter in layers.parameters())])
        with torch.no_grad():
            results[-1].append(layers(x))
    assert len(results[0]) == 4 + settings.get("bias", False)
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-12)


def test_no_operation_is_left_on_the_map() -> None:
    folded = fast(make_layers())
    x = torch.randn(1, 4, 9, 8, dtype=torch.float64)
    convolved = folded[0](x)
    assert folded[1](convolved) is convolved


def test_the_state_dict_stays_as_it_was() -> None:
    plain = make_layers()
    folded = fast(plain)
    assert list(folded.state_dict()) == list(plain.state_dict())
    assert [name for name, _ in folded.named_parameters()] == ["0.weight"]


def test_exact_is_the_layers_one_after_the_other() -> None:
    plain = make_layers()
    x = torch.randn(1, 4, 9, 8, dtype=torch.float64)
    assert torch.equal(set_exact(fast(plain))(x), plain(x))


def test_winograds_way_for_large_deep_maps_only() -> None:
    """Its rounding is another, which tells which way was taken; outputs and gradients agree."""
    plain = make_layers(128, 128)
    layers = fast(plain)
    large, small = (torch.randn(1, 128, side, side, dtype=torch.float64) for side in (40, 8))
    for x, frozen, winograd in ((small, False, False), (large, False, True), (large, True, True)):
        plain[0].weight.requires_grad_(not frozen)  # which the fast one shares with its copy of it
        layers[0].weight.requires_grad_(not frozen)
        for gradient in (True, False):
            with torch.set_grad_enabled(gradient):
                y, expected = layers(x.requires_grad_()), plain(x)
            assert torch.allclose(y, expected, rtol=0, atol=1e-10)
            scale, shift = plain[1].scale_and_shift()
            direct = torch.conv2d(x, plain[0].weight * scale[:, None, None, None], shift, padding=1).relu()
            if x is small:  # fewer numbers than the weights: those are scaled
                direct = torch.addcmul(shift[:, None, None], plain[0](x), scale[:, None, None]).relu()
            assert torch.equal(y, direct) != winograd
        of_x, of_x_expected = (torch.autograd.grad(m(x).square().mean(), x)[0] for m in (layers, plain))
        assert torch.allclose(of_x, of_x_expected, rtol=0, atol=1e-12)
    assert torch.equal(set_exact(layers)(large), plain(large))


def test_the_smaller_of_weights_and_map_is_scaled() -> None:
    plain = make_layers(16, 16, stride=2)  # 16 · 3 · 3 = 144 weights for each channel
    layers = fast(plain)
    for side, map_is_smaller in ((22, True), (23, False), (24, False)):  # 11 · 11 = 121 cells, and 12 · 12 = 144
        x = torch.randn(1, 16, side, side, dtype=torch.float64)
        scaled_map = torch.addcmul(plain[1].scale_and_shift()[1][:, None, None], plain[0](x),
                                   plain[1].scale_and_shift()[0][:, None, None]).relu()  # fmt: skip
        assert torch.allclose(layers(x), plain(x), rtol=0, atol=1e-12)
        assert torch.equal(layers(x), scaled_map) == map_is_smaller


def test_small_deep_maps_have_their_channels_one_after_another() -> None:
    layers = fast(make_layers(16, 16))
    for side, one_after_another in ((11, True), (12, False)):  # 121 cells, and 144, for 144 weights
        x = torch.randn(1, 16, side, side, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
        assert layers(x).is_contiguous() == one_after_another
        assert layers(x).is_contiguous(memory_format=torch.channels_last) != one_after_another


def test_weights_that_are_not_trained_are_scaled_once() -> None:
    layers = fast(make_layers())
    x = torch.randn(1, 4, 9, 8, dtype=torch.float64)
    scale, _ = layers[1].scale_and_shift()
    assert layers[1].scale_and_shift()[0] is scale
    with torch.no_grad():
        layers(x)
        assert layers[0]._kept.value is None  # weights that are trained change all the time: it would only take room
        layers.requires_grad_(False)(x)
        weight = layers[0]._kept.value
        layers(x)
    assert layers[0]._kept.value is weight is not None


def test_kept_values_serve_a_backward_pass_after_inference_mode() -> None:
    layers = fast(make_layers()).requires_grad_(False)
    x = torch.randn(1, 4, 9, 8, dtype=torch.float64)
    with torch.inference_mode():
        layers(x)
    layers(x.requires_grad_()).sum().backward()
    assert x.grad.abs().sum() > 0


CHANGES: dict[str, Callable[[nn.Sequential], object]] = {
    "weights changed in place": lambda layers: nn.init.normal_(layers[0].weight),
    "weights loaded": lambda layers: layers.load_state_dict({k: v + 1 for k, v in layers.state_dict().items()}),
    "other data": lambda layers: setattr(layers[0].weight, "data", layers[0].weight.data.clone() + 1),
    "a buffer of the norm": lambda layers: layers[1].running_mean.add_(1),
    "eps": lambda layers: setattr(layers[1], "eps", 0.0),
    "precision": lambda layers: layers.float(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("size", [6, 40])  # plain and Winograd's way
def test_what_is_kept_is_given_up_when_something_changes(change: str, mode: Callable, size: int) -> None:
    plain = make_layers(128, 128).requires_grad_(False)
    layers = fast(plain)
    x = torch.randn(1, 128, size, size, dtype=torch.float64)
    with mode():
        before = layers(x)
    for version in (plain, layers):
        torch.manual_seed(0)
        CHANGES[change](version)
    with mode():
        after, expected = (version(x.to(version[0].weight.dtype)) for version in (layers, plain))
    tolerance = 1e-10 if after.dtype == torch.float64 else 1e-2
    assert torch.allclose(after, expected, rtol=0, atol=tolerance)
    assert change in ("precision", "eps") or not torch.allclose(before, after, atol=1e-3)


def test_a_copy_is_independent() -> None:
    layers = fast(make_layers()).eval()
    x = torch.randn(1, 4, 9, 8, dtype=torch.float64)
    with torch.no_grad():
        before = layers(x)
        other = copy.deepcopy(layers)
        other[1].bias.add_(1)
        other[0].weight.mul_(2)
        assert not torch.allclose(other(x), before)
        assert torch.equal(layers(x), before)


def test_pairs_are_found_as_torchvision_calls_them() -> None:
    from torchvision.models import mobilenet_v3_large, resnet18, resnet50

    for build, expected in ((resnet18, 20), (resnet50, 53), (mobilenet_v3_large, 46)):
        with torch.device("meta"):
            model = build(weights=None, norm_layer=FrozenBatchNorm2d)
        use_fast_convolutions(model)
        norms = [module for module in model.modules() if isinstance(module, FrozenBatchNorm2d)]
        folded = [m.norm[0] for m in model.modules() if isinstance(m, FastConv2d) and m.norm[0] is not None]
        assert len(norms) == expected
        assert folded == norms
