"""Where a tensor is: some ways are faster on a CPU only."""

from torch import Tensor


def on_cpu(x: Tensor) -> bool:
    """Whether the ways of a CPU pay for `x`. (What a GPU would make of them was not measured.)"""
    return x.device.type == "cpu"
