"""Time for memory, and memory for time: values that are kept, and values that are not."""

import threading
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


class Again:
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


def _pack(saved: Tensor) -> "Tensor | Again":
    for tensor, again in _not_held():
        if saved.untyped_storage() is tensor.untyped_storage() and saved.shape == tensor.shape:
            again.wanted += 1
            return again
    return saved


def _unpack(packed: "Tensor | Again") -> Tensor:
    if isinstance(packed, Tensor):
        return packed
    value = packed.value()
    packed.wanted -= 1
    if packed.wanted <= 0:
        packed.computed = None
    return value


def _not_held() -> list[tuple[Tensor, Again]]:
    """The tensors of all `instead_of` that this thread is inside of: PyTorch itself asks the innermost hooks only."""
    if not hasattr(_thread, "not_held"):
        _thread.not_held = []
    return _thread.not_held


_thread = threading.local()


def _is_autocast_on(device_type: str) -> bool:
    return torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type)
