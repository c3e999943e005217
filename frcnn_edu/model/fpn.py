"""C2…C5 → P2…P5 and "pool": a pyramid in which every level knows what the deepest one knows."""

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
        extra_blocks: makes further levels from the last one; the detector uses `LastLevelMaxPool`.
        norm_layer: normalisation after each convolution, or none.

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
            # The maps of a backbone have 256 to 2048 channels; to be added up they need the same number. 1×1 does that.
            # No activation: a lateral may be negative, for it is added to what comes from above.
            lateral = Conv2dNormActivation(
                in_channels,
                out_channels,
                kernel_size=1,
                padding=0,
                norm_layer=norm_layer,
                activation_layer=None,
            )
            # The copies that upsampling makes of a cell look alike; a 3×3 lets them look around.
            smooth = Conv2dNormActivation(
                out_channels, out_channels, kernel_size=3, norm_layer=norm_layer, activation_layer=None
            )
            self.inner_blocks.append(lateral)  # torchvision's names: inner_blocks are the laterals,
            self.layer_blocks.append(smooth)  # layer_blocks the 3×3 convolutions
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=1)  # as for a layer without ReLU
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        self.extra_blocks = extra_blocks

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        """Maps (N, Cᵢ, Hᵢ, Wᵢ), finest first → maps (N, out_channels, Hᵢ, Wᵢ) of the same names, and the extra levels."""
        names, bottom_up = list(x), list(x.values())  # finest first; we go through them from the coarsest
        top_down = self.inner_blocks[-1](bottom_up[-1])  # the coarsest level has nothing above it
        results = [self.layer_blocks[-1](top_down)]
        for level in reversed(range(len(bottom_up) - 1)):
            lateral = self.inner_blocks[level](bottom_up[level])  # (N, out_channels, Hᵢ, Wᵢ)
            # To the lateral's own size: a map of 25 rows lies below one of 13, and 2 · 13 would be 26.
            top_down = lateral + F.interpolate(top_down, size=lateral.shape[-2:], mode="nearest")
            # The 3×3 sees the sum, and what goes further down is the sum as well, not what the 3×3 made of it.
            results.insert(0, self.layer_blocks[level](top_down))
        if self.extra_blocks is not None:  # levels for objects that are too large for P5
            results, names = self.extra_blocks(results, bottom_up, names)
        return dict(zip(names, results))

    def get_result_from_inner_blocks(self, x: Tensor, idx: int) -> Tensor:
        """One lateral, by the name that torchvision's subclasses call it by."""
        return self.inner_blocks[idx](x)

    def get_result_from_layer_blocks(self, x: Tensor, idx: int) -> Tensor:
        """One smoothing, likewise."""
        return self.layer_blocks[idx](x)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        if local_metadata.get("version", 1) < 2:  # as the published weights are
            for block in ("inner_blocks", "layer_blocks"):
                for level in range(len(self.inner_blocks)):
                    rename_old_keys(state_dict, f"{prefix}{block}.{level}", f"{prefix}{block}.{level}.0")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


class LastLevelMaxPool(ExtraFPNBlock):
    """One more level, "pool", for the largest anchors: every second row and column of the last one."""

    def forward(self, x: list[Tensor], y: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        # A 1×1 window with stride 2: it subsamples, and takes no maximum of anything.
        return [*x, F.max_pool2d(x[-1], kernel_size=1, stride=2)], [*names, "pool"]


def rename_old_keys(state_dict: dict[str, Any], old: str, new: str) -> None:
    """Moves `old.weight` and `old.bias` to `new.weight` and `new.bias` where an old checkpoint has them."""
    for name in ("weight", "bias"):  # in place: the dict is PyTorch's own copy of the caller's
        if f"{old}.{name}" in state_dict:
            state_dict[f"{new}.{name}"] = state_dict.pop(f"{old}.{name}")
