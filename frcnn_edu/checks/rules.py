"""Rules for arguments: numbers, parts, and sequences of them. Each rule is called with the argument's name and value.

It raises a TypeError if the type of the value is not legal, and a ValueError if the value itself is not.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf, isfinite
from operator import index
from textwrap import shorten
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[str, Any], None]


# --- one number ---------------------------------------------------------------------------------------------------


def whole_number(legal: str, least: float = -inf, most: float = inf) -> Check:
    """A whole number; `legal` describes which. NumPy's and PyTorch's integers are accepted, True and 2.0 are not."""

    def check(name: str, value: Any) -> None:
        if isinstance(value, bool):
            raise type_error(name, legal, value)
        try:
            as_int = index(value)
        except TypeError:
            raise type_error(name, legal, value) from None
        if not least <= as_int <= most:
            raise value_error(name, legal, value)

    return check


def at_least(least: int) -> Check:
    """A whole number of at least `least`."""
    return whole_number(f"a whole number of at least {least}", least)


def up_to(most: int) -> Check:
    """A whole number from 0 to `most`."""
    return whole_number(f"0…{most}", 0, most)


def number(legal: str, is_legal: Callable[[float], bool]) -> Check:
    """A number for which `is_legal` is true; `legal` describes these numbers. `is_legal` must reject NaN."""

    def check(name: str, value: Any) -> None:
        if isinstance(value, bool | str | bytes):
            raise type_error(name, legal, value)
        try:
            as_float = float(value)
        except (TypeError, ValueError, RuntimeError):  # the last two: an array or tensor with several values
            raise type_error(name, legal, value) from None
        if not is_legal(as_float):
            raise value_error(name, legal, value)

    return check


whole = whole_number("a whole number")
count = at_least(1)
classes = whole_number("a whole number of at least 2, because the background is a class too", 2)
finite = number("a finite number", isfinite)
fraction = number("a number in 0…1", lambda x: 0 <= x <= 1)
positive = number("a finite number above 0", lambda x: 0 < x < inf)
positive_or_infinite = number("a number above 0", lambda x: x > 0)
not_negative = number("a finite number of at least 0", lambda x: 0 <= x < inf)
not_negative_or_infinite = number("a number of at least 0", lambda x: x >= 0)
mean_of_images = number("a number in 0…1, the range of images (divide a value for 0…255 by 255)", lambda x: 0 <= x <= 1)
std_of_images = number(
    "above 0 and at most 1, because images are in 0…1 (divide a value for 0…255 by 255)", lambda x: 0 < x <= 1
)


def flag(name: str, value: Any) -> None:
    """True or False; 1 and "no" are not accepted."""
    if not isinstance(value, bool):
        raise type_error(name, "True or False", value)


# --- one part -----------------------------------------------------------------------------------------------------


def part(name: str, value: Any) -> None:
    """A callable object: a module, or a function used like one."""
    if isinstance(value, type):
        raise TypeError(f"{name} must be a module, got the class {value.__name__} itself: pass {value.__name__}(…)")
    if not callable(value):
        raise type_error(name, "a module", value)


def maker_of_layers(name: str, value: Any) -> None:
    """A class such as `nn.BatchNorm2d`, or a function that returns a layer."""
    is_layer = hasattr(value, "forward") and not isinstance(value, type)
    if is_layer or not callable(value):
        raise type_error(name, "a class or function that returns a layer, such as torch.nn.BatchNorm2d", value)


def kind_of_block(name: str, value: Any) -> None:
    """A class of residual blocks."""
    if not isinstance(value, type) or not hasattr(value, "expansion"):
        raise type_error(name, "a class of blocks, such as BasicBlock or Bottleneck", value)


def instance_of(*kinds: type) -> Check:
    """An object of one of these classes."""

    def check(name: str, value: Any) -> None:
        if not isinstance(value, kinds):
            raise type_error(name, f"of class {' or '.join(kind.__name__ for kind in kinds)}", value)

    return check


# --- several, or none ---------------------------------------------------------------------------------------------


def optional(check: Check) -> Check:
    """None, or a value that `check` accepts."""
    return lambda name, value: None if value is None else check(name, value)


def each(check: Check, length: int | None = None) -> Check:
    """A sequence, tensor or array of at least one value, or of a given length, whose values `check` accepts."""
    legal = f"a sequence of {'at least one value' if length is None else f'{length} values'}"

    def check_each(name: str, values: Any) -> None:
        if isinstance(values, str | bytes | Mapping) or not _has_length(values):
            raise type_error(name, legal, values)
        if len(values) == 0 or length not in (None, len(values)):
            raise value_error(name, legal, values)
        with _one_of(name, values):
            for i, value in enumerate(values):
                check(f"{name}[{i}]", value)

    return check_each


def one_or_each(check: Check, length: int | None = None) -> Check:
    """A value that `check` accepts, or a sequence of such values."""
    check_each = each(check, length)
    return lambda name, value: (check_each if _is_sequence(value) else check)(name, value)


def by_mode(check: Check) -> Check:
    """A dict with values for "training" and "testing" that `check` accepts; or one value for both."""

    def check_both(name: str, value: Any) -> None:
        if not isinstance(value, Mapping):
            return check(name, value)
        for mode in ("training", "testing"):
            if mode not in value:
                raise ValueError(f"{name} must have the keys 'training' and 'testing', got {short(value)}")
            with _one_of(name, value):
                check(f"{name}[{mode!r}]", value[mode])

    return check_both


def layer_names(name: str, value: Any) -> None:
    """A dict from layer names to distinct names of their outputs."""
    if not isinstance(value, Mapping):
        raise type_error(name, "a dict, from a layer's name to the name of its output", value)
    if not value or len(set(map(str, value.values()))) < len(value):
        raise value_error(name, "a dict of at least one layer, with distinct names of outputs", value)


def stages_between(first: int, last: int) -> Check:
    """Some of a backbone's stages, `first` to `last`, in ascending order; if `first` is 0, they may be negative."""

    def check(name: str, value: Any) -> None:
        each(whole)(name, value)
        lowest = -last - 1 if first == 0 else first
        if not all(lowest <= stage <= last for stage in value):
            raise value_error(name, f"of {first}…{last}", value)
        in_order = [stage % (last + 1) for stage in value]
        if sorted(set(in_order)) != in_order:
            raise value_error(name, "in ascending order, each stage once", value)

    return check


@contextmanager
def _one_of(name: str, values: Any) -> Iterator[None]:
    """Adds all values to an error about one of them."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if "[" in name:  # a nested sequence: the outer one adds its values
            raise
        raise type(error)(f"{error} ({name}={short(values)})") from None


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _has_length(value: Any) -> bool:
    try:
        len(value)
    except TypeError:  # also raised by a tensor without dimensions
        return False
    return True


# --- errors -------------------------------------------------------------------------------------------------------


def type_error(name: str, legal: str, value: Any) -> TypeError:
    return TypeError(f"{name} must be {legal}, got {short(value)}")


def value_error(name: str, legal: str, value: Any) -> ValueError:
    return ValueError(f"{name} must be {legal}, got {short(value)}")


def short(value: Any) -> str:
    """A value as one line of at most 100 characters."""
    return shorten(repr(value), 100, placeholder=" …")
