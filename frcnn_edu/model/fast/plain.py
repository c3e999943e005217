"""Is a module just what its class says? Only then may another way to the same numbers be taken."""

import sys
from inspect import isfunction, isroutine
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_module

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def is_plain(module: Any, *types: type) -> bool:
    """Whether calling a module does what its class says, and nobody watches.

    The class has to be exactly one of `types`: a subclass may do anything, and so may a parametrised module, which has a
    class of its own. Pruning and weight normalisation of the older kind are hooks. For `torch.compile` nothing is plain: it
    gets the textbook, and finds its own ways.
    """
    if torch.compiler.is_compiling():
        return False
    return type(module) in types and "forward" not in vars(module) and not _has_hooks(module)


def is_plain_throughout(module: nn.Module, *types: type) -> bool:
    """Whether a module and all modules within it are plain, and of these types."""
    return all(is_plain(part, *types) for part in module.modules())


def _has_hooks(module: nn.Module) -> bool:
    return any(getattr(module, hooks) for hooks in _HOOKS) or torch_module._has_any_global_hook()


def is_overridden(thing: Any) -> bool:
    """Whether somebody has replaced what a textbook class does.

    That is a method, on this one object or on the class itself; or a function that the class's file calls, such as
    `frcnn_edu.model.roi_heads.fastrcnn_loss`. For `torch.compile` everything counts as replaced.
    """
    if torch.compiler.is_compiling():
        return True
    textbook = next(cls for cls in type(thing).__mro__ if cls in _AS_WRITTEN)
    methods, functions = _AS_WRITTEN[textbook]
    return bool(vars(thing).keys() & methods.keys()) or (methods, functions) != _written(textbook)


def remember_as_written(textbook: type) -> None:
    """Notes what a textbook class does as of now, for `is_overridden`."""
    _AS_WRITTEN[textbook] = _written(textbook)


def _written(textbook: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """A class's own methods, and the functions in its file."""
    methods = {name: value for name, value in vars(textbook).items() if isfunction(value) and name != "__init__"}
    names = vars(sys.modules[textbook.__module__])
    return methods, {name: value for name, value in names.items() if isroutine(value)}


_AS_WRITTEN: dict[type, tuple[dict[str, Any], dict[str, Any]]] = {}
