"""The training loop."""

import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from tqdm import tqdm

from .config import TrainConfig
from .evaluate import Evaluation, evaluate
from .loading import load_batches, steps_per_epoch, to_device
from .run import LOSSES, Run, RunState, holds_run
from .schedule import Clock, lr_factor


class NonFiniteLoss(RuntimeError):  # noqa: N818
    """A loss became infinite or not a number: the run cannot go on."""


def train(
    model: nn.Module,
    train_data: Dataset,
    val_data: Dataset,
    config: TrainConfig,
    *,
    device: torch.device,
    out: str | Path,
    resume: bool = False,
    on_step: Callable[[RunState], None] | None = None,
    on_epoch: Callable[[RunState, Evaluation], None] | None = None,
    progress_bar: bool = True,
) -> RunState:
    """Train `model` in place and leave `checkpoint.pt`, `metrics.json` and `model.safetensors` in `out`.

    Args:
        train_data, val_data: map-style datasets of (image (3, H, W), target) with a `classes` attribute.
        resume: go on from `out/checkpoint.pt` instead of starting anew.
        on_step, on_epoch: called after each step and after each evaluation, to report or to draw.

    The model is saved after each pass over the data and at the end, and evaluated too. With `config.minutes` an
    evaluation is left out where it would take too much of the time, and the end may come in the middle of a pass; the
    budget covers training, evaluation and `on_epoch`.
    The same seed on the CPU with `config.epochs` gives the same weights to the bit.

    Raises `NonFiniteLoss`, leaving the last checkpoint as it is; `ValueError` or `FileExistsError` before
    anything is computed. After Ctrl-C the running step is finished and saved, then `KeyboardInterrupt`
    goes on to the caller.
    """
    _check_run(train_data, val_data, Path(out), resume)
    torch.manual_seed(config.seed)
    model.to(device)
    if config.channels_last:
        model.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(model, config)
    run = Run(model, optimizer, config, train_data.classes, Path(out))  # type: ignore[attr-defined]
    if resume:
        run.restore()
    state = run.state
    epoch_steps = steps_per_epoch(train_data, config)
    clock, evaluation_timed = Clock(config, epoch_steps, state.seconds), False

    with interruptible() as interrupted:
        while clock.progress(state.step) < 1:
            batches = load_batches(train_data, config, state.step, device)
            title = f"epoch {state.step // epoch_steps + 1}"
            bar = tqdm(batches, title, leave=False, disable=None if progress_bar else True)
            for images, targets in bar:
                lr = config.lr * lr_factor(state.step, clock.progress(state.step), config)
                losses = train_step(model, optimizer, *to_device(images, targets, device), lr, state.step, config)
                state.add_step(losses, lr)
                state.seconds = clock.seconds()
                if not evaluation_timed:  # a guess: detecting on a batch takes a third of a training step
                    val_steps = len(val_data) / config.batch_size  # type: ignore[arg-type]
                    clock.reserve = val_steps * state.seconds / state.step / 3
                bar.set_postfix_str(_status(losses, clock.seconds_left(state.step)), refresh=False)
                if on_step is not None:
                    on_step(state)
                if interrupted() or clock.progress(state.step) >= 1:
                    break
            if interrupted() and clock.progress(state.step) < 1:
                run.save()
                raise KeyboardInterrupt
            if clock.worth_pausing(state.step):
                paused = clock.seconds()
                found = evaluate(model, val_data, device=device, batch_size=config.batch_size, progress=progress_bar)
                state.seconds = clock.seconds()
                at = {"epoch": state.step / epoch_steps, "step": state.step, "seconds": state.seconds}
                state.epochs.append(at | found.metrics)
                run.save()
                if on_epoch is not None:
                    on_epoch(state, found)
                clock.evaluated = clock.seconds()
                clock.reserve, evaluation_timed = clock.evaluated - paused, True
            else:
                run.save()
    run.export()
    return state


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: list[Tensor],
    targets: list[dict[str, Any]],
    lr: float,
    step: int,
    config: TrainConfig,
) -> dict[str, float]:
    """One step of gradient descent on one batch; returns the four losses.

    Raises `NonFiniteLoss` before the weights are touched, naming the loss, the step and the images.
    """
    model.train()
    for group in optimizer.param_groups:
        group["lr"] = lr
    with torch.autocast(images[0].device.type, torch.bfloat16, enabled=config.amp):
        losses = model(images, targets)
    optimizer.zero_grad()
    torch.stack([losses[name].float() for name in LOSSES]).sum().backward()
    # Reading a number makes the program wait for a GPU: all four at once, when the backward pass is under way.
    values = torch.stack([losses[name].detach().float() for name in LOSSES]).tolist()
    for name, value in zip(LOSSES, values):
        if not math.isfinite(value):
            ids = [target["image_id"] for target in targets]
            raise NonFiniteLoss(f"{name} is {value} in step {step + 1}, on the images with id {ids}")
    if config.grad_clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), config.grad_clip)
    optimizer.step()
    return dict(zip(LOSSES, values))


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """SGD or AdamW on the parameters that are not frozen."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, config.lr, momentum=config.momentum, weight_decay=config.weight_decay, fused=True
        )
    # A second beta of 0.99: a run of minutes has too few steps to average squared gradients over the last thousand.
    return torch.optim.AdamW(parameters, config.lr, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True)


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Inside the block Ctrl-C is only noted, so that no step is cut in two; the yielded function asks for it.

    The second Ctrl-C interrupts at once.
    """
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        print("\nfinishing this step, then saving (Ctrl-C again: stop at once, without)", file=sys.stderr)

    if threading.current_thread() is not threading.main_thread():  # only the main thread hears signals
        yield lambda: False
        return
    previous = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, previous)


def duration(seconds: float) -> str:
    """Seconds in words that fit: "45 s", "6 min 30 s", "3 h 20 min", "4.2 days"."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, hours = round(seconds) // 60, round(seconds) // 3600
    if hours >= 48:
        return f"{seconds / 86400:.1f} days"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min {round(seconds) % 60} s"


def _status(losses: dict[str, float], seconds_left: float) -> str:
    short = ("objectness", "rpn box", "class", "box")
    parts = [f"{name} {value:.3f}" for name, value in zip(short, losses.values())]
    return ", ".join([*parts, f"{duration(seconds_left)} left"])


def _check_run(train_data: Dataset, val_data: Dataset, out: Path, resume: bool) -> None:
    for name, data in (("train_data", train_data), ("val_data", val_data)):
        if len(data) == 0:  # type: ignore[arg-type]
            raise ValueError(f"{name} has no images")
    if train_data.classes != val_data.classes:  # type: ignore[attr-defined]
        raise ValueError(
            f"training and validation data differ in their classes: {train_data.classes} and {val_data.classes}"  # type: ignore[attr-defined]
        )
    if holds_run(out) and not resume:
        raise FileExistsError(f"{out} holds a run already; go on with it (resume), or choose another folder")
