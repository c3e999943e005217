"""Can the data set be sent to the processes that load images? Checked first, because they fail without a message."""

import io
import multiprocessing
import pickle
import sys
from types import FunctionType
from typing import Any

import numpy as np
from torch import Tensor


def check_workers_can_see(data: Any, workers: int) -> None:
    """Make sure that a data set can be sent to loading processes, if there are any and they are not forked.

    They are not on macOS and Windows, nor, since Python 3.14, anywhere else: such a process starts empty, and imports what
    it is sent. It cannot import what a notebook cell defines.

    Raises:
        ValueError: it cannot be sent; the message says why and what to do.
    """
    if workers == 0 or multiprocessing.get_context().get_start_method() == "fork":
        return
    try:
        _Parcel(io.BytesIO()).dump(data)
    except _DefinedHereError as error:
        raise ValueError(
            f"workers={workers}, but the processes that load images cannot import {error}, which is defined in a notebook "
            "cell or an interactive session: put it in a file and import it from there, or use workers=0"
        ) from None
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"workers={workers}, but the data set cannot be sent to the processes that load images ({error}): anonymous "
            "functions and open files cannot be sent; define functions in a file, or use workers=0"
        ) from error


class _DefinedHereError(Exception):
    """Something that cannot be imported from anywhere; the message names it."""


class _Parcel(pickle.Pickler):
    """Pickles all but the values in tensors and arrays, which can always be sent and may be large."""

    def persistent_id(self, obj: Any) -> str | None:
        return "values" if isinstance(obj, Tensor | np.ndarray | bytes) else None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type | FunctionType) and obj.__module__ == "__main__" and not _is_main_a_file():
            raise _DefinedHereError(obj.__qualname__)
        return NotImplemented


def _is_main_a_file() -> bool:
    """Whether a new process can run this program's main module, as it does to find what is defined there."""
    main = sys.modules["__main__"]
    return getattr(main, "__spec__", None) is not None or hasattr(main, "__file__")
