"""Time for memory: values that are computed once more for the backward pass, instead of being held for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor


class Recomputed:
    """A value that operations do not hold on to for their backward passes: it is computed once more there.

    Args:
        compute: may depend on nothing that changes until then. A module's parameters do, where an average of them is swapped
            in before the backward pass, and in `torch.func.functional_call`: it has to hold them as they are, detached.
    """

    def __init__(self, compute: Callable[[], Tensor]) -> None:
        self.compute = compute
        self.device_type = "cpu"
        self.computed: Tensor | None = None
        self.wanted = 0  # by how many operations

    def value(self) -> Tensor:
        """In the backward pass: the value, kept until the last of the operations has had it."""
        if self.computed is None:
            with torch.no_grad(), _without_autocast(self.device_type):  # as it was the first time
                self.computed = self.compute()
        return self.computed

    @contextmanager
    def instead_of(self, tensor: Tensor) -> Iterator[None]:
        """Inside, operations remember how to make `tensor`, and not what is in it."""
        if tensor.is_leaf or torch.compiler.is_compiling() or _is_autocast_on(tensor.device.type):
            yield  # it is there anyway; or it would come out otherwise the second time
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
    """The tensors of all `instead_of` that this thread is inside of: PyTorch itself asks the innermost hooks only."""
    if not hasattr(_thread, "not_held"):
        _thread.not_held = []
    return _thread.not_held


_thread = threading.local()


def may_hold_less() -> bool:
    """Whether anything is held for a backward pass, and that is nobody else's concern.

    Hooks such as those of `torch.utils.checkpoint`, or of `save_on_cpu`, want to see all of it.
    """
    return torch.is_grad_enabled() and torch._C._autograd._top_saved_tensors_default_hooks(True) is None


def _without_autocast(device_type: str) -> AbstractContextManager:
    return torch.autocast(device_type, enabled=False) if _is_autocast_on(device_type) else nullcontext()


def _is_autocast_on(device_type: str) -> bool:
    return torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type)
