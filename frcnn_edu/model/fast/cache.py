"""A cache: values that are computed once, and again only if their inputs have changed."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor


class Cache:
    """Caches a value that was computed from tensors until one of them changes."""

    def __init__(self) -> None:
        # State of inputs, value, state of value: in one tuple, so that threads see no mixture.
        self.kept: tuple[Any, Any, Any] = (None, None, None)

    def __call__(self, compute: Callable[[], Any], *tensors: Tensor | None, also: Any = None) -> Any:
        """The value of `compute()`, which may depend only on `tensors` and `also`; no gradient flows through it.

        Every operation that writes to a tensor increases its version, which is how changes of the inputs, and of the value
        itself, are detected. Writing to `tensor.data` does not, so tensors that others may write to in this way, such as
        parameters, must not be inputs. Tensors made in inference mode have no version, so values computed from them are not
        cached.
        """
        if torch.compiler.is_compiling() or any(t is not None and t.is_inference() for t in tensors):
            return compute()
        made_from = [also, *map(_state, tensors)]
        kept_of, value, state = self.kept
        if made_from != kept_of or state != _states(value):
            with torch.inference_mode(False), torch.no_grad():  # a later backward pass may use it
                value = compute()
            self.kept = made_from, value, _states(value)
        return value


def _state(tensor: Tensor | None) -> Any:
    """A description of a tensor that changes if the tensor does."""
    if tensor is None:
        return None
    where = (tensor.untyped_storage(), tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype)
    return *where, tensor._version


def _states(value: Any) -> list[Any]:
    return [_state(each) for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, Tensor)]


def cache_of(owner: Any, key: Any = None, most: int | None = None) -> Cache:
    """The cache of a module for a key; if there would be more than `most`, the oldest is dropped.

    It is stored outside the module: copies, pickles and state dicts do not contain it, and it is freed with the module.
    """
    caches = _CACHES.setdefault(owner, {})
    cache = caches.get(key)
    if cache is None:
        too_many = 0 if most is None else max(0, len(caches) + 1 - most)
        for oldest in list(caches)[:too_many]:
            caches.pop(oldest, None)  # another thread may have done it
        cache = caches.setdefault(key, Cache())
    return cache


def forget(owner: Any) -> None:
    """Clears the cache of a module."""
    _CACHES.pop(owner, None)


_CACHES: WeakKeyDictionary[Any, dict[Any, Cache]] = WeakKeyDictionary()
