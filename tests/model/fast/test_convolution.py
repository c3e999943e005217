"""Convolutions that take over the norm behind them, and that multiply less where they can."""

import copy
from collections.abc import Callable
from functools import wraps

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frcnn_edu import FrozenBatchNorm2d, run_as
from frcnn_edu.model.fast import place, plain
from frcnn_edu.model.fast.batch_norm import ExactFrozenBatchNorm2d
from frcnn_edu.model.fast.convolution import convolve, run_in_order, winograd_pays


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


class Fast(nn.Sequential):
    """The same layers, the norm taken together with the convolution."""

    def forward(self, x: Tensor) -> Tensor:
        return run_in_order(self, x)


def fast(layers: nn.Sequential) -> Fast:
    layers = Fast(*copy.deepcopy(layers))
    layers[1].__class__ = ExactFrozenBatchNorm2d
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
    layers = fast(make_layers())
    x = torch.randn(1, 4, 9, 8, dtype=torch.float64)
    called = []
    layers[1].forward = lambda x: called.append(x)  # then it is not plain any more, and is called
    assert run_in_order(layers[:2], x) is None
    assert len(called) == 1
    del layers[1].forward
    run_in_order(layers[:2], x)
    assert len(called) == 1


def test_winograd_for_large_maps_of_many_channels_only() -> None:
    """It rounds differently, which tells what was used; outputs and gradients agree."""
    plain = make_layers(128, 128)
    layers = fast(plain)
    large, small = (torch.randn(1, 128, side, side, dtype=torch.float64) for side in (40, 8))
    for x, frozen, winograd in ((small, False, False), (large, False, True), (large, True, True)):
        plain[0].weight.requires_grad_(not frozen)
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


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_winograd_has_too_few_digits_in_half_precision(dtype: torch.dtype) -> None:
    conv, x = nn.Conv2d(128, 128, 3, padding=1).to(dtype), torch.randn(1, 128, 40, 40).to(dtype)
    assert winograd_pays(conv.float(), x.float())
    assert torch.equal(convolve(conv.to(dtype), x), conv(x))


def test_a_convolution_that_somebody_has_replaced_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    layers, original = make_layers(128, 128), F.conv2d
    x = torch.randn(1, 128, 40, 40, dtype=torch.float64)
    monkeypatch.setattr(F, "conv2d", lambda x, weight, *rest: original(x, weight.tanh(), *rest))
    assert torch.allclose(fast(layers)(x), layers(x), rtol=0, atol=1e-10)
    assert not torch.equal(layers[0](x), original(x, layers[0].weight, padding=1))


def test_replaced_before_this_package_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not plain._is_replaced(nn.Conv2d, "forward")
    original = nn.Conv2d.forward

    @wraps(original)
    def standardised(conv: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        return original(conv, x - x.mean())

    monkeypatch.setattr(nn.Conv2d, "forward", standardised)
    assert plain._is_replaced(nn.Conv2d, "forward")
    written = plain._Written(nn.Conv2d, *[plain._attributes(nn.Conv2d)] * 2, files={})
    monkeypatch.setitem(plain._AS_WRITTEN, nn.Conv2d, written)
    assert not plain.is_plain(nn.Conv2d(1, 1, 1), nn.Conv2d)


def test_the_smaller_of_weights_and_map_is_scaled() -> None:
    plain = make_layers(16, 16, stride=2)  # 16 · 3 · 3 = 144 weights for each channel
    layers = fast(plain)
    for side, map_is_smaller in ((22, True), (23, False), (24, False)):  # 11 · 11 = 121 cells, and 12 · 12 = 144
        x = torch.randn(1, 16, side, side, dtype=torch.float64)
        scaled_map = torch.addcmul(plain[1].scale_and_shift()[1][:, None, None], plain[0](x),
                                   plain[1].scale_and_shift()[0][:, None, None]).relu()  # fmt: skip
        assert torch.allclose(layers(x), plain(x), rtol=0, atol=1e-12)
        assert torch.equal(layers(x), scaled_map) == map_is_smaller


def test_channels_of_small_maps_are_each_in_one_piece() -> None:
    layers = fast(make_layers(16, 16))
    for side, in_one_piece in ((11, True), (12, False)):  # 121 cells, and 144, for 144 weights
        x = torch.randn(1, 16, side, side, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
        assert layers(x).is_contiguous() == in_one_piece
        assert layers(x).is_contiguous(memory_format=torch.channels_last) != in_one_piece


def test_scale_and_shift_are_cached_but_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = fast(make_layers())
    assert layers[1].scale_and_shift()[0] is not layers[1].scale_and_shift()[0]
    monkeypatch.setattr(place, "on_cpu", lambda x: False)
    scale, _ = layers[1].scale_and_shift()
    assert layers[1].scale_and_shift()[0] is scale
    layers[1].running_var.data.mul_(2)  # which nobody can notice
    assert layers[1].scale_and_shift()[0] is scale
    run_as(layers, "fast")
    assert not torch.equal(layers[1].scale_and_shift()[0], scale)


def test_cached_values_serve_a_backward_pass_after_inference_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "on_cpu", lambda x: False)
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
    "weights written past autograd": lambda layers: layers[0].weight.data.mul_(0.5),
    "a buffer written past autograd": lambda layers: layers[1].running_var.data.mul_(2),
    "a buffer of the norm": lambda layers: layers[1].running_mean.add_(1),
    "eps": lambda layers: setattr(layers[1], "eps", 0.0),
    "precision": lambda layers: layers.float(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("size", [6, 40], ids=["plain", "Winograd"])
def test_whatever_changes_counts(change: str, mode: Callable, size: int) -> None:
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


def test_a_frozen_norm_made_to_learn_is_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "on_cpu", lambda x: False)
    norm = fast(make_layers())[1]
    weight = norm.weight.clone()
    del norm.weight
    norm.weight = nn.Parameter(weight)
    norm(torch.ones(1, len(weight), 2, 2, dtype=weight.dtype)).sum().backward()
    assert norm.weight.grad is not None
    assert norm.weight.grad.abs().sum() > 0
