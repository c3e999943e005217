"""A grid of boxes of fixed sizes and shapes over the whole image: the places where the network looks for objects."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator as TorchvisionAnchorGenerator

from ..checks.arguments import check_arguments
from .transform import ImageList


# It is a subclass only so that torchvision's FasterRCNN, which checks the type, accepts it. Every
# method is written here.
class AnchorGenerator(TorchvisionAnchorGenerator):
    """Places the same base anchors at every location of a feature map.

    Args:
        sizes: for each feature map, the side lengths √(w·h) of its anchors, in pixels of the resized image.
        aspect_ratios: for each feature map, the ratios height / width.

    A map with s sizes and r ratios has s·r anchors at each location. With the detector's defaults, one size and
    three ratios per level, that is 3; the 15 that is often quoted is the total over five levels.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: Faster R-CNN, section 3.1.1; `torchvision/models/detection/anchor_utils.py`.
    """

    def __init__(
        self,
        sizes: Sequence[Sequence[int]] | Sequence[int] = ((128, 256, 512),),
        aspect_ratios: Sequence[Sequence[float]] | Sequence[float] = ((0.5, 1.0, 2.0),),
    ) -> None:
        nn.Module.__init__(self)
        check_arguments(locals())
        self.sizes = tuple(tuple(s) if isinstance(s, Sequence) else (s,) for s in sizes)
        if not isinstance(aspect_ratios[0], Sequence):
            aspect_ratios = (aspect_ratios,) * len(self.sizes)  # type: ignore[assignment]
        self.aspect_ratios = tuple(tuple(r) for r in aspect_ratios)  # type: ignore[arg-type]
        if len(self.sizes) != len(self.aspect_ratios):
            raise ValueError(
                f"sizes and aspect_ratios must be given for the same number of feature maps, got {len(self.sizes)} and "
                f"{len(self.aspect_ratios)}: sizes={self.sizes} and aspect_ratios={self.aspect_ratios}"
            )
        # Base anchors depend only on sizes and ratios, so they are computed once.
        self.cell_anchors = [self.generate_anchors(s, r) for s, r in zip(self.sizes, self.aspect_ratios)]

    def generate_anchors(
        self,
        scales: Sequence[int],
        aspect_ratios: Sequence[float],
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> Tensor:
        """Base anchors around (0, 0), rounded to whole pixels: s sizes, r ratios → (r·s, 4); sizes vary fastest.

        A ratio changes the shape and keeps the area: h = s·√ratio, w = s/√ratio.
        """
        # ratio = h / w and h · w = s², so h = s · √ratio.
        sizes = torch.as_tensor(scales, dtype=dtype, device=device)
        h_ratios = torch.as_tensor(aspect_ratios, dtype=dtype, device=device).sqrt()
        w_ratios = 1 / h_ratios
        heights = (h_ratios[:, None] * sizes[None, :]).flatten()  # (r, s) → (r·s,)
        widths = (w_ratios[:, None] * sizes[None, :]).flatten()
        # torchvision rounds, so areas are not exact: size 32 at ratio 0.5 gives 22×46 pixels.
        return (torch.stack((-widths, -heights, widths, heights), dim=1) / 2).round()

    def set_cell_anchors(self, dtype: torch.dtype, device: torch.device) -> None:
        """Moves the base anchors to the device of the features, and converts their dtype."""
        self.cell_anchors = [anchors.to(dtype=dtype, device=device) for anchors in self.cell_anchors]

    def num_anchors_per_location(self) -> list[int]:
        """How many anchors each location of each feature map has."""
        return [len(sizes) * len(ratios) for sizes, ratios in zip(self.sizes, self.aspect_ratios)]

    def grid_anchors(self, grid_sizes: Sequence[Sequence[int]], strides: Sequence[Sequence[int]]) -> list[Tensor]:
        """Base anchors shifted to every location of every grid: one (H·W·A, 4) tensor per level, row by row.

        Args:
            grid_sizes: (H, W) of each feature map.
            strides: for each level, the distance between neighbouring locations in pixels, (vertical, horizontal).

        Raises:
            ValueError: the number of feature maps differs from the number of tuples in `sizes`.
        """
        if not len(grid_sizes) == len(strides) == len(self.cell_anchors):
            levels = len(self.cell_anchors)
            raise ValueError(
                f"anchors are given for {levels} feature map{'s' * (levels != 1)} (sizes={self.sizes}), but the backbone "
                f"returned {len(grid_sizes)}, of sizes {[tuple(size) for size in grid_sizes]}: give one tuple of sizes "
                "and one of ratios for each"
            )
        anchors = []
        for (rows, columns), (stride_y, stride_x), base in zip(grid_sizes, strides, self.cell_anchors):
            ys = torch.arange(rows, device=base.device) * stride_y
            xs = torch.arange(columns, device=base.device) * stride_x
            # Anchors are centred on the corners of the cells; the deltas can compensate for that.
            y, x = torch.meshgrid(ys, xs, indexing="ij")  # (H, W) each
            shifts = torch.stack((x, y, x, y), dim=-1).reshape(-1, 1, 4)  # (H·W, 1, 4)
            anchors.append((shifts + base).reshape(-1, 4))  # (H·W, A, 4) → (H·W·A, 4)
        return anchors

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        """Anchors of each image, all levels in one tensor (ΣH·W·A, 4): the same for every image of the batch."""
        grid_sizes = [tuple(feature_map.shape[-2:]) for feature_map in feature_maps]
        height, width = image_list.tensors.shape[-2:]  # with padding
        # Strides are rounded down to whole pixels. If the size of a map was rounded up, its stride is
        # not a power of two: `pool` has 13 rows for 800 pixels, so its stride is 61, not 64.
        strides = [(height // rows, width // columns) for rows, columns in grid_sizes]
        # Under autocast, maps may be bfloat16, which has no number between 256 and 258. Anchors stay
        # as precise as the images.
        dtype = torch.promote_types(feature_maps[0].dtype, image_list.tensors.dtype)
        self.set_cell_anchors(dtype, feature_maps[0].device)
        anchors = self.grid_anchors(grid_sizes, strides)
        # All images of a batch have the same padded size, so they share their anchors.
        return [torch.cat(anchors) for _ in image_list.image_sizes]
