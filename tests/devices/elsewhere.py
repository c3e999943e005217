"""A GPU without a GPU: tensors that say they are elsewhere, and are computed on the CPU.

PyTorch's own ``FakeTensorMode`` knows devices and shapes but no values. So it ends where values decide shapes (how many boxes
are left?), and its backward passes ask for a CUDA driver. A tensor from here has values too: a whole training step runs.

Like a GPU it refuses to mix with tensors on the CPU, but for single numbers in arithmetic. Stricter than a GPU, it does not take
indices from the CPU either: that works, and copies each time. Called "mps" it also refuses float64, as Apple's does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

META = torch.device("meta")  # what PyTorch's C++ is told: a device that it knows, and that needs no driver
COPIES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)


class MixedDevices(RuntimeError):  # noqa: N818
    """An operator was given tensors here and elsewhere."""


class Elsewhere(Tensor):
    """A tensor that names another device; `here`, on the CPU, are its values."""

    here: Tensor
    place: torch.device

    @staticmethod
    def __new__(cls, here: Tensor, place: torch.device) -> "Elsewhere":
        nothing = torch.empty_strided(here.shape, here.stride(), dtype=here.dtype, device=META)
        tensor = Tensor._make_subclass(cls, nothing, False)
        tensor.here, tensor.place = here, place
        return tensor

    @property
    def device(self) -> torch.device:
        return self.place

    @property
    def is_meta(self) -> bool:
        return False

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.here.__reduce_ex__(protocol)  # in a file it is an ordinary tensor

    def __repr__(self) -> str:
        return f"{self.place}: {self.here}"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        (place, *_) = (t.place for t in tree_leaves((args, kwargs)) if isinstance(t, Elsewhere))
        return compute(func, args, kwargs or {}, place)


def compute(func: Any, args: Any, kwargs: dict[str, Any], place: torch.device) -> Any:
    """An operator: checked, computed on the CPU, and its results said to be where they would be."""
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
    there = any(isinstance(t, Elsewhere) for t in tensors)
    if there and func not in COPIES:
        for t in tensors:
            a_number = t.dim() == 0 and torch.Tag.pointwise in func.tags
            if not isinstance(t, Elsewhere) and not a_number:
                raise MixedDevices(f"{func} takes a tensor on {place}, and one of shape {tuple(t.shape)} on the CPU")
    here_args, here_kwargs = tree_map(lambda t: t.here if isinstance(t, Elsewhere) else t, (args, kwargs))
    if kwargs.get("device") is not None:
        there = kwargs["device"] == META
        here_kwargs["device"] = "cpu"
    result = func(*here_args, **here_kwargs)
    if func is torch.ops.aten.copy_.default:
        return args[0]
    if place.type == "mps" and there and any(getattr(t, "dtype", None) == torch.float64 for t in tree_leaves(result)):
        raise TypeError(f"{func} would make a float64 tensor, which MPS does not have")
    if not there:
        return result
    result = tree_map(lambda t: Elsewhere(t, place) if isinstance(t, Tensor) else t, result)
    return return_and_correct_aliasing(func, args, kwargs, result)


class _Operators(TorchDispatchMode):
    """Sees those operators too that make a tensor from nothing."""

    def __init__(self, place: torch.device) -> None:
        super().__init__()
        self.place = place

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket is torch.ops.aten.to:  # arrives whole in inference mode
            with self:
                return func.decompose(*args, **(kwargs or {}))
        return compute(func, args, kwargs or {}, self.place)


class _Names(TorchFunctionMode):
    """Lets PyTorch's C++ read "meta" where a program wrote the name of the pretended device."""

    def __init__(self, place: torch.device) -> None:
        super().__init__()
        self.place = place

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (torch.device, Tensor._make_subclass):
            return func(*args, **kwargs)
        if func is Tensor.tolist and isinstance(args[0], Elsewhere):
            return args[0].here.tolist()
        args = tuple(map(self._read, args))
        kwargs = {name: self._read(value) for name, value in kwargs.items()}
        if func in (torch.tensor, torch.as_tensor) and kwargs.get("device") == META:
            return func(*args, **{**kwargs, "device": "cpu"}).to(META)
        return func(*args, **kwargs)

    def _read(self, value: Any) -> Any:
        if isinstance(value, torch.device):
            return META if value.type == self.place.type else value
        return META if isinstance(value, str) and value.split(":")[0] == self.place.type else value


@contextmanager
def elsewhere(name: str) -> Iterator[torch.device]:
    """Inside there is a device of that name, "cuda" or "mps"; a model is moved to it, and a batch."""
    place = torch.device(name, 0)
    swap = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)  # parameters change their class when they are moved
    try:
        with _Names(place), _Operators(place):
            yield place
    finally:
        torch.__future__.set_swap_module_params_on_conversion(swap)


def to_cpu(values: Any) -> Any:
    """All tensors in dicts and lists as they are on the CPU."""
    return tree_map(lambda t: t.here if isinstance(t, Elsewhere) else t, values)


def left_on_the_cpu(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as somebody would write it who forgets the device: the same results, made on the CPU."""
    return lambda *args, **kwargs: tree_map(
        lambda t: t.cpu() if isinstance(t, Tensor) else t, function(*args, **kwargs)
    )
