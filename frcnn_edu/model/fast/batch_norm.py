"""Frozen BatchNorm that works out its scale and shift once."""

from torch import Tensor

from ..frozen_batch_norm import FrozenBatchNorm2d
from .cache import cache_of


class ExactFrozenBatchNorm2d(FrozenBatchNorm2d):
    """The textbook's numbers; what follows from the buffers alone is kept until one of them changes."""

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        buffers = (self.weight, self.bias, self.running_mean, self.running_var)
        return cache_of(self)(super().scale_and_shift, *buffers, also=self.eps)
