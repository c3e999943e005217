"""Batch normalisation with constant statistics and parameters."""

from typing import Any

import torch
from torch import Tensor, nn

from ..checks.arguments import check_arguments


class FrozenBatchNorm2d(nn.Module):
    """BatchNorm2d whose statistics and affine parameters are constants: a scale and a shift for each channel.

    Detectors train with one or two images per GPU, too few for batch statistics, so a pretrained backbone keeps the
    statistics of its pretraining.

    Args:
        num_features: number of channels, C, of the input (N, C, H, W).
        eps: constant added to the variance. The published v1 COCO weights were trained with 0.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: `torchvision/ops/misc.py`.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        check_arguments(locals())
        self.eps = eps  # avoids a division by 0 for a constant channel
        # Buffers, not parameters: saved and moved with the model, but not updated by an optimizer.
        self.register_buffer("weight", torch.ones(num_features))
        self.register_buffer("bias", torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        state_dict.pop(prefix + "num_batches_tracked", None)  # a counter that only BatchNorm2d has
        super()._load_from_state_dict(state_dict, prefix, *args)

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """The factor and the summand of each channel: (C,), (C,)."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        # x = mean has to give bias.
        return scale, self.bias - self.running_mean * scale

    def forward(self, x: Tensor) -> Tensor:
        # weight · (x − mean) / √(variance + eps) + bias, regrouped: all but x is constant.
        scale, shift = self.scale_and_shift()
        return x * scale[:, None, None] + shift[:, None, None]  # (C, 1, 1) against (N, C, H, W)

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, eps={self.eps}"
