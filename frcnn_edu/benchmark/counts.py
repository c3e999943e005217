"""How many kernels a step starts, and how often it synchronises CPU and GPU.

On a GPU the program runs ahead: it hands kernels over and goes on. Small kernels cost the time to start them, and a
number that the program needs itself (how many boxes are left?) costs the time until all that was handed over is done.
Both can be counted without a GPU, for both depend on what is called and not on where.
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

# Operators that hand out a tensor without a kernel: memory not yet written, or another view of some that was.
NO_KERNEL = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "lift_fresh", "_unsafe_view"}

# Operators whose result the program has to look at, at least at its length.
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
}  # and repeat_interleave with numbers in a tensor
MASKS = (torch.bool, torch.uint8)


@dataclass
class Counts:
    """Kernels and synchronisations of a step, by the name of the operator."""

    kernels_by_name: Counter[str] = field(default_factory=Counter)
    synchronisations_by_name: Counter[str] = field(default_factory=Counter)

    @property
    def kernels(self) -> int:
        return self.kernels_by_name.total()

    @property
    def synchronisations(self) -> int:
        return self.synchronisations_by_name.total()

    def to_dict(self) -> dict[str, Any]:
        """Totals and operators, the most frequent first."""
        return {
            "synchronisations": self.synchronisations,
            "kernels": self.kernels,
            "synchronisations_by_name": dict(self.synchronisations_by_name.most_common()),
            "kernels_by_name": dict(self.kernels_by_name.most_common()),
        }


def count(step: Callable[[], Any]) -> Counts:
    """Runs `step` once and counts its kernels and synchronisations, those of its backward pass too.

    A kernel is an operator, as PyTorch's dispatcher sees it, that computes or moves data: a convolution is one, though
    a GPU may need several for it; a view is none. `item()`, `tolist()` and the like are synchronisations and no kernels.

    A synchronisation is an operator whose result, or the length of it, the program has to know. `x[mask]` is one;
    `x[mask] = 0` is none, for PyTorch fills under the mask then and asks for no indices. A single number that never was on
    the GPU is counted as well, as `item()` looks the same there: torchvision samples one for each image in training.
    """
    counts = Counts()
    # Backward passes run in the calling thread, where the modes are on.
    with torch.autograd.set_multithreading_enabled(False), _Calls(counts), _Operators(counts):
        step()
    return counts


@contextmanager
def as_on_a_gpu() -> Iterator[None]:
    """Inside, both libraries work as they would on a GPU, where that differs from a CPU.

    One NMS for all levels up to 100,000 coordinates, not 4,000; and in ours RoIAlign by torchvision's kernel, maps in the
    layout they come in, and no convolution by Winograd's method.
    """
    theirs = torchvision.ops.boxes
    one_by_one, at_one_go = theirs._batched_nms_vanilla, theirs._batched_nms_coordinate_trick

    def their_nms(boxes: Tensor, *others: Any) -> Tensor:  # called where there are more coordinates than 4,000
        return (one_by_one if boxes.numel() > 100_000 else at_one_go)(boxes, *others)

    with (
        patch.object(theirs, "_batched_nms_vanilla", their_nms),
        patch.object(boxes, "most_at_one_go", lambda device: 100_000),
        patch.object(place, "on_cpu", lambda x: False),
    ):
        yield


class _Operators(TorchDispatchMode):
    """Sees every operator that is dispatched."""

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
    """Sees what on a CPU happens without an operator: values that are handed to Python."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self.counts = counts
        self.copied: list[Tensor] = []  # to the CPU

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in ("tolist", "numpy", "cpu") and not any(args[0] is tensor for tensor in self.copied):
            self.counts.synchronisations_by_name[name] += 1
            if name == "cpu":  # what then is read from the copy costs nothing more
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
