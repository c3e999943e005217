"""A pyramid that does not hold its largest sum for the backward pass."""

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from ..fpn import FeaturePyramidNetwork
from .plain import is_overridden, is_plain_throughout
from .recomputation import Recomputed
from .resnet import FastConv2dNormActivation


class ExactFeaturePyramidNetwork(FeaturePyramidNetwork):
    """The textbook's numbers. The finest sum, one of the largest maps there are, is quickly made a second time."""

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self._may_run_twice():
            return super().forward(x)
        names, bottom_up = list(x), list(x.values())
        top_down = self.inner_blocks[-1](bottom_up[-1])
        results = [self.layer_blocks[-1](top_down)]
        for level in reversed(range(1, len(bottom_up) - 1)):
            top_down = self._merge(level, bottom_up[level], top_down)
            results.insert(0, self.layer_blocks[level](top_down))
        if len(bottom_up) > 1:
            merge = partial(self._merge, 0, bottom_up[0], top_down)
            finest = merge()
            with Recomputed(merge).instead_of(finest):
                results.insert(0, self.layer_blocks[0](finest))
        if self.extra_blocks is not None:
            results, names = self.extra_blocks(results, bottom_up, names)
        return dict(zip(names, results))

    def _merge(self, level: int, bottom_up: Tensor, top_down: Tensor) -> Tensor:
        """What a level adds itself, and what comes down to it: (N, out_channels, H, W)."""
        lateral = self.inner_blocks[level](bottom_up)
        return lateral.add_(F.interpolate(top_down, size=lateral.shape[-2:], mode="nearest"))

    def _may_run_twice(self) -> bool:
        """Whether the laterals are convolutions and nothing else: a BatchNorm that learns would count its batches twice."""
        return not is_overridden(self) and all(
            is_plain_throughout(block, nn.Conv2d, Conv2dNormActivation, FastConv2dNormActivation)
            for block in self.inner_blocks
        )
