"""Small patches of the maps of all levels, used in place of whole maps."""

from itertools import accumulate

import torch
from torch import Tensor

from .indices import order_by_group, undo_order


def cut_patches(maps: list[Tensor], cells: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """The patches around some cells: features (S, C, 2·radius + 1, 2·radius + 1), 0 outside the map.

    Args:
        maps: (N, C, Hᵢ, Wᵢ), one per level.
        cells: (S,) indices into all cells of the batch in the order of the anchors: image → level → y → x.

    Also returns which cells of a patch are on the map, (S, 1, 2·radius + 1, 2·radius + 1).
    """
    shapes = [(level.shape[-2], level.shape[-1]) for level in maps]
    ends = list(accumulate(height * width for height, width in shapes))
    table = [(end, end - height * width, height, width) for end, (height, width) in zip(ends, shapes)]
    of_level = torch.tensor(list(zip(*table))).to(cells.device, non_blocking=True)  # (4, levels)
    image, cell = cells // ends[-1], cells % ends[-1]
    level = torch.bucketize(cell, of_level[0], right=True)  # (S,)
    start, height, width = of_level[1:, level]  # (S,) each

    place = cell - start
    centres = torch.stack((place // width, place % width), dim=1)  # (S, 2), y and x
    yx = centres[:, :, None] + torch.arange(-radius, radius + 1, device=cells.device)  # (S, 2, 2r + 1)
    on_map = (yx >= 0) & (yx < torch.stack((height, width), dim=1)[:, :, None])
    y, x = (yx * on_map).unbind(dim=1)  # cell 0 stands in for those outside
    order, sizes = order_by_group(level, len(maps))
    indices = zip(*(index[order].split(sizes) for index in (image[:, None, None], y[:, :, None], x[:, None, :])))
    # (…, 2r + 1, 2r + 1, C) each.
    patches = [features.permute(0, 2, 3, 1)[index] for features, index in zip(maps, indices)]
    inside = (on_map[:, 0, :, None] & on_map[:, 1, None, :])[:, None]
    return undo_order(torch.cat(patches), order).permute(0, 3, 1, 2) * inside, inside
