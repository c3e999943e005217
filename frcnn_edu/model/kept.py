"""Time for memory, and memory for time: values that are kept, and values that are not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


class Kept:
    """Keeps a value that was computed from tensors until one of them changes."""

    def __init__(self) -> None:
        self.made_from: Any = None
        self.value: Any = None

    def __call__(self, compute: Callable[[], Any], *tensors: Tensor | None, also: Any = None) -> Any:
        """The value of `compute()`, which may depend on nothing but `tensors` and `also`; no gradient flows through it.

        Every operation that writes into a tensor raises its version. (Writing into `parameter.data` does not.)
        """
        if torch.compiler.is_compiling():
            return compute()
        made_from = [also] + [
            None if t is None else (t.untyped_storage(), t.dtype, None if t.is_inference() else t._version)
            for t in tensors
        ]
        if made_from != self.made_from:
            with torch.inference_mode(False), torch.no_grad():  # so that a later backward pass may use the value
                self.made_from, self.value = made_from, compute()
        return self.value

    def __reduce__(self) -> Any:
        return Kept, ()  # a copy, or a file, starts with nothing


@contextmanager
def computed_again_for_backward(tensor: Tensor, compute: Callable[[], Tensor]) -> Iterator[None]:
    """Inside, operations do not hold on to `tensor`: their backward passes call `compute()`, to get it once more."""
    if tensor.is_leaf or torch.compiler.is_compiling():  # a parameter is there anyway
        yield
        return
    memory = [tensor.untyped_storage()]

    def pack(saved: Tensor) -> Tensor | None:
        return None if saved.untyped_storage() is memory[0] else saved

    def unpack(saved: Tensor | None) -> Tensor:
        return compute() if saved is None else saved

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        yield
    memory.clear()  # the hooks live as long as the graph, and would hold on to it themselves
