"""Time for memory: values that are computed once more for the backward pass, instead of being held for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Recomputed:
    """A value that operations do not hold on to for their backward passes: it is computed once more there."""

    def __init__(self, compute: Callable[[], Tensor]) -> None:
        self.compute = compute
        self.computed: Tensor | None = None
        self.wanted = 0  # by so many operations

    def value(self) -> Tensor:
        """In the backward pass: the value, kept until the last of the operations has had it."""
        if self.computed is None:
            with torch.no_grad():
                self.computed = self.compute()
        return self.computed

    @contextmanager
    def instead_of(self, tensor: Tensor) -> Iterator[None]:
        """Inside, operations remember how to make `tensor`, and not what is in it."""
        if tensor.is_leaf or torch.compiler.is_compiling() or _is_autocast_on(tensor.device.type):
            yield  # it is there anyway; or it would come out otherwise the second time
            return
        _not_held().append((tensor, self))
        try:
            with torch.autograd.graph.saved_tensors_hooks(_pack, _unpack):
                yield
        finally:
            _not_held().pop()


def _pack(saved: Tensor) -> "Tensor | Recomputed":
    for tensor, again in _not_held():
        if saved.untyped_storage() is tensor.untyped_storage() and saved.shape == tensor.shape:
            again.wanted += 1
            return again
    return saved


def _unpack(packed: "Tensor | Recomputed") -> Tensor:
    if isinstance(packed, Tensor):
        return packed
    value = packed.value()
    packed.wanted -= 1
    if packed.wanted <= 0:
        packed.computed = None
    return value


def _not_held() -> list[tuple[Tensor, Recomputed]]:
    """The tensors of all `instead_of` that this thread is inside of: PyTorch itself asks the innermost hooks only."""
    if not hasattr(_thread, "not_held"):
        _thread.not_held = []
    return _thread.not_held


_thread = threading.local()


def _is_autocast_on(device_type: str) -> bool:
    return torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type)
