"""A pyramid that recomputes its largest sum in the backward pass instead of saving it."""

from contextlib import nullcontext
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from ..fpn import FeaturePyramidNetwork
from .plain import is_overridden, is_plain_throughout
from .recomputation import Recomputed, may_hold_less
from .resnet import FastConv2dNormActivation


class ExactFeaturePyramidNetwork(FeaturePyramidNetwork):
    """The textbook's numbers. The finest sum, one of the largest maps, is cheap to recompute."""

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        if is_overridden(self) or not all(map(_is_one_convolution, self.inner_blocks)):
            return super().forward(x)
        names, bottom_up = list(x), list(x.values())
        top_down = self.inner_blocks[-1](bottom_up[-1])
        results = [self.layer_blocks[-1](top_down)]
        for level in reversed(range(1, len(bottom_up) - 1)):
            top_down = self._merge(level, bottom_up[level], top_down)
            results.insert(0, self.layer_blocks[level](top_down))
        if len(bottom_up) > 1:
            finest = self._merge(0, bottom_up[0], top_down)
            may_run_twice = may_hold_less() and _is_one_convolution(self.layer_blocks[0])
            again = _again(self.inner_blocks[0], bottom_up[0], top_down) if may_run_twice else None
            with again.instead_of(finest) if again else nullcontext():
                results.insert(0, self.layer_blocks[0](finest))
        if self.extra_blocks is not None:
            results, names = self.extra_blocks(results, bottom_up, names)
        return dict(zip(names, results))

    def _merge(self, level: int, bottom_up: Tensor, top_down: Tensor) -> Tensor:
        """The sum of a level's lateral and the upsampled level above: (N, out_channels, H, W)."""
        return _add(self.inner_blocks[level](bottom_up), top_down)


def _add(lateral: Tensor, top_down: Tensor) -> Tensor:
    return lateral.add_(F.interpolate(top_down, size=lateral.shape[-2:], mode="nearest"))


def _is_one_convolution(block: nn.Module) -> bool:
    kinds = (nn.Conv2d, Conv2dNormActivation, FastConv2dNormActivation)
    return is_plain_throughout(block, *kinds) and len(_convolutions(block)) == 1


def _convolutions(block: nn.Module) -> list[Any]:
    return [part for part in block.modules() if isinstance(part, nn.Conv2d)]


def _again(block: nn.Module, bottom_up: Tensor, top_down: Tensor) -> Recomputed:
    """A recipe for the finest sum that keeps the current weights: they may change before the backward pass."""
    (conv,) = _convolutions(block)
    weight, bias = (None if each is None else each.detach() for each in (conv.weight, conv.bias))
    return Recomputed(lambda: _add(conv._conv_forward(bottom_up, weight, bias), top_down))
