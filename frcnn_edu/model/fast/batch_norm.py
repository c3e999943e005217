"""Frozen BatchNorm that works out its scale and shift once, where starting a kernel costs more than its work."""

from torch import Tensor

from ..frozen_batch_norm import FrozenBatchNorm2d
from . import place
from .cache import cache_of
from .plain import is_overridden


class ExactFrozenBatchNorm2d(FrozenBatchNorm2d):
    """The textbook's numbers.

    On a GPU what follows from the buffers alone is kept until one of them changes: five small kernels less for each norm. (Write
    into the buffers themselves, not into their `.data`, or call `run_as` again: it forgets what is kept.) On a CPU they cost a
    thousandth of a forward pass, and nothing is kept.
    """

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        buffers = (self.weight, self.bias, self.running_mean, self.running_var)
        # Somebody may have made parameters of them, which learn.
        if place.on_cpu(self.weight) or is_overridden(self) or any(buffer.requires_grad for buffer in buffers):
            return super().scale_and_shift()
        return cache_of(self)(super().scale_and_shift, *buffers, also=self.eps)
