"""C2…C5 → P2…P5 and "pool": a pyramid in which every level has the information of the deepest one."""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from ..checks.arguments import check_arguments
from ..checks.rules import instance_of, optional


class FeaturePyramidNetwork(nn.Module):
    """Lateral 1×1 convolutions, a top-down path by nearest upsampling, and a 3×3 convolution on each sum.

    Args:
        in_channels_list: channels of each input map, finest first: 256, 512, 1024, 2048 for ResNet-50.
        out_channels: channels of every output map.
        extra_blocks: module that computes further levels from the last one; the detector uses `LastLevelMaxPool`.
        norm_layer: normalisation after each convolution, or None.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: Feature Pyramid Networks (Lin et al. 2017), section 3; `torchvision/ops/feature_pyramid_network.py`.
    """

    _version = 2  # version 1 named its weights inner_blocks.0.weight, version 2 inner_blocks.0.0.weight

    def __init__(
        self,
        in_channels_list: list[int],
        out_channels: int,
        extra_blocks: ExtraFPNBlock | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        check_arguments(locals(), extra_blocks=optional(instance_of(ExtraFPNBlock)))
        self.inner_blocks = nn.ModuleList()
        self.layer_blocks = nn.ModuleList()
        for in_channels in in_channels_list:
            # The maps of a backbone have 256 to 2048 channels; a 1×1 convolution gives all of them
            # the same number. No activation: the terms of a sum may be negative.
            lateral = Conv2dNormActivation(
                in_channels,
                out_channels,
                kernel_size=1,
                padding=0,
                norm_layer=norm_layer,
                activation_layer=None,
            )
            # Nearest upsampling copies cells; a 3×3 convolution smooths the sum.
            smooth = Conv2dNormActivation(
                out_channels, out_channels, kernel_size=3, norm_layer=norm_layer, activation_layer=None
            )
            self.inner_blocks.append(lateral)  # torchvision's names: inner_blocks are the laterals,
            self.layer_blocks.append(smooth)  # and layer_blocks the 3×3 convolutions
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=1)  # as for a layer without ReLU
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        self.extra_blocks = extra_blocks

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        """Maps (N, Cᵢ, Hᵢ, Wᵢ), finest first → maps (N, out_channels, Hᵢ, Wᵢ) with the same names, and the extra levels."""
        names, bottom_up = list(x), list(x.values())  # finest first
        top_down = self.inner_blocks[-1](bottom_up[-1])  # start at the coarsest level
        results = [self.layer_blocks[-1](top_down)]
        for level in reversed(range(len(bottom_up) - 1)):
            lateral = self.inner_blocks[level](bottom_up[level])  # (N, out_channels, Hᵢ, Wᵢ)
            # Upsample to the lateral's exact size: 13 rows may become 25, not 2 · 13 = 26.
            top_down = lateral + F.interpolate(top_down, size=lateral.shape[-2:], mode="nearest")
            # The 3×3 is applied to the sum, and the next level also starts from the sum.
            results.insert(0, self.layer_blocks[level](top_down))
        if self.extra_blocks is not None:  # levels for objects that are too large for P5
            results, names = self.extra_blocks(results, bottom_up, names)
        return dict(zip(names, results))

    def get_result_from_inner_blocks(self, x: Tensor, idx: int) -> Tensor:
        """The lateral convolution of a level, under the name that subclasses of torchvision's class use."""
        return self.inner_blocks[idx](x)

    def get_result_from_layer_blocks(self, x: Tensor, idx: int) -> Tensor:
        """The 3×3 convolution of a level, likewise."""
        return self.layer_blocks[idx](x)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        if local_metadata.get("version", 1) < 2:  # the published weights are version 1
            for block in ("inner_blocks", "layer_blocks"):
                for level in range(len(self.inner_blocks)):
                    rename_old_keys(state_dict, f"{prefix}{block}.{level}", f"{prefix}{block}.{level}.0")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


class LastLevelMaxPool(ExtraFPNBlock):
    """One more level, "pool", for the largest anchors: every second row and column of the last level."""

    def forward(self, x: list[Tensor], y: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        # A 1×1 window with stride 2 only subsamples; there is nothing to take a maximum of.
        return [*x, F.max_pool2d(x[-1], kernel_size=1, stride=2)], [*names, "pool"]


def rename_old_keys(state_dict: dict[str, Any], old: str, new: str) -> None:
    """Moves `old.weight` and `old.bias` to `new.weight` and `new.bias` where an old checkpoint has them."""
    for name in ("weight", "bias"):  # in place: PyTorch has already copied the caller's dict
        if f"{old}.{name}" in state_dict:
            state_dict[f"{new}.{name}"] = state_dict.pop(f"{old}.{name}")
