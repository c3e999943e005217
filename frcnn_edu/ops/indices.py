"""From masks to indices, with the host waiting for the device once."""

import torch
from torch import Tensor


def indices_where(masks: list[Tensor]) -> list[Tensor]:
    """`torch.where(mask)[0]` for each mask (Nᵢ,).

    How long the results are, only the values in the masks tell, so a GPU has to finish all it was given before the
    program can go on. Here it is asked for all the lengths together.
    """
    counts: list[int] = torch.stack([mask.count_nonzero() for mask in masks]).tolist()
    return [indices_of_known_number(mask, count) for mask, count in zip(masks, counts)]


def order_by_group(groups: Tensor, number: int) -> tuple[Tensor, list[int]]:
    """An order (N,) in which the members of group 0 come first, then those of 1 and so on; and how many each has.

    `groups` (N,) holds a group's index for each member. `values[order].split(sizes)` are the values of each group.
    """
    sizes: list[int] = (groups == torch.arange(number, device=groups.device)[:, None]).sum(dim=1).tolist()
    return groups.argsort(stable=True), sizes


def indices_of_known_number(mask: Tensor, count: int) -> Tensor:
    """`torch.where(mask)[0]` of a mask that is known to be true `count` times: nobody has to wait."""
    if mask.device.type == "mps":  # has no nonzero_static
        return torch.where(mask)[0]
    return mask.nonzero_static(size=count)[:, 0]
