"""Values that are computed once, and again only when what they were made from has changed."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor


class Cache:
    """Keeps a value that was computed from tensors until one of them changes."""

    def __init__(self) -> None:
        self.made_from: Any = None
        self.value: Any = None

    def __call__(self, compute: Callable[[], Any], *tensors: Tensor | None, also: Any = None) -> Any:
        """The value of `compute()`, which may depend on nothing but `tensors` and `also`; no gradient flows through it.

        Every operation that writes into a tensor raises its version, by which it is noticed. Writing into `tensor.data` does
        not: what others may write to in this way, parameters for example, must not be among the tensors.
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


def cache_of(owner: Any, key: Any = None, most: int | None = None) -> Cache:
    """The cache of a module, one for each key; with `most` the oldest goes when there are so many.

    It lives beside the module, not in it: a copy, a file or a state dict has none of it, and it goes when the module does.
    """
    caches = _CACHES.setdefault(owner, {})
    if key not in caches:
        if len(caches) == most:
            caches.pop(next(iter(caches)))
        caches[key] = Cache()
    return caches[key]


def forget(owner: Any) -> None:
    """Drops what is kept for a module."""
    _CACHES.pop(owner, None)


_CACHES: WeakKeyDictionary[Any, dict[Any, Cache]] = WeakKeyDictionary()
