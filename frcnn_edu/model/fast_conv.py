"""A convolution that takes over the frozen BatchNorm behind it, and spares multiplications where it can."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from ..ops.winograd import conv3x3
from .frozen_batch_norm import FrozenBatchNorm2d
from .kept import Kept


class FastConv2d(nn.Conv2d):
    """`Conv2d`, with less work for the same result up to rounding; with `exact` it is nothing but `Conv2d`.

    A frozen BatchNorm behind it becomes its business: scale · (W ∗ x) + shift = (scale · W) ∗ x + shift. Where the weights
    are fewer than the numbers in the map, they are scaled, and the map is not touched again, neither in the forward pass nor
    in the backward pass; weights that are not trained (`requires_grad_(False)`) are scaled once. Where they are more, the map is
    scaled.

    On a CPU a 3×3 convolution of a large map takes Winograd's way.

    Args:
        conv: gives its settings and its parameters.
        norm: stays where it is in the model, with its buffers, and lets everything through. None: there is none.
    """

    def __init__(self, conv: nn.Conv2d, norm: FrozenBatchNorm2d | None = None) -> None:
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,  # type: ignore[arg-type]
            conv.stride,  # type: ignore[arg-type]
            conv.padding,  # type: ignore[arg-type]
            conv.dilation,  # type: ignore[arg-type]
            conv.groups,
            padding_mode=conv.padding_mode,
            device="meta",
        )
        self.weight, self.bias = conv.weight, conv.bias
        self.norm = (norm,)  # within a tuple, as it has its place in the model, and in the state dict, already
        if norm is not None:
            norm.folded = True
        self.exact = False
        self._kept = Kept()

    def forward(self, x: Tensor) -> Tensor:
        if self.exact:
            return super().forward(x)
        winograd = self._winograd_pays(x)
        convolve = conv3x3 if winograd else self._conv_forward
        norm = self.norm[0]
        if norm is None:
            return convolve(x, self.weight, self.bias)
        scale, shift = norm.scale_and_shift()
        if self._map_is_smaller(x):
            if x.device.type == "cpu" and not winograd and self.kernel_size != (1, 1):
                x = x.contiguous()  # few cells and many channels: a CPU likes those better one after another
            return torch.addcmul(shift[:, None, None], convolve(x, self.weight, self.bias), scale[:, None, None])

        def scaled() -> Tensor:
            return self.weight * scale[:, None, None, None]

        weight = scaled() if self.weight.requires_grad else self._kept(scaled, self.weight, scale)
        return convolve(x, weight, shift if self.bias is None else self.bias * scale + shift)

    def _map_is_smaller(self, x: Tensor) -> bool:
        """Whether a channel of the output has fewer cells than there are weights for it."""
        cells = x[:, 0, :: self.stride[0], :: self.stride[1]].numel()
        return cells < self.weight[0].numel()

    def _winograd_pays(self, x: Tensor) -> bool:
        """Whether the map is so large, and so deep, that its transform costs less than it spares."""
        same_size = (self.kernel_size, self.stride, self.padding) == ((3, 3), (1, 1), (1, 1))
        plain = same_size and self.dilation == (1, 1) and self.groups == 1 and self.padding_mode == "zeros"
        here = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu") and not torch.compiler.is_compiling()
        depth = min(self.in_channels, self.out_channels)
        return plain and here and depth >= 128 and x[:, 0].numel() >= 3 * depth


def use_fast_convolutions(model: nn.Module) -> None:
    """Puts a `FastConv2d` in the place of each `Conv2d`, together with the `FrozenBatchNorm2d` that comes next, if one does.

    Next is meant in the order of a module's children, in which torchvision's bodies call them.
    """
    for module in list(model.modules()):
        children = [*module.named_children(), ("", None)]
        for (name, conv), (_, following) in pairwise(children):
            if type(conv) is nn.Conv2d:
                setattr(module, name, FastConv2d(conv, following if isinstance(following, FrozenBatchNorm2d) else None))
