"""Proposals of any size → 7×7 features, each read from the pyramid level of the right scale."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import MultiScaleRoIAlign as TorchvisionMultiScaleRoIAlign
from torchvision.ops import roi_align

from ..checks.arguments import check_arguments
from ..checks.rules import whole
from ..ops.boxes import box_area
from .transform import Size


class LevelMapper:
    """Chooses a pyramid level for each box: k = ⌊k₀ + log₂(√(w·h) / 224)⌋, clamped to the available levels.

    A box of 224×224, the size of an ImageNet image, is assigned to P4 (k₀ = 4), and one with half that side to P3.

    Args:
        k_min, k_max: finest and coarsest level, 2 and 5 for P2…P5.
        canonical_scale, canonical_level: 224 and k₀ in the formula.
        eps: small number, added *after* the logarithm, so that a box that only rounding has made slightly too small does not
            get a lower level.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: Feature Pyramid Networks, equation 1; `torchvision/ops/poolers.py`.
    """

    def __init__(
        self, k_min: int, k_max: int, canonical_scale: int = 224, canonical_level: int = 4, eps: float = 1e-6
    ) -> None:
        check_arguments(locals(), k_min=whole, k_max=whole)
        if k_min > k_max:
            raise ValueError(f"maps must be ordered from fine to coarse, got level {k_min} first and {k_max} last")
        self.k_min = k_min
        self.k_max = k_max
        self.s0 = canonical_scale
        self.lvl0 = canonical_level
        self.eps = eps

    def __call__(self, boxlists: list[Tensor]) -> Tensor:
        """Boxes of each image, (Nᵢ, 4) → (ΣNᵢ,) int64: 0 for level `k_min`, 1 for the next …"""
        side = box_area(torch.cat(boxlists)).sqrt()
        # log₂: a box with twice the side goes one level up, where it spans the same number of cells.
        level = torch.floor(self.lvl0 + torch.log2(side / self.s0) + self.eps)
        # Levels below the finest are raised to it, and levels above the coarsest are lowered to it.
        return level.clamp(min=self.k_min, max=self.k_max).to(torch.int64) - self.k_min


# It is a subclass only so that torchvision's FasterRCNN, which checks the type, accepts it. Every
# method is written here.
class MultiScaleRoIAlign(TorchvisionMultiScaleRoIAlign):
    """RoIAlign from a feature pyramid, or from a single map.

    Args:
        featmap_names: names of the maps to pool from, finest first. "pool" is used only by the RPN.
        output_size: number of bins, (rows, columns) or one number for both.
        sampling_ratio: number of samples along each side of a bin, which is the mean of sampling_ratio² bilinear samples.
        canonical_scale, canonical_level: arguments of the `LevelMapper`.

    The scale of each map (1/4, 1/8, …) is inferred from the first batch and then kept.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: Mask R-CNN, section 3; `torchvision/ops/poolers.py`.
    """

    def __init__(
        self,
        featmap_names: list[str],
        output_size: int | Sequence[int],
        sampling_ratio: int,
        *,
        canonical_scale: int = 224,
        canonical_level: int = 4,
    ) -> None:
        nn.Module.__init__(self)
        check_arguments(locals())
        self.featmap_names = featmap_names  # "0" … "3"
        self.output_size = tuple(output_size) if isinstance(output_size, Sequence) else (output_size, output_size)
        self.sampling_ratio = sampling_ratio
        self.canonical_scale = canonical_scale
        self.canonical_level = canonical_level
        self.scales: list[float] | None = None  # one per map; 1/4 for stride 4
        self.map_levels: LevelMapper | None = None  # both are set by the first batch

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[Size]) -> Tensor:
        """Features inside each box, (ΣNᵢ, C, rows, columns).

        Args:
            x: maps (N, C, H, W) by name, finest first.
            boxes: (Nᵢ, 4) for each image, in pixels of the resized image.
            image_shapes: (height, width) of each image without padding.

        Raises:
            ValueError: none of `featmap_names` is among the maps.
        """
        # Without "pool", which only the RPN uses.
        maps = [features for name, features in x.items() if name in self.featmap_names]
        if not maps:
            raise ValueError(f"RoIAlign pools from the maps {self.featmap_names}, but the backbone returned {list(x)}")
        if self.scales is None or self.map_levels is None:  # inferred once, then kept
            self.scales, self.map_levels = self._setup_scales(maps, image_shapes)

        rois = convert_to_roi_format(boxes)  # (ΣNᵢ, 5)
        if len(maps) == 1:  # no pyramid, so no level to choose
            return self._pool(maps[0], rois, self.scales[0])

        levels = self.map_levels(boxes)  # (ΣNᵢ,)
        pooled = maps[0].new_zeros(rois.shape[0], maps[0].shape[1], *self.output_size)
        for level, (features, scale) in enumerate(zip(maps, self.scales)):
            # A large box is read from a coarse map, so that it spans as few cells as a small one.
            on_level = torch.where(levels == level)[0]
            # Results keep the order of the boxes; the head is not told which level a box came from.
            pooled[on_level] = self._pool(features, rois[on_level], scale).to(pooled.dtype)
        return pooled

    def _pool(self, features: Tensor, rois: Tensor, scale: float) -> Tensor:
        """Features of boxes on one map, in the map's dtype."""
        # Under autocast, maps are less precise than boxes, but the kernel requires a single dtype.
        pooled = roi_align(features.to(rois.dtype), rois, self.output_size, scale, self.sampling_ratio)
        return pooled.to(features.dtype)

    def _setup_scales(self, maps: list[Tensor], image_shapes: list[Size]) -> tuple[list[float], LevelMapper]:
        """The scale of each map, and the mapper for the levels that these scales imply: 1/4 is level 2."""
        # The strides are not given, so they are inferred from the largest height of the images.
        height = max(height for height, _ in image_shapes)
        scales = [infer_scale(features.shape[-2], height) for features in maps]  # 1/4, 1/8, …
        # The level is minus log₂ of the scale: 1/4 = 2⁻² is P2.
        k_min, k_max = (-int(torch.tensor(scale).log2()) for scale in (scales[0], scales[-1]))
        return scales, LevelMapper(k_min, k_max, self.canonical_scale, self.canonical_level)

    def extra_repr(self) -> str:
        return (
            f"featmap_names={self.featmap_names}, output_size={self.output_size}, sampling_ratio={self.sampling_ratio}"
        )

    __repr__ = nn.Module.__repr__


def infer_scale(feature_height: int, image_height: int) -> float:
    """The power of two nearest to feature_height / image_height.

    Only heights count, and without padding: an image of 11 rows, padded to 32, has a map of 8 rows, and 8 / 11 gives 1,
    not 1/4.
    """
    # Because of padding, the ratio may differ a little from a power of two: 200 / 790 instead of 1/4.
    return 2.0 ** float(torch.tensor(feature_height / image_height).log2().round())


def convert_to_roi_format(boxes: list[Tensor]) -> Tensor:
    """Boxes of each image → one tensor (ΣNᵢ, 5) for the kernel: the index of the image, then the box."""
    # The kernel takes all boxes at once, so each box carries the index of its image.
    return torch.cat([F.pad(boxes_in_image, (1, 0), value=i) for i, boxes_in_image in enumerate(boxes)])
