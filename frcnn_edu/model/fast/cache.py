"""Values that are computed once, and again only when what they were made from has changed."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor


class Cache:
    """Keeps a value that was computed from tensors until one of them changes."""

    def __init__(self) -> None:
        # Of what, the value, and its own state: one tuple, so that another thread never sees parts of two.
        self.kept: tuple[Any, Any, Any] = (None, None, None)

    def __call__(self, compute: Callable[[], Any], *tensors: Tensor | None, also: Any = None) -> Any:
        """The value of `compute()`, which may depend on nothing but `tensors` and `also`; no gradient flows through it.

        Every operation that writes into a tensor raises its version, by which it is noticed; so it is if one writes into the
        value. Writing into `tensor.data` does not: what others may write to in this way, parameters for example, must not be
        among the tensors. Tensors made in inference mode have no version: what follows from them is not kept.
        """
        if torch.compiler.is_compiling() or any(t is not None and t.is_inference() for t in tensors):
            return compute()
        made_from = [also, *map(_state, tensors)]
        kept_of, value, state = self.kept
        if made_from != kept_of or state != _states(value):
            with torch.inference_mode(False), torch.no_grad():  # so that a later backward pass may use the value
                value = compute()
            self.kept = made_from, value, _states(value)
        return value


def _state(tensor: Tensor | None) -> Any:
    """What changes if a tensor does."""
    if tensor is None:
        return None
    where = (tensor.untyped_storage(), tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype)
    return *where, tensor._version


def _states(value: Any) -> list[Any]:
    return [_state(each) for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, Tensor)]


def cache_of(owner: Any, key: Any = None, most: int | None = None) -> Cache:
    """The cache of a module, one for each key; with `most` the oldest goes when there are that many.

    It lives beside the module, not in it: a copy, a file or a state dict has none of it, and it goes when the module does.
    """
    caches = _CACHES.setdefault(owner, {})
    cache = caches.get(key)
    if cache is None:
        too_many = 0 if most is None else max(0, len(caches) + 1 - most)
        for oldest in list(caches)[:too_many]:
            caches.pop(oldest, None)  # another thread may have been quicker
        cache = caches.setdefault(key, Cache())
    return cache


def forget(owner: Any) -> None:
    """Drops what is kept for a module."""
    _CACHES.pop(owner, None)


_CACHES: WeakKeyDictionary[Any, dict[Any, Cache]] = WeakKeyDictionary()
