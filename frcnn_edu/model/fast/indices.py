"""From masks to indices, with a single synchronisation of host and device."""

import torch
from torch import Tensor


def indices_where(masks: Tensor, lengths: list[int]) -> list[list[Tensor]]:
    """Where each of several masks is true: for each mask, and each part of it, the indices in ascending order.

    The counts depend on the masks' values, so the host has to wait for the GPU. Here it waits once, for all counts
    together.

    Args:
        masks: (M, N).
        lengths: lengths of the parts, such as the number of candidates in each image; their sum is N. Indices count from the
            beginning of the mask.
    """
    counts: list[list[int]] = torch.stack([part.sum(dim=1) for part in masks.split(lengths, dim=1)], dim=1).tolist()
    of_each_mask = indices_of_known_number(masks, sum(map(sum, counts))).split([sum(row) for row in counts])
    return [list(indices.split(row)) for indices, row in zip(of_each_mask, counts)]


def order_by_group(groups: Tensor, number: int) -> tuple[Tensor, list[int]]:
    """An order (N,) in which the members of group 0 come first, then those of 1 and so on; and the size of each group.

    `groups` (N,) contains the group of each member. `values[order].split(sizes)` are the values of each group.
    """
    sizes: list[int] = (groups == torch.arange(number, device=groups.device)[:, None]).sum(dim=1).tolist()
    return groups.argsort(stable=True), sizes


def undo_order(values: Tensor, order: Tensor) -> Tensor:
    """Inverts a reordering: returns `original` for `values = original[order]`."""
    return torch.empty_like(values).index_copy_(0, order, values)


def indices_of_known_number(mask: Tensor, count: int) -> Tensor:
    """`torch.where(mask)[-1]` for a mask known to be true `count` times: no synchronisation."""
    if mask.device.type == "mps":  # nonzero_static is missing there
        return torch.where(mask)[-1]
    return mask.nonzero_static(size=count)[:, -1]
