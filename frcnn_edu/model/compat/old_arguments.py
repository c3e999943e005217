"""`pretrained=True` and positional arguments, as in torchvision's builders before version 0.13."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ...checks.warn import warn

Builder = TypeVar("Builder", bound=Callable[..., Any])


def with_old_arguments(theirs: Callable[..., Any], **published: str) -> Callable[[Builder], Builder]:
    """Makes a builder accept torchvision's older arguments, with a warning that names their replacements.

    Args:
        theirs: torchvision's builder, whose argument order is used.
        **published: the weights that `pretrained=True` and `pretrained_backbone=True` stand for, by the arguments `weights`
            and `weights_backbone`.
    """
    order = [name for name, p in inspect.signature(theirs).parameters.items() if p.kind != p.VAR_KEYWORD]
    # `pretrained`, a bool, was in the place of `weights`.
    older = {name.replace("weights", "pretrained"): (name, member) for name, member in published.items()}

    def decorate(builder: Builder) -> Builder:
        @functools.wraps(builder)
        def build(*args: Any, **kwargs: Any) -> Any:
            if len(args) > len(order):
                raise TypeError(f"{builder.__name__} takes at most {len(order)} positional arguments, got {len(args)}")
            named = dict(zip(order, args))
            twice = sorted(named.keys() & kwargs.keys())
            if twice:
                raise TypeError(f"{builder.__name__} got {twice[0]} twice, once by position")
            kwargs |= named
            for old, (new, member) in older.items():
                kwargs = _renamed(builder.__name__, kwargs, old, new, member)
            return builder(**kwargs)

        return cast(Builder, build)

    return decorate


def _renamed(builder: str, kwargs: dict[str, Any], old: str, new: str, member: str) -> dict[str, Any]:
    """The arguments with `new` instead of `old`, a bool, or instead of a bool given as `new` by position."""
    if old in kwargs and new in kwargs:
        raise TypeError(f"{builder} got both {new} and {old}, its older name: give {new} only")
    given = kwargs.get(old, kwargs.get(new))
    if old not in kwargs and not isinstance(given, bool):
        return kwargs
    weights = member if given else None
    warn(
        f"{old}={given} is an argument of torchvision before 0.13; it is interpreted as {new}={weights!r}",
        FutureWarning,
    )
    return {**{name: value for name, value in kwargs.items() if name != old}, new: weights}
