"""Ctrl-C and the signals by which a scheduler or a closed terminal ends a job: deferred until it is safe to stop."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

# Windows has no SIGHUP. `nohup` ignores it, and it stays ignored.
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
ONE_PRESS = 1.0  # seconds: torchrun passes on to its processes a Ctrl-C that has already reached them


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Inside the block SIGINT, SIGTERM and SIGHUP are only noted; the yielded function returns whether one came.

    A second Ctrl-C interrupts at once.
    """
    noted: float | None = None

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal noted
        if noted is None:
            noted = time.monotonic()
            again = " (Ctrl-C again: stop at once, without saving)" if number == signal.SIGINT else ""
            with suppress(OSError):  # the terminal may be gone
                print(f"\nfinishing this step, then saving{again}", file=sys.stderr, flush=True)
        elif number == signal.SIGINT and time.monotonic() - noted > ONE_PRESS:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only the main thread receives signals
        yield lambda: False
        return
    heard = [number for number in ENDING if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN]
    previous = {number: signal.signal(number, note) for number in heard}
    try:
        yield lambda: noted is not None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
