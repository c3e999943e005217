"""`train`: what is going to happen, printed before it happens."""

import copy
import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import Dataset

from ..data.doubts import doubts, look_at_some
from ..data.findings import Findings
from ..data.names import counted
from ..data.sources import SHAPES, layout_of
from ..data.unlisted import unlisted_images
from ..training import TrainConfig, duration, make_optimizer, train_step
from ..training.loading import load_batches, steps_per_epoch, to_device
from ..training.schedule import lr_factor
from .recognised import in_words
from .train_data import RunData


@dataclass(frozen=True)
class Plan:
    """The facts about a run before it starts."""

    model: nn.Module
    data: RunData
    config: TrainConfig
    device: torch.device
    processes: int
    out: Path
    weights: str  # what the run begins with, in words; empty for random weights
    step: int = 0  # steps that it has already taken
    changed: Sequence[str] = ()  # how its data differ from those that it has seen


def print_plan(plan: Plan) -> None:
    """Print what is going to happen and how long it will take."""
    config, classes = plan.config, plan.data.train.classes
    parameters = sum(parameter.numel() for parameter in plan.model.parameters())
    names = ", ".join(classes[1:7]) + (", …" if len(classes) > 7 else "")
    print(
        f"model    {config.model}: {parameters / 1e6:.1f} million parameters, {counted(len(classes) - 1, 'class')} ({names})"
    )
    if plan.weights:
        print(f"weights  {plan.weights}")
    for line in _about_data(plan):
        print(line)
    shared = f", shared by {plan.processes} processes" * (plan.processes > 1)
    parts = f", in {config.accumulate} parts" * (config.accumulate > 1)
    device = plan.device.type if plan.processes > 1 else plan.device
    print(f"device   {device}, {counted(config.batch_size, 'image')} per step{shared}{parts}")
    print(f"output   {plan.out}", flush=True)
    print(f"time     {_about_time(plan)}\n", flush=True)


def _about_data(plan: Plan) -> list[str]:
    """How the data were recognised, how much there is, what is probably wrong, what was found, and what has changed."""
    data, config, space = plan.data, plan.config, " " * 9
    splits = {"train": data.train, data.split: data.val}
    counts = f"{counted(len(data.train), 'training image')}, {len(data.val):,} for evaluation (split {data.split!r})"
    lines = [f"data     {config.data}: {counts}"]
    known = Findings()
    if config.data != SHAPES:
        layout = layout_of(config.data, config.images)
        lines.append(space + in_words(layout, splits))
        for path in unlisted_images(layout, splits | {data.final_split: data.final}):
            known.note("images that are in no split", path.name)
    lines += [f"{space}! {sentence}" for sentence in (*doubts(splits), *look_at_some(splits))]
    lines += [space + summary for part in (data.train, data.val) if (summary := getattr(part, "summary", ""))]
    lines += [space + known.summary()] * bool(known.noted)
    lines += [space + note for note in data.notes]
    return lines + [f"changed  {line}" for line in plan.changed]


def _about_time(plan: Plan) -> str:
    config, steps = plan.config, steps_per_epoch(plan.data.train, plan.config)
    epochs = counted(config.epochs or 0, "epoch")
    ends = f"ends after {duration(60 * config.minutes)}" if config.minutes is not None else ""
    if plan.device.type != "cpu" or plan.processes > 1:  # the progress bar shows it soon enough
        return ends or f"{epochs} of {counted(steps, 'step')}"
    step = time_a_step(plan.model, plan.data.train, config, plan.device)
    if config.epochs is not None:
        left = max(steps * config.epochs - plan.step, 0)
        ends = f"{epochs} about {duration(left * step)}" + f" from step {plan.step}" * (plan.step > 0)
    line = f"a step takes about {duration(step)}, an epoch of {counted(steps, 'step')} {duration(steps * step)}; {ends}"
    if config.model != "small" and config.minutes is not None and 60 * config.minutes < 20 * step:
        line += "\n         That is only a few steps: --model small is made for a CPU."
    return line


def time_a_step(model: nn.Module, data: Dataset, config: TrainConfig, device: torch.device) -> float:
    """Seconds that a training step takes, measured on a copy of the model."""
    with torch.random.fork_rng(devices=[]):
        trial = copy.deepcopy(model).to(device)
        optimizer = make_optimizer(trial, config)
        images, targets = next(iter(load_batches(data, dataclasses.replace(config, workers=0), 0, device)))
        seconds = []
        for step in range(2):  # the first one also allocates memory, which does not matter if steps are long
            started = time.monotonic()
            lr = config.lr * lr_factor(0, 0.0, config)
            train_step(trial, optimizer, *to_device(images, targets, device), lr, step, config)
            seconds.append(time.monotonic() - started)
            if seconds[0] > 5:
                break
    return min(seconds)
