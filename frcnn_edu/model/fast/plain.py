"""Is a module just what its class says? Only then may another way to the same numbers be taken."""

import sys
from inspect import isclass, isfunction, ismodule, isroutine
from types import ModuleType
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import forward_ad
from torch.nn.modules import module as torch_module


class _Written(NamedTuple):
    """A class as it is written.

    Attributes:
        textbook: the class whose work it does, which may be itself.
        of_textbook: the textbook's methods and constants by name, but for those that every module has.
        own: what this class has in their place.
        files: what is defined in, and imported into, the textbook's file and those files of ours that it calls functions of.
    """

    textbook: type
    of_textbook: dict[str, Any]
    own: dict[str, Any]
    files: dict[str, dict[str, Any]]


def is_plain(module: Any, *types: type) -> bool:
    """Whether calling a module does what its class says, as the class was written, and nobody watches.

    The class has to be exactly one of `types`: a subclass may do anything, and so may a parametrised module, which has a
    class of its own. Pruning and weight normalisation of the older kind are hooks.
    """
    if type(module) not in types or is_followed() or F.conv2d is not _CONV2D:
        return False
    state = module.__dict__
    if _is_changed(type(module), state):
        return False
    hooks = (
        state["_forward_hooks"]
        or state["_forward_pre_hooks"]
        or state["_backward_hooks"]
        or state["_backward_pre_hooks"]
    )
    return not (hooks or torch_module._has_any_global_hook())


def is_plain_throughout(module: nn.Module, *types: type) -> bool:
    """Whether a module and all modules within it are plain, and of these types."""
    return all(is_plain(part, *types) for part in module.modules())


def is_overridden(thing: Any) -> bool:
    """Whether somebody has replaced what a textbook class does.

    That is a method, on this one object, on its class or on the textbook's; or a function in the class's file, such as
    `frcnn_edu.model.roi_heads.fastrcnn_loss`, or in a file that it calls. A subclass of a fast class counts as replaced.
    """
    if type(thing) not in _AS_WRITTEN or is_followed():
        return True
    return _is_changed(type(thing), vars(thing)) or _is_file_changed(_AS_WRITTEN[type(thing)])


def is_followed() -> bool:
    """Whether the code is not just run: `torch.compile`, a trace or a transformation such as `torch.func.grad` follows it.

    They all get the textbook, and find their own ways.
    """
    return (
        torch.compiler.is_compiling()
        or torch._C._is_tracing()
        or torch._C._functorch.peek_interpreter_stack() is not None
        or forward_ad._current_level >= 0
    )


def has_own_methods(thing: Any) -> bool:
    """Whether a method, or a constant, of this one object has been replaced."""
    return not _AS_WRITTEN[type(thing)].own.keys().isdisjoint(vars(thing).keys())


def _is_changed(cls: type, state: dict[str, Any]) -> bool:
    """Whether a method is replaced: on the object, whose `__dict__` this is, on its class `cls`, or on the textbook's."""
    textbook, of_textbook, own, _ = _AS_WRITTEN[cls]
    if not own.keys().isdisjoint(state.keys()) or [getattr(cls, name, None) for name in own] != [*own.values()]:
        return True
    return cls is not textbook and [getattr(textbook, name, None) for name in of_textbook] != [*of_textbook.values()]


def _is_file_changed(written: _Written) -> bool:
    for file, names in written.files.items():
        now = vars(sys.modules[file])
        if [now.get(name) for name in names] != [*names.values()]:
            return True
    return False


def remember_as_written(textbook: type, *others: type) -> None:
    """Notes what a textbook class does as of now, for `is_overridden` of its objects, and of those of the classes that stand in."""
    of_textbook, files = _attributes(textbook), _files(textbook)
    for cls in (textbook, *others):
        own = of_textbook if cls is textbook else {name: getattr(cls, name) for name in of_textbook}
        _AS_WRITTEN[cls] = _Written(textbook, of_textbook, own, files)


def _attributes(cls: type) -> dict[str, Any]:
    """A class's methods and constants, by name."""
    of_each_module = dir(nn.Module)
    names = [
        name for name in dir(cls) if not name.startswith("__") and (name in vars(cls) or name not in of_each_module)
    ]
    names += [name for name in ("__call__", "_call_impl", "_compiled_call_impl", "forward") if hasattr(cls, name)]
    return {name: _REPLACED if _is_replaced(cls, name) else getattr(cls, name) for name in names}


def _is_replaced(cls: type, name: str) -> bool:
    """Whether a method of one of PyTorch's classes was replaced before this package was imported: it is written elsewhere."""
    method, ours = getattr(cls, name), cls.__module__.startswith(_OURS)
    files = {getattr(sys.modules[base.__module__], "__file__", None) for base in cls.__mro__}
    return isfunction(method) and not ours and method.__code__.co_filename not in files


def _files(cls: type) -> dict[str, dict[str, Any]]:
    """What the file of a class of ours holds, and the files of ours that its functions come from."""
    file = sys.modules[cls.__module__]
    if not file.__name__.startswith(_OURS):
        return {}
    called = {getattr(value, "__module__", "") for value in vars(file).values() if isroutine(value)}
    called |= {value.__name__ for value in vars(file).values() if ismodule(value)}
    ours = sorted(name for name in called if name.startswith(_OURS) and not name.startswith(_CHECKS))
    files = [file, *(sys.modules[name] for name in ours if name != file.__name__)]
    return {each.__name__: _functions(each) for each in files}


def _functions(file: ModuleType) -> dict[str, Any]:
    kinds = (isroutine, ismodule, isclass)
    return {
        name: value for name, value in vars(file).items() if any(is_a(value) for is_a in kinds) and name not in _ASKED
    }


_ASKED = {"most_at_one_go"}  # the shelf asks it itself, by the same name
_CONV2D = F.conv2d
_REPLACED = object()  # it is equal to nothing
_OURS = __name__.split(".")[0] + "."
_CHECKS = _OURS + "checks."  # which change no number
_AS_WRITTEN: dict[type, _Written] = {}
