"""A backbone whose maps have the memory layout that is fastest on a CPU."""

import torch
from torch import Tensor

from ..backbone import BackboneWithFPN, IntermediateLayerGetter
from ..timm_backbone import TimmBackbone
from . import place
from .convolution import run_in_order
from .plain import is_overridden


class FastIntermediateLayerGetter(IntermediateLayerGetter):
    """The same children in the same order; each convolution is combined with the frozen BatchNorm that follows it."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        if is_overridden(self):
            return super().forward(x)
        outputs, pending = {}, []
        for name, layer in self.items():
            pending.append(layer)
            if name in self.return_layers:
                x = run_in_order(pending, x)
                pending = []
                outputs[self.return_layers[name]] = x
        return outputs


class FastBackboneWithFPN(BackboneWithFPN):
    """On a CPU, images and all maps are stored channels-last: the channels of a pixel are adjacent in memory.

    Convolutions and RoIAlign are faster in this layout.
    """

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        if (
            not is_overridden(self)
            and place.on_cpu(x)
            and isinstance(self.body, IntermediateLayerGetter | TimmBackbone)
        ):
            x = x.contiguous(memory_format=torch.channels_last)
        return super().forward(x)
