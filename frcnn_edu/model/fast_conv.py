"""A convolution that takes over the frozen BatchNorm behind it, and spares multiplications where it can."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from ..ops.winograd import conv3x3, convolve, transform_weight
from .frozen_batch_norm import FrozenBatchNorm2d
from .kept import Kept, computed_again_for_backward


class FastConv2d(nn.Conv2d):
    """`Conv2d`, with less work for the same result up to rounding; with `exact` it is nothing but `Conv2d`.

    A frozen BatchNorm behind it is folded into it: scale · (W ∗ x) + shift = (scale · W) ∗ x + shift. The weights are a few
    numbers, the map is millions, and it is not touched again: neither in the forward pass nor in the backward pass.

    Without gradient the weights stay the same from one forward pass to the next, so what is made from them is kept; and
    on a CPU a 3×3 convolution of a large map takes Winograd's way.

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
        self._give_up_what_is_kept()

    def forward(self, x: Tensor) -> Tensor:
        if self.exact:
            return super().forward(x)
        norm = self.norm[0]
        scale, shift = (None, None) if norm is None else norm.scale_and_shift()
        winograd = self._winograd_pays(x)
        if torch.is_grad_enabled() and (self.weight.requires_grad or (winograd and x.requires_grad)):
            weight, bias = self._fold(scale, shift)
            with computed_again_for_backward(weight, lambda: self._fold(scale, shift)[0]):
                return (conv3x3 if winograd else self._conv_forward)(x, weight, bias)
        made_from = (self.weight, self.bias, scale, shift)
        if winograd:
            return convolve(x, *self._kept_winograd(lambda: self._fold_and_transform(scale, shift), *made_from))
        return self._conv_forward(x, *self._kept(lambda: self._fold(scale, shift), *made_from))

    def _fold(self, scale: Tensor | None, shift: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if scale is None or shift is None:
            return self.weight, self.bias
        return self.weight * scale[:, None, None, None], shift if self.bias is None else self.bias * scale + shift

    def _fold_and_transform(self, scale: Tensor | None, shift: Tensor | None) -> tuple[Tensor, Tensor | None]:
        weight, bias = self._fold(scale, shift)
        return transform_weight(weight), bias

    def _winograd_pays(self, x: Tensor) -> bool:
        """Whether the map is so large, and so deep, that its transform costs less than it spares."""
        same_size = (self.kernel_size, self.stride, self.padding) == ((3, 3), (1, 1), (1, 1))
        plain = same_size and self.dilation == (1, 1) and self.groups == 1 and self.padding_mode == "zeros"
        here = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu") and not torch.compiler.is_compiling()
        depth = min(self.in_channels, self.out_channels)
        return plain and here and depth >= 128 and x[:, 0].numel() >= 8 * depth

    def train(self, mode: bool = True) -> "FastConv2d":
        """As of any module. What evaluation has kept would only take room in training, and the reverse."""
        if mode != self.training:
            self._give_up_what_is_kept()
        return super().train(mode)

    def _give_up_what_is_kept(self) -> None:
        self._kept, self._kept_winograd = Kept(), Kept()


def use_fast_convolutions(model: nn.Module) -> None:
    """Puts a `FastConv2d` in the place of each `Conv2d`, together with the `FrozenBatchNorm2d` that comes next, if one does.

    Next is meant in the order of a module's children, in which torchvision's bodies call them.
    """
    for module in list(model.modules()):
        children = [*module.named_children(), ("", None)]
        for (name, conv), (_, following) in pairwise(children):
            if type(conv) is nn.Conv2d:
                setattr(module, name, FastConv2d(conv, following if isinstance(following, FrozenBatchNorm2d) else None))
