"""Does a module do exactly what its class defines? Only then may optimised code replace it."""

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
    """A class as it was defined.

    Attributes:
        textbook: the textbook class that it replaces, which may be itself.
        of_textbook: the textbook's methods and constants by name, except those that every module has.
        own: this class's versions of them.
        files: names defined in, or imported into, the textbook's file and those files of this package whose functions it
            calls.
    """

    textbook: type
    of_textbook: dict[str, Any]
    own: dict[str, Any]
    files: dict[str, dict[str, Any]]


def is_plain(module: Any, *types: type) -> bool:
    """Whether a module does exactly what its class was defined to do, and has no hooks.

    The class must be exactly one of `types`: a subclass may do anything, and so may a parametrised module, whose class is
    generated. Pruning and the older weight normalisation are hooks.
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
    """Whether a module and all modules inside it are plain and of these types."""
    return all(is_plain(part, *types) for part in module.modules())


def is_overridden(thing: Any) -> bool:
    """Whether the behaviour of a textbook class has been modified.

    That is: a method was replaced on this object, on its class or on the textbook's; or a function in the class's file,
    such as `frcnn_edu.model.roi_heads.fastrcnn_loss`, or in a file that it calls. A subclass of a fast class counts, too.
    """
    if type(thing) not in _AS_WRITTEN or is_followed():
        return True
    return _is_changed(type(thing), vars(thing)) or _is_file_changed(_AS_WRITTEN[type(thing)])


def is_followed() -> bool:
    """Whether the code is being traced or transformed, by `torch.compile`, a trace or `torch.func.grad`, for example.

    All of these are given the textbook's code.
    """
    return (
        torch.compiler.is_compiling()
        or torch._C._is_tracing()
        or torch._C._functorch.peek_interpreter_stack() is not None
        or forward_ad._current_level >= 0
    )


def has_own_methods(thing: Any) -> bool:
    """Whether a method or a constant has been replaced on this object itself."""
    return not _AS_WRITTEN[type(thing)].own.keys().isdisjoint(vars(thing).keys())


def _is_changed(cls: type, state: dict[str, Any]) -> bool:
    """Whether a method has been replaced: on the object (`state` is its `__dict__`), on its class, or on the textbook's."""
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
    """Records the current methods of a textbook class and of its optimised versions, for `is_overridden`."""
    of_textbook, files = _attributes(textbook), _files(textbook)
    for cls in (textbook, *others):
        own = of_textbook if cls is textbook else {name: getattr(cls, name) for name in of_textbook}
        _AS_WRITTEN[cls] = _Written(textbook, of_textbook, own, files)


def _attributes(cls: type) -> dict[str, Any]:
    """The methods and constants of a class, by name."""
    of_each_module = dir(nn.Module)
    names = [
        name for name in dir(cls) if not name.startswith("__") and (name in vars(cls) or name not in of_each_module)
    ]
    names += [name for name in ("__call__", "_call_impl", "_compiled_call_impl", "forward") if hasattr(cls, name)]
    return {name: _REPLACED if _is_replaced(cls, name) else getattr(cls, name) for name in names}


def _is_replaced(cls: type, name: str) -> bool:
    """Whether a method of a PyTorch class was replaced before this package was imported: its code is in another file."""
    method, ours = getattr(cls, name), cls.__module__.startswith(_OURS)
    files = {getattr(sys.modules[base.__module__], "__file__", None) for base in cls.__mro__}
    return isfunction(method) and not ours and method.__code__.co_filename not in files


def _files(cls: type) -> dict[str, dict[str, Any]]:
    """The functions in the file of one of our classes, and in the files of this package that it imports functions from."""
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


_ASKED = {"most_at_one_go"}  # the optimised code calls it, too
_CONV2D = F.conv2d
_REPLACED = object()  # equal to nothing else
_OURS = __name__.split(".")[0] + "."
_CHECKS = _OURS + "checks."  # these do not affect results
_AS_WRITTEN: dict[type, _Written] = {}
