"""The peak memory of a step, measured in a separate process, because a process's peak never falls."""

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

Peaks = tuple[int | None, int | None]  # bytes, ours and theirs; None if the system does not report it

# For glibc: freed memory is returned to the system at once, so that unused memory is not counted.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
SMALL = 64  # pixels
STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_bytes() -> int | None:
    """The peak memory of this process in bytes; None if the system does not report it."""
    if STATUS.exists():  # getrusage would include the parent process's peak
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
    """Calls a function in a new process, with as many threads as this one, and returns its result."""
    context = multiprocessing.get_context("spawn")
    with patch.dict(os.environ, ALLOCATOR), ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_with_threads, torch.get_num_threads(), function, *arguments).result()


def rise(call: Callable[[], Any]) -> int | None:
    """The increase of this process's peak memory by `call()`, in bytes; on Linux relative to the memory just before."""
    with contextlib.suppress(OSError):
        FORGET.write_text("5")  # resets the peak
    before = peak_bytes()
    call()
    after = peak_bytes()
    return None if before is None or after is None else after - before


def fixed_bytes(model: Any) -> int:
    """The memory of training that does not depend on the images: weights, and gradients and momentum of trained ones."""
    return sum(p.numel() * p.element_size() * (3 if p.requires_grad else 1) for p in model.parameters())


def peaks_of_step(weights: Path, step: Step) -> Peaks:
    """Peak bytes of building each model and running two steps: in training, momentum exists only from the second step.

    Memory that the libraries allocate on first use is not counted, because a small step runs first.

    Args:
        weights: file with the models' state dict.
    """
    ours, theirs = (in_a_child(_peak_of_step, library, weights, step) for library in LIBRARIES)
    return ours, theirs


def _peak_of_step(library: str, weights: Path, step: Step) -> int | None:
    def run(step: Step) -> None:
        model = build(library, step.size)
        # Memory-mapped and assigned, so that a second copy of the weights does not determine the peak.
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
