"""Batch normalisation that has stopped learning."""

from typing import Any

import torch
from torch import Tensor, nn

from .kept import Kept


class FrozenBatchNorm2d(nn.Module):
    """BatchNorm2d whose statistics and affine parameters are constants: a scale and a shift for each channel.

    Detectors train with one or two images a GPU, too few for batch statistics, so a pretrained body keeps those of
    its own training.

    Args:
        num_features: channels C of the input (N, C, H, W).
        eps: added to the variance. The published v1 COCO weights were trained with 0.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(num_features))
        self.register_buffer("bias", torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.folded = False  # into the convolution before it (see `FastConv2d`), which then does this layer's work
        self.exact = False
        self._kept = Kept()

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        state_dict.pop(prefix + "num_batches_tracked", None)  # BatchNorm2d counts its batches; frozen, there are none
        super()._load_from_state_dict(state_dict, prefix, *args)

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """What the layer multiplies each channel by, and what it adds: (C,), (C,)."""
        buffers = (self.weight, self.bias, self.running_mean, self.running_var)
        return self._kept(self._scale_and_shift, *buffers, also=self.eps)

    def _scale_and_shift(self) -> tuple[Tensor, Tensor]:
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        return scale, self.bias - self.running_mean * scale

    def forward(self, x: Tensor) -> Tensor:
        if self.folded and not self.exact:
            return x
        scale, shift = self.scale_and_shift()
        return x * scale[:, None, None] + shift[:, None, None]

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, eps={self.eps}" + (
            ", folded into the convolution before it" if self.folded else ""
        )
