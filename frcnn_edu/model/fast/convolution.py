"""A convolution combined with the frozen BatchNorm that follows it, with fewer multiplications where possible."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ..frozen_batch_norm import FrozenBatchNorm2d
from . import place
from .batch_norm import ExactFrozenBatchNorm2d
from .plain import is_plain
from .winograd import conv3x3


def conv_norm(conv: Any, norm: Any, x: Tensor) -> Tensor:
    """`norm(conv(x))`, up to rounding.

    A frozen BatchNorm is a scale and a shift: scale · (W ∗ x) + shift = (scale · W) ∗ x + shift. If there are fewer
    weights than numbers in the map, the weights are scaled, and the map is not read and written again in either pass.
    Otherwise the map is scaled.

    Modules that are not plain, and other norms, are called as they are.
    """
    if not (is_plain(conv, nn.Conv2d) and is_plain(norm, FrozenBatchNorm2d, ExactFrozenBatchNorm2d) and x.dim() == 4):
        return norm(convolve(conv, x))
    return scaled_convolution(conv, x, conv.weight, conv.bias, *norm.scale_and_shift())


def scaled_convolution(
    conv: Any, x: Tensor, weight: Tensor, bias: Tensor | None, scale: Tensor, shift: Tensor
) -> Tensor:
    """scale · (weight ∗ x + bias) + shift, with the stride, padding etc. of `conv`."""
    if _map_is_smaller(conv, x):
        if place.on_cpu(x) and not winograd_pays(conv, x) and conv.kernel_size != (1, 1):
            x = x.contiguous()  # few cells, many channels: NCHW is faster on a CPU
        return torch.addcmul(shift[:, None, None], _convolve(conv, x, weight, bias), scale[:, None, None])
    weight = weight * scale[:, None, None, None]
    return _convolve(conv, x, weight, shift if bias is None else bias * scale + shift)


def convolve(conv: Any, x: Tensor) -> Tensor:
    """`conv(x)`; on a CPU, 3×3 convolutions of large maps use Winograd's algorithm, equal up to rounding."""
    if not is_plain(conv, nn.Conv2d):
        return conv(x)
    return _convolve(conv, x, conv.weight, conv.bias)


def run_in_order(layers: Iterable[nn.Module], x: Tensor) -> Tensor:
    """Runs layers like `nn.Sequential`, but combines each convolution with the norm that follows it."""
    pending = list(layers)
    while pending:
        layer = pending.pop(0)
        if type(layer) is not nn.Conv2d:
            x = layer(x)
        elif pending and isinstance(pending[0], FrozenBatchNorm2d):
            x = conv_norm(layer, pending.pop(0), x)
        else:
            x = convolve(layer, x)
    return x


def _convolve(conv: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return conv3x3(x, weight, bias) if winograd_pays(conv, x) else conv._conv_forward(x, weight, bias)


def _map_is_smaller(conv: Any, x: Tensor) -> bool:
    """Whether an output channel has fewer cells than weights."""
    down, across = _pair(conv.stride)
    cells = x[:, 0, ::down, ::across].numel()
    return cells < conv.weight[0].numel()


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    """A stride in any form that PyTorch accepts: (2, 2), (2,) or 2."""
    values = (value,) if isinstance(value, int) else value
    return values[0], values[-1]


def winograd_pays(conv: Any, x: Tensor) -> bool:
    """Whether the map is large enough, and has enough channels, for Winograd's algorithm to save time."""
    same_size = (conv.kernel_size, conv.stride, conv.padding) == ((3, 3), (1, 1), (1, 1))
    usual = same_size and conv.dilation == (1, 1) and conv.groups == 1 and conv.padding_mode == "zeros"
    channels = min(conv.in_channels, conv.out_channels)
    return (
        usual
        and x.dim() == 4
        and x.dtype in (torch.float32, torch.float64)  # lower precisions lose too many digits
        and place.on_cpu(x)
        and not torch.is_autocast_enabled("cpu")
        and channels >= 128
        and x[:, 0].numel() >= 3 * channels
    )
