"""Ctrl-C and the signal by which a scheduler ends a job: noted, and answered when nothing is cut in two by it."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ONE_PRESS = 1.0  # seconds: torchrun hands on to its processes the Ctrl-C that has reached them already


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Inside the block SIGINT and SIGTERM are only noted; the yielded function asks whether one came.

    The second Ctrl-C interrupts at once.
    """
    noted: float | None = None

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal noted
        if noted is None:
            noted = time.monotonic()
            again = " (Ctrl-C again: stop at once, without)" if number == signal.SIGINT else ""
            print(f"\nfinishing this step, then saving{again}", file=sys.stderr)
        elif number == signal.SIGINT and time.monotonic() - noted > ONE_PRESS:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only the main thread hears signals
        yield lambda: False
        return
    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: noted is not None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
