"""From masks to indices, with one synchronisation of host and device."""

import torch
from torch import Tensor


def indices_where(masks: Tensor, lengths: list[int]) -> list[list[Tensor]]:
    """Where each of some masks is true: for each mask, and each part of it, the indices, ascending.

    How many there are, only the values in the masks tell, so a GPU has to finish all it was given before the program can
    go on. Here it is asked for all the numbers together.

    Args:
        masks: (M, N).
        lengths: N = Σ lengths, the candidates of each image, say. Indices count from the beginning of the mask.
    """
    counts: list[list[int]] = torch.stack([part.sum(dim=1) for part in masks.split(lengths, dim=1)], dim=1).tolist()
    of_each_mask = indices_of_known_number(masks, sum(map(sum, counts))).split([sum(row) for row in counts])
    return [list(indices.split(row)) for indices, row in zip(of_each_mask, counts)]


def order_by_group(groups: Tensor, number: int) -> tuple[Tensor, list[int]]:
    """An order (N,) in which the members of group 0 come first, then those of 1 and so on; and how many each has.

    `groups` (N,) holds a group's index for each member. `values[order].split(sizes)` are the values of each group.
    """
    sizes: list[int] = (groups == torch.arange(number, device=groups.device)[:, None]).sum(dim=1).tolist()
    return groups.argsort(stable=True), sizes


def undo_order(values: Tensor, order: Tensor) -> Tensor:
    """What was taken in another order, `values = original[order]`, in the original one."""
    return torch.empty_like(values).index_copy_(0, order, values)


def indices_of_known_number(mask: Tensor, count: int) -> Tensor:
    """`torch.where(mask)[-1]` of a mask that is known to be true `count` times: no synchronisation."""
    if mask.device.type == "mps":  # which has no nonzero_static
        return torch.where(mask)[-1]
    return mask.nonzero_static(size=count)[:, -1]
