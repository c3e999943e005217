"""Counts the kernels that a step launches, and the synchronisations of CPU and GPU.

A GPU works asynchronously: the program launches kernels and runs ahead. Launching a small kernel takes longer than its work,
and if the program needs a number itself (how many boxes are left?), it waits until all launched kernels are done. Both can
be counted without a GPU, because they depend on the operators that are called, not on the device.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch
import torchvision
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from ..model.fast import place
from ..ops import boxes

# Operators that return a tensor without launching a kernel: uninitialised memory, or a view.
NO_KERNEL = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "lift_fresh", "_unsafe_view"}

# Operators whose result, or its length, the program has to read.
SYNCHRONISATIONS = {
    "_local_scalar_dense",  # item(), int(), bool(), is_nonzero
    "nonzero",  # and torch.where(mask)
    "masked_select",
    "_unique2",
    "unique_consecutive",
    "unique_dim",
    "bincount",
    "equal",
    "nms",
}  # and repeat_interleave with repeats in a tensor
MASKS = (torch.bool, torch.uint8)


@dataclass
class Counts:
    """The kernels and synchronisations of a step, by name of the operator."""

    kernels_by_name: Counter[str] = field(default_factory=Counter)
    synchronisations_by_name: Counter[str] = field(default_factory=Counter)

    @property
    def kernels(self) -> int:
        return self.kernels_by_name.total()

    @property
    def synchronisations(self) -> int:
        return self.synchronisations_by_name.total()

    def to_dict(self) -> dict[str, Any]:
        """Totals, and counts by operator, the most frequent first."""
        return {
            "synchronisations": self.synchronisations,
            "kernels": self.kernels,
            "synchronisations_by_name": dict(self.synchronisations_by_name.most_common()),
            "kernels_by_name": dict(self.kernels_by_name.most_common()),
        }


def count(step: Callable[[], Any]) -> Counts:
    """Runs `step` once and counts its kernels and synchronisations, including those of its backward pass.

    A kernel is an operator in PyTorch's dispatcher that computes or moves data. A convolution counts as one, although a GPU
    may need several for it; a view does not count. `item()`, `tolist()` and the like are synchronisations, not kernels.

    A synchronisation is an operator whose result, or its length, the program has to know. `x[mask]` is one;
    `x[mask] = 0` is not, because PyTorch fills under the mask without computing indices. A single number that was never on
    the GPU is counted as well, because `item()` cannot tell: torchvision samples one for each image in training.
    """
    counts = Counts()
    # Backward passes run in the calling thread, where these modes are active.
    with torch.autograd.set_multithreading_enabled(False), _Calls(counts), _Operators(counts):
        step()
    return counts


@contextmanager
def as_on_a_gpu() -> Iterator[None]:
    """Inside, both libraries take the branches for a GPU.

    These are one NMS for all levels up to 100,000 coordinates, not 4,000; and, in ours, torchvision's kernel for RoIAlign,
    maps in their original layout, and no Winograd's algorithm.
    """
    theirs = torchvision.ops.boxes
    one_by_one, at_one_go = theirs._batched_nms_vanilla, theirs._batched_nms_coordinate_trick

    def their_nms(boxes: Tensor, *others: Any) -> Tensor:  # called for more than 4,000 coordinates
        return (one_by_one if boxes.numel() > 100_000 else at_one_go)(boxes, *others)

    with (
        patch.object(theirs, "_batched_nms_vanilla", their_nms),
        patch.object(boxes, "most_at_one_go", lambda device: 100_000),
        patch.object(place, "on_cpu", lambda x: False),
    ):
        yield


class _Operators(TorchDispatchMode):
    """Observes every dispatched operator."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self.counts = counts

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.split("::")[1]
        if name in SYNCHRONISATIONS or _looks_up_a_mask(name, args) or str(func) == "aten.repeat_interleave.Tensor":
            self.counts.synchronisations_by_name[name] += 1
        if _is_kernel(func, name):
            self.counts.kernels_by_name[name] += 1
        return func(*args, **(kwargs or {}))


class _Calls(TorchFunctionMode):
    """Observes values passed to Python, which on a CPU involves no operator."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self.counts = counts
        self.copied: list[Tensor] = []  # to the CPU

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in ("tolist", "numpy", "cpu") and not any(args[0] is tensor for tensor in self.copied):
            self.counts.synchronisations_by_name[name] += 1
            if name == "cpu":  # reading from the copy is free
                self.copied.append(result)
        return result


def _is_kernel(func: Any, name: str) -> bool:
    return func.namespace in ("aten", "torchvision") and not (
        func.is_view or name in NO_KERNEL or name == "_local_scalar_dense"
    )


def _looks_up_a_mask(name: str, args: Sequence[Any]) -> bool:
    if name not in ("index", "index_put", "index_put_"):
        return False
    a_number = name != "index" and args[2].numel() == 1
    return not a_number and any(isinstance(index, Tensor) and index.dtype in MASKS for index in args[1])
