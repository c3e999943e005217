"""Can processes that load images be given the data set? Asked before they start, because they fail without a word."""

import io
import multiprocessing
import pickle
import sys
from types import FunctionType
from typing import Any

import numpy as np
from torch import Tensor


def check_workers_can_see(data: Any, workers: int) -> None:
    """Make sure that a data set can be sent to loading processes, if there are any and they are started anew.

    They are on macOS and Windows, and from Python 3.14 on everywhere: such a process begins empty, and imports what it is sent. It
    cannot import what a cell of a notebook defines.

    Raises:
        ValueError: it cannot be sent; the message says what is in the way and what to do.
    """
    if workers == 0 or multiprocessing.get_context().get_start_method() == "fork":
        return
    try:
        _Parcel(io.BytesIO()).dump(data)
    except _DefinedHereError as error:
        raise ValueError(
            f"workers={workers}, but the processes that load images cannot see {error}, which a notebook's cell or an "
            "interactive session defines: put it in a file and import it from there, or take workers=0"
        ) from None
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"workers={workers}, but the data set cannot be sent to the processes that load images ({error}): functions "
            "without a name and open files cannot; define functions in a file, or take workers=0"
        ) from error


class _DefinedHereError(Exception):
    """Something that can be imported from nowhere; says what."""


class _Parcel(pickle.Pickler):
    """Pickles all but the values in tensors and arrays, which are never in the way and may be large."""

    def persistent_id(self, obj: Any) -> str | None:
        return "values" if isinstance(obj, Tensor | np.ndarray | bytes) else None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type | FunctionType) and obj.__module__ == "__main__" and not _is_main_a_file():
            raise _DefinedHereError(obj.__qualname__)
        return NotImplemented


def _is_main_a_file() -> bool:
    """Whether a process that is started anew can run what this program began with, as it does to find what it defines."""
    main = sys.modules["__main__"]
    return getattr(main, "__spec__", None) is not None or hasattr(main, "__file__")
