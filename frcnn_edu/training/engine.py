"""The training loop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset
from tqdm import tqdm

from ..data.unreadable import ImageFileError
from .agreement import check_agreement
from .config import TrainConfig, check_parts
from .evaluation import Evaluation, evaluate
from .interrupts import interruptible
from .loading import load_batches, seed_from, steps_per_epoch, to_device
from .processes import ALONE, Processes
from .run import Run, RunState
from .run_data import counts, remember
from .run_folder import holds_run
from .schedule import Clock, lr_factor
from .step import make_optimizer, train_step
from .workers import check_workers_can_see


def train(
    model: nn.Module,
    train_data: Dataset,
    val_data: Dataset,
    config: TrainConfig,
    *,
    device: torch.device,
    out: str | Path,
    processes: Processes = ALONE,
    resume: bool = False,
    on_step: Callable[[RunState], None] | None = None,
    on_epoch: Callable[[RunState, Evaluation], None] | None = None,
    progress_bar: bool = True,
) -> RunState:
    """Train `model` in place.

    `checkpoint.pt`, `metrics.json`, `model.safetensors` and `best.safetensors` are written to `out`.

    Args:
        train_data, val_data: map-style datasets of (image (3, H, W), target) with a `classes` attribute.
        processes: the processes that share the work, from `join`. The first of them writes and reports.
        resume: whether to continue from `out/checkpoint.pt` instead of starting a new run.
        on_step, on_epoch: functions called after each step and after each evaluation, to report or to draw.

    The model is saved after each pass over the data, at the end, and every `config.save_minutes` between; it is evaluated
    after each pass, and the best by AP is kept, the latest if several are equal. With `config.minutes` an evaluation is left
    out if it would take too much of the time, and the run may end in the middle of a pass; the budget covers training, evaluation
    and `on_epoch`.
    On the CPU, the same seed with `config.epochs` gives the same weights to the last bit, however often the run was stopped
    or killed and resumed: all random numbers of a step are derived from (seed, step).

    An image that cannot be read when its turn comes (an `ImageFileError` of the dataset) costs only itself: in training
    another one is drawn in its place; an evaluation leaves it out. It is named on stderr and in `RunState.unreadable`.

    When no image can be read any more, the steps taken are saved before the `ImageFileError` is raised. If it was the last
    evaluation that failed, `resume` evaluates. With several processes, only the first saves. An evaluation always fails
    in that one; but if another process finds no image for its share of a step, the steps since the last checkpoint are lost.

    Raises:
        ValueError, FileExistsError: before anything is computed.
        NonFiniteLoss: a loss is NaN or infinite; the last checkpoint stays as it is.
        ImageFileError: no image can be read any more.
        KeyboardInterrupt: after Ctrl-C, SIGTERM or SIGHUP, when the running step is finished and saved.
    """
    _check_run(train_data, val_data, config, processes, Path(out), resume)
    model.to(device)
    if config.channels_last:
        model.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(model, config)
    facts = remember(train_data, val_data, config, Path(out))
    run = Run(model, optimizer, config, train_data.classes, Path(out), facts)  # type: ignore[attr-defined]
    seen = {"classes": run.classes, **counts(facts), **config.to_dict()}
    check_agreement(processes, seen, but=("data", "workers"))
    if resume:
        run.restore(processes)
        check_agreement(processes, {"steps in the checkpoint": run.state.step})
    state, first = run.state, processes.rank == 0
    shared_model = processes.share(model)
    epoch_steps = steps_per_epoch(train_data, config)
    clock, evaluation_timed = Clock(config, epoch_steps, state.seconds), False
    saved, stopping = state.seconds, False
    measure = partial(_measure, run, val_data, clock, device, processes, on_epoch, progress_bar)

    with interruptible() as interrupted, _saved_first(run, processes):
        while clock.progress(state.step) < 1:
            state.ended = None
            tell = partial(run.cannot_read, say=first)
            batches = load_batches(train_data, config, state.step, device, processes, tell)
            title = f"epoch {state.step // epoch_steps + 1}"
            bar = tqdm(batches, title, leave=False, disable=None if progress_bar and first else True)
            for images, targets in bar:
                lr = config.lr * lr_factor(state.step, clock.progress(state.step), config)
                # The 1 makes the seed differ from those of loading.
                torch.manual_seed(seed_from(config.seed, state.step, processes.rank, 1))
                batch = to_device(images, targets, device)
                losses = train_step(shared_model, optimizer, *batch, lr, state.step, config, processes)
                state.add_step(losses, lr)
                state.seconds = clock.seconds()
                if not evaluation_timed:  # a guess: detecting on a batch takes a third of a training step
                    val_steps = len(val_data) / config.batch_size  # type: ignore[arg-type]
                    clock.reserve = val_steps * state.seconds / state.step / 3
                bar.set_postfix_str(_status(losses, clock.seconds_left(state.step)), refresh=False)
                if on_step is not None and first:
                    on_step(state)
                stopping = clock.tick(processes, interrupted())
                if stopping or clock.progress(state.step) >= 1:
                    break
                if clock.now - saved >= 60 * config.save_minutes and state.step % epoch_steps:
                    saved = clock.now
                    run.save(processes)
            if stopping and clock.progress(state.step) < 1:
                run.save(processes)
                raise KeyboardInterrupt
            if clock.worth_pausing(state.step):
                measure()
                evaluation_timed = True
            else:
                run.save(processes)
            saved = clock.now
        if not run.is_measured:  # resumed after a last evaluation that failed: there is no step left to take
            measure()
    if state.ended is None:  # the last evaluation took what was left of the minutes
        state.ended = clock.length
        run.save(processes)
    if first:
        run.export()
    return state


@contextmanager
def _saved_first(run: Run, processes: Processes) -> Iterator[None]:
    """If no image can be read any more in the block (a disk is gone, say), save the steps taken before the run ends.

    Only the first process saves. If another one fails, the first cannot: it waits for the other's gradients until
    the connection fails, or `torchrun` ends it.
    """
    try:
        yield
    except ImageFileError:
        if run.state.step:
            run.save(processes)
        raise


def _measure(
    run: Run,
    data: Dataset,
    clock: Clock,
    device: torch.device,
    processes: Processes,
    on_epoch: Callable[[RunState, Evaluation], None] | None,
    progress_bar: bool,
) -> None:
    """Evaluate the model, save it together with what was measured, report, and note how long all that took."""
    state, size, first, began = run.state, run.config.batch_size, processes.rank == 0, clock.seconds()
    found = evaluate(
        run.model, data, device=device, batch_size=size, progress=progress_bar and first, processes=processes
    )
    for problem in chain(*processes.gather_objects(state.unreadable), found.not_measured.values()):
        run.cannot_read(problem, say=first)
    state.seconds = clock.seconds()
    at = {"epoch": state.step / clock.epoch_steps, "step": state.step, "seconds": state.seconds}
    state.epochs.append(at | found.metrics)
    state.ended = clock.length if clock.progress(state.step) >= 1 else None
    run.save(processes)
    run.keep_best(processes)
    if on_epoch is not None and first:
        on_epoch(state, found)
    clock.tick(processes)
    clock.evaluated, clock.reserve = clock.now, clock.now - began


def duration(seconds: float) -> str:
    """A duration in suitable units: "45 s", "6 min 30 s", "3 h 20 min", "4.2 days"."""
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


def _check_run(
    train_data: Any, val_data: Any, config: TrainConfig, processes: Processes, out: Path, resume: bool
) -> None:
    for name, data in (("train_data", train_data), ("val_data", val_data)):
        if len(data) == 0:
            raise ValueError(f"{name} has no images")
    if train_data.classes != val_data.classes:
        raise ValueError(
            f"training and validation data differ in their classes: {train_data.classes} and {val_data.classes}"
        )
    check_parts(config, processes.count, len(train_data))
    check_workers_can_see(train_data, config.workers)
    if holds_run(out) and not resume:
        raise FileExistsError(f"{out} already contains a run; continue it (resume), or choose a different folder")
