"""The device of a tensor: some optimisations pay only on a CPU."""

from torch import Tensor


def on_cpu(x: Tensor) -> bool:
    """Whether to use the optimisations for CPUs on `x`. (Their effect on a GPU has not been measured.)"""
    return x.device.type == "cpu"
