"""RoIAlign as one weighted sum of a few cells per bin, and with one synchronisation for all levels."""

from typing import Any

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor

from ..roi_align import LevelMapper, MultiScaleRoIAlign, convert_to_roi_format
from ..transform import Size
from . import place
from .indices import order_by_group, undo_order
from .plain import is_overridden


class ExactMultiScaleRoIAlign(MultiScaleRoIAlign):
    """The textbook's features. The boxes are sorted by level, with one synchronisation for the counts of all levels."""

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[Size]) -> Tensor:
        maps = [features for name, features in x.items() if name in self.featmap_names]
        if is_overridden(self) or len(maps) < 2:
            return super().forward(x, boxes, image_shapes)
        if self.scales is None or self.map_levels is None:
            self.scales, self.map_levels = self._setup_scales(maps, image_shapes)
        if not self._has_a_map_for_each_level(len(maps)):
            return super().forward(x, boxes, image_shapes)
        order, sizes = order_by_group(self.map_levels(boxes), len(maps))
        rois = convert_to_roi_format(boxes)[order]
        pooled = [
            self._pool(features, some, scale).to(maps[0].dtype)
            for features, some, scale in zip(maps, rois.split(sizes), self.scales)
        ]
        return undo_order(torch.cat(pooled), order)

    def _has_a_map_for_each_level(self, maps: int) -> bool:
        """Whether every box has a map; the textbook's features of a box without one are 0."""
        mapper: Any = self.map_levels
        return type(mapper) is LevelMapper and mapper.k_max - mapper.k_min < maps == len(self.scales or ())


class FastMultiScaleRoIAlign(ExactMultiScaleRoIAlign):
    """The textbook's features up to rounding: on a CPU, each bin is one weighted sum."""

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[Size]) -> Tensor:
        # The sums of a single map are channels-last, which `view` does not accept.
        return super().forward(x, boxes, image_shapes).contiguous()

    def _pool(self, features: Tensor, rois: Tensor, scale: float) -> Tensor:
        if is_overridden(self):
            return super()._pool(features, rois, scale)
        rows, columns = self.output_size
        pooled = roi_align(features.to(rois.dtype), rois, (rows, columns), scale, self.sampling_ratio)
        return pooled.to(features.dtype)


def roi_align(
    features: Tensor,
    rois: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Features inside each box, cut into bins: (K, C, rows, columns).

    A bin is the mean of sampling_ratio² points, spaced evenly. The value at a point is interpolated between the four
    cells around it, so a bin is a sum of 4 · sampling_ratio² cells, with weights that depend on the box alone.

    Args:
        features: (N, C, H, W). Gradients flow to the features, not to the boxes.
        rois: (K, 5), the index of the image and a box, xyxy in pixels.
        output_size: number of bins, (rows, columns).
        spatial_scale: cells of the map per pixel, 1/4 for stride 4.
        sampling_ratio: number of points along each side of a bin; -1 uses more of them in larger boxes.
        aligned: whether the value of a cell belongs to its centre rather than to its top-left corner.

    Source: Mask R-CNN, section 3; `torchvision/csrc/ops/cpu/roi_align_kernel.cpp`, which rounds slightly
    differently and takes about three times as long on a CPU. On other devices, and for a ratio below 1, its kernels are used.
    """
    if not place.on_cpu(features) or sampling_ratio < 1:
        return torchvision.ops.roi_align(features, rois, output_size, spatial_scale, sampling_ratio, aligned)
    _, channels, height, width = features.shape
    rows, columns = output_size
    image, boxes = rois[:, 0].long(), rois[:, 1:].detach() * spatial_scale - (0.5 if aligned else 0.0)
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    smallest = 0.0 if aligned else 1.0  # the original RoIAlign enlarges tiny boxes to one cell
    y, y_weight = bilinear_samples(y1, (y2 - y1).clamp(min=smallest), rows, sampling_ratio, height)
    x, x_weight = bilinear_samples(x1, (x2 - x1).clamp(min=smallest), columns, sampling_ratio, width)

    # Combine every row with every column. The maps of all images are stacked: the index of a cell
    # is (image · H + y) · W + x.
    row_start = (image[:, None, None] * height + y) * width  # (K, rows, 2·ratio)
    # (K, rows, columns, 2·ratio, 2·ratio) each.
    cells = row_start[:, :, None, :, None] + x[:, None, :, None, :]
    weights = y_weight[:, :, None, :, None] * x_weight[:, None, :, None, :]
    table = features.permute(0, 2, 3, 1).flatten(0, 2).to(weights.dtype)  # (N·H·W, C), channels-last
    bins = F.embedding_bag(  # (K·rows·columns, C): the weighted sum of the cells of each bin
        cells.flatten(3).flatten(0, 2), table, mode="sum", per_sample_weights=weights.flatten(3).flatten(0, 2)
    )
    return bins.view(-1, rows, columns, channels).permute(0, 3, 1, 2).to(features.dtype)


def bilinear_samples(start: Tensor, length: Tensor, bins: int, ratio: int, cells: int) -> tuple[Tensor, Tensor]:
    """Along one axis: which cells contribute to each bin of each box, and with which weight.

    Args:
        start, length: start and length of each box, (K,), in cells.
        bins, ratio: number of bins in a box, and of points in a bin.
        cells: length of the map.

    Returns:
        Cells (K, bins, 2·ratio) int64, two for each point, and their weights, which add up to 1 for a bin inside the map.
    """
    size = length[:, None, None] / bins  # (K, 1, 1), the length of a bin
    bin_ = torch.arange(bins, device=start.device)[:, None]
    point = torch.arange(ratio, device=start.device) + 0.5
    position = start[:, None, None] + bin_ * size + point * size / ratio  # (K, bins, ratio)
    seen = (position >= -1) & (position <= cells)  # points farther out count as 0
    position = position.clamp(min=0, max=cells - 1)  # points just outside take the edge's value
    before = position.floor()
    after_weight = position - before
    after = (before + 1).clamp(max=cells - 1)
    weights = torch.stack((1 - after_weight, after_weight), dim=3) * (seen / ratio)[..., None]
    return torch.stack((before, after), dim=3).long().flatten(2), weights.flatten(2)
