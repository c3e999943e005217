"""`pretrained=True` and arguments without names: how torchvision's builders were called before version 0.13."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ...checks.warn import warn

Builder = TypeVar("Builder", bound=Callable[..., Any])


def with_old_arguments(theirs: Callable[..., Any], **published: str) -> Callable[[Builder], Builder]:
    """Lets a builder take the older arguments of torchvision's, with a warning that says how they are called today.

    Args:
        theirs: torchvision's builder, for the order of its arguments.
        **published: for `weights`, and for `weights_backbone` if there is one, the name of the weights that
            `pretrained=True`, or `pretrained_backbone=True`, stands for.
    """
    order = [name for name, p in inspect.signature(theirs).parameters.items() if p.kind != p.VAR_KEYWORD]
    # Where `weights` are now `pretrained` was, a bool.
    older = {name.replace("weights", "pretrained"): (name, member) for name, member in published.items()}

    def decorate(builder: Builder) -> Builder:
        @functools.wraps(builder)
        def build(*args: Any, **kwargs: Any) -> Any:
            if len(args) > len(order):
                raise TypeError(
                    f"{builder.__name__} takes at most {len(order)} arguments without a name, got {len(args)}"
                )
            named = dict(zip(order, args))
            twice = sorted(named.keys() & kwargs.keys())
            if twice:
                raise TypeError(f"{builder.__name__} got {twice[0]} twice, once without its name")
            kwargs |= named
            for old, (new, member) in older.items():
                kwargs = _renamed(builder.__name__, kwargs, old, new, member)
            return builder(**kwargs)

        return cast(Builder, build)

    return decorate


def _renamed(builder: str, kwargs: dict[str, Any], old: str, new: str, member: str) -> dict[str, Any]:
    """The arguments with `new` instead of `old`, a bool; and so if `new` itself is a bool, given without its name."""
    if old in kwargs and new in kwargs:
        raise TypeError(f"{builder} got both {new} and {old}, its older name: give {new} only")
    given = kwargs.get(old, kwargs.get(new))
    if old not in kwargs and not isinstance(given, bool):
        return kwargs
    weights = member if given else None
    warn(f"{old}={given} is how torchvision was called before 0.13; it is taken as {new}={weights!r}", FutureWarning)
    return {**{name: value for name, value in kwargs.items() if name != old}, new: weights}
