"""A training run to be killed: what test_killed.py starts in a process of its own, again and again."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO
from unittest import mock

import torch
from stand_ins import OneWeight, Squares

from frcnn_edu.training import RunState, TrainConfig, build_model, train

CONFIG = TrainConfig(
    model_args={"min_size": 64, "max_size": 80}, epochs=12, batch_size=2, warmup_steps=2, lr=0.002, save_minutes=0
)
SHORT = replace(CONFIG, epochs=3)  # of the stand-in
DATA, VAL_DATA = Squares(10), Squares(2, seed=1)


def run(out: Path, *, real: bool, told: Connection | None = None, **arguments: Any) -> RunState:
    """Train; a model of the real kind or the stand-in. After the first step `told` hears of it."""
    torch.set_num_threads(1)
    torch.manual_seed(CONFIG.seed)
    model = build_model(CONFIG, 3) if real else OneWeight()

    def tell(state: RunState) -> None:
        if told is not None and not told.closed:
            told.send(state.step)
            told.close()

    resume = any(out.glob("checkpoint*.pt"))
    return train(
        model, DATA, VAL_DATA, CONFIG if real else SHORT, device=torch.device("cpu"), out=out, resume=resume, on_step=tell,
        progress_bar=False,
    )  # fmt: skip


def run_real(out: Path, told: Connection) -> None:
    run(out, real=True, told=told)


def run_until(out: Path, name: str, call: int, where: str) -> None:
    """Train the stand-in until the function of this name is called that often; be killed before it, after it or in it."""
    calls = 0
    module, function = name.rsplit(".", 1)
    original = getattr(__import__(module, fromlist=[function]), function)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and where == "in":
            write_half(original, *args)
        if calls == call and where in ("before", "in"):
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    with mock.patch(name, deadly):
        run(out, real=False)


def write_half(save: Callable, contents: Any, file: BinaryIO) -> None:
    """As if the process had died while the file was being written."""
    save(contents, file)
    file.flush()
    os.truncate(file.name, file.tell() // 2)
