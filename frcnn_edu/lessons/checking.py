"""What all checkers share: a verdict in words, and mistakes that become explanations instead of tracebacks."""

import copy
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from torch import Tensor

from frcnn_edu.words import words


@dataclass(frozen=True)
class Verdict:
    """A checker's verdict on an answer. As the last line of a notebook's cell, it displays its message."""

    right: bool
    message: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return words(f"{'Right.' if self.right else 'Not yet.'} {self.message}")


class NotYet(Exception):  # noqa: N818 - not an error: the reader is on the way
    """Raised by `expect`: the answer is not right; the message helps."""


def expect(condition: bool | Tensor, message: str) -> None:
    """Continue if the condition holds; otherwise the checker returns "Not yet." and the message."""
    if not bool(condition):
        raise NotYet(message)


def expect_shape(value: Any, shape: tuple[int, ...], what: str) -> None:
    """Continue if the value is a tensor of this shape."""
    expect(isinstance(value, Tensor), f"{what} should be a tensor, but is a {type(value).__name__}.")
    expect(value.shape == shape, f"{what} should have shape {shape}, but has {tuple(value.shape)}.")


def checker(check: Callable[[Any], str]) -> Callable[[Any], Verdict]:
    """Turn a function that calls `expect` on an answer, and returns praise, into a checker that returns a `Verdict`.

    The answer is usually the reader's function. Exceptions that it raises are explained, too.
    """

    @wraps(check)
    def checked(answer: Any) -> Verdict:
        if answer is None or answer is ...:
            return Verdict(False, "There is no answer yet: replace the three dots.")
        try:
            return Verdict(True, check(copy.deepcopy(answer) if isinstance(answer, Tensor) else answer))
        except NotYet as missing:
            return Verdict(False, str(missing))
        except NotImplementedError:
            return Verdict(False, "The function has no body yet: replace the line that raises NotImplementedError.")
        except Exception as error:  # whatever a reader's code may raise
            where = traceback.extract_tb(error.__traceback__)[-1]
            line = f" in the line `{where.line}`" if where.line else ""
            return Verdict(False, f"Your code raised {type(error).__name__}{line}: {error}")

    return checked
