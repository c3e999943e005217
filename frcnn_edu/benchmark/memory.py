"""The most memory that a step takes, measured in a process of its own: peaks only rise, and leave traces."""

import contextlib
import gc
import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from .models import LIBRARIES, build
from .steps import Step

Peaks = tuple[int | None, int | None]  # bytes, ours and theirs; None where the system does not tell

# For glibc: memory that is freed goes back to the system at once, so that none is counted that nobody uses.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
SMALL = 64  # pixels
STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_bytes() -> int | None:
    """The most memory that this process ever had, in bytes; None where the system does not tell."""
    if STATUS.exists():  # getrusage would also know the peak of the process that started this one
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def in_a_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of a module returns when a fresh process calls it, with as many threads as this one."""
    context = multiprocessing.get_context("spawn")
    with patch.dict(os.environ, ALLOCATOR), ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_with_threads, torch.get_num_threads(), function, *arguments).result()


def rise(call: Callable[[], Any]) -> int | None:
    """By how many bytes the peak of this process is higher after `call()`; on Linux, than what it had just before."""
    with contextlib.suppress(OSError):
        FORGET.write_text("5")  # an earlier peak
    before = peak_bytes()
    call()
    after = peak_bytes()
    return None if before is None or after is None else after - before


def fixed_bytes(model: Any) -> int:
    """What training takes whatever the images are: weights, and of the trained ones a gradient and SGD's momentum."""
    return sum(p.numel() * p.element_size() * (3 if p.requires_grad else 1) for p in model.parameters())


def peaks_of_step(weights: Path, step: Step) -> Peaks:
    """Peak bytes of building each model and of two steps: in training, momentum exists from the second one on.

    What the libraries themselves take, once they are in use, is not counted: a small step goes before.

    Args:
        weights: a file with the models' state dict.
    """
    ours, theirs = (in_a_child(_peak_of_step, library, weights, step) for library in LIBRARIES)
    return ours, theirs


def _peak_of_step(library: str, weights: Path, step: Step) -> int | None:
    def run(step: Step) -> None:
        model = build(library, step.size)
        # Mapped and not read, and taken as they are, so that no second copy of the weights sets the peak.
        model.load_state_dict(torch.load(weights, weights_only=True, mmap=True), assign=True)
        call = step.of(model)
        call()
        call()

    run(replace(step, size=SMALL))
    gc.collect()
    return rise(lambda: run(step))


def _with_threads(threads: int, function: Callable[..., Any], *arguments: Any) -> Any:
    torch.set_num_threads(threads)
    return function(*arguments)
