"""Is a module just what its class says? Only then may another way to the same numbers be taken."""

import sys
from inspect import isfunction, isroutine
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.modules import module as torch_module


class _Written(NamedTuple):
    """A class as it is written: its methods, but for those that every module has, and the functions in its file."""

    textbook: type
    methods: dict[str, Any]
    functions: dict[str, Any]


def is_plain(module: Any, *types: type) -> bool:
    """Whether calling a module does what its class says, as the class was written, and nobody watches.

    The class has to be exactly one of `types`: a subclass may do anything, and so may a parametrised module, which has a
    class of its own. Pruning and weight normalisation of the older kind are hooks. For `torch.compile` nothing is plain: it
    gets the textbook, and finds its own ways.
    """
    if type(module) not in types or torch.compiler.is_compiling():
        return False
    state = module.__dict__
    if _is_changed(_AS_WRITTEN[type(module)], state):
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

    That is a method, on this one object or on the class itself; or a function that the class's file calls, such as
    `frcnn_edu.model.roi_heads.fastrcnn_loss`. A subclass of a fast class counts as replaced, and for `torch.compile` everything
    does.
    """
    if torch.compiler.is_compiling() or type(thing) not in _AS_WRITTEN:
        return True
    written = _AS_WRITTEN[type(thing)]
    return _is_changed(written, vars(thing)) or _is_file_changed(written)


def _is_changed(written: _Written, state: dict[str, Any]) -> bool:
    """Whether a method is replaced: on the object, whose `__dict__` this is, or on its class."""
    if not written.methods.keys().isdisjoint(state.keys()):
        return True
    return [getattr(written.textbook, name, None) for name in written.methods] != [*written.methods.values()]


def _is_file_changed(written: _Written) -> bool:
    file = vars(sys.modules[written.textbook.__module__])
    return [file.get(name) for name in written.functions] != [*written.functions.values()]


def remember_as_written(textbook: type, *others: type) -> None:
    """Notes what a textbook class does as of now, for `is_overridden` of its objects, and of those of the classes that stand in."""
    inherited = dir(nn.Module)
    names = [name for name in dir(textbook) if name == "forward" or name in vars(textbook) or name not in inherited]
    methods = {name: getattr(textbook, name) for name in names if name != "__init__"}
    methods = {name: method for name, method in methods.items() if isfunction(method)}
    functions = {name: value for name, value in vars(sys.modules[textbook.__module__]).items() if isroutine(value)}
    for cls in (textbook, *others):
        _AS_WRITTEN[cls] = _Written(textbook, methods, functions)


_AS_WRITTEN: dict[type, _Written] = {}
