"""Recomputation: values that are computed again in the backward pass instead of being saved for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor


class Recomputed:
    """A value that is not saved for the backward pass but recomputed there.

    Args:
        compute: function that returns the value. It must not depend on anything that may change before the backward pass.
            Parameters may, for example if their average is swapped in or in `torch.func.functional_call`: the function has
            to keep detached copies of the current tensors.
    """

    def __init__(self, compute: Callable[[], Tensor]) -> None:
        self.compute = compute
        self.device_type = "cpu"
        self.computed: Tensor | None = None
        self.wanted = 0  # number of operations that still need it

    def value(self) -> Tensor:
        """The value, in the backward pass: kept until the last operation has used it."""
        if self.computed is None:
            with torch.no_grad(), _without_autocast(self.device_type):  # as in the forward pass
                self.computed = self.compute()
        return self.computed

    @contextmanager
    def instead_of(self, tensor: Tensor) -> Iterator[None]:
        """Inside, operations save this recipe instead of `tensor` itself."""
        if tensor.is_leaf or torch.compiler.is_compiling() or _is_autocast_on(tensor.device.type):
            yield  # a leaf is in memory anyway; under autocast the result would differ
            return
        self.device_type = tensor.device.type
        _not_held().append((tensor, self))
        try:
            with torch.autograd.graph.saved_tensors_hooks(_pack, _unpack):
                yield
        finally:
            _not_held().pop()


def _pack(saved: Tensor) -> "Tensor | Recomputed":
    for tensor, again in _not_held():
        if _is_same(saved, tensor):
            again.wanted += 1
            return again
    return saved


def _is_same(one: Tensor, other: Tensor) -> bool:
    return (
        one.layout == other.layout
        and one.untyped_storage() is other.untyped_storage()
        and (one.shape, one.stride(), one.storage_offset()) == (other.shape, other.stride(), other.storage_offset())
    )


def _unpack(packed: "Tensor | Recomputed") -> Tensor:
    if isinstance(packed, Tensor):
        return packed
    value = packed.value()
    packed.wanted -= 1
    if packed.wanted <= 0:
        packed.computed = None
    return value


def _not_held() -> list[tuple[Tensor, Recomputed]]:
    """The tensors of all active `instead_of` contexts of this thread: PyTorch itself calls only the innermost hooks."""
    if not hasattr(_thread, "not_held"):
        _thread.not_held = []
    return _thread.not_held


_thread = threading.local()


def may_hold_less() -> bool:
    """Whether tensors are saved for a backward pass, and no other code handles them.

    Hooks such as those of `torch.utils.checkpoint` or `save_on_cpu` must receive all saved tensors.
    """
    return torch.is_grad_enabled() and torch._C._autograd._top_saved_tensors_default_hooks(True) is None


def _without_autocast(device_type: str) -> AbstractContextManager:
    return torch.autocast(device_type, enabled=False) if _is_autocast_on(device_type) else nullcontext()


def _is_autocast_on(device_type: str) -> bool:
    return torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type)
