"""`train`: a plan, a run, and figures of what becomes of it."""

import argparse
import copy
import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.data import Dataset

from ..data import open_dataset, train_transforms
from ..model import needs_new_predictor
from ..training import (
    Evaluation,
    RunState,
    TrainConfig,
    build_model,
    coco_table,
    duration,
    evaluate,
    join,
    load_latest,
    make_optimizer,
    train,
    train_step,
)
from ..training.files import write_text
from ..training.loading import load_batches, steps_per_epoch, to_device
from ..training.run_folder import CHECKPOINT
from ..training.schedule import lr_factor
from .evaluate import open_evaluation_data
from .run_settings import CONFIG_OPTIONS, MODEL_OPTIONS, config_of, given_options, run_folder

if TYPE_CHECKING:
    from ..watch.tensorboard import TensorBoard

MAY_CHANGE_ON_RESUME = {"epochs", "minutes", "save_minutes", "workers", "accumulate"}


def run_train(options: argparse.Namespace) -> None:
    """Train a model and draw what becomes of it."""
    processes, device = join(options.device)
    out, resume = run_folder(options)
    config = resumed_config(options, out) if resume else new_config(options, device, processes.count)
    train_data = open_training_data(config, options.strict)
    val_data, val_split = open_evaluation_data(config.data, None, train_data.classes, options.strict)
    final_data, final_split = val_data, val_split
    if options.evaluate_on is not None:  # opened now, so that a mistake shows before the training
        final_data, final_split = open_evaluation_data(
            config.data, options.evaluate_on, train_data.classes, options.strict
        )
    torch.manual_seed(config.seed)  # the weights that training starts from
    new_predictor = needs_new_predictor(config.model, config.weights, train_data.classes)
    model = build_model(config, len(train_data.classes), new_predictor=new_predictor)
    first = processes.rank == 0
    if first:
        print_plan(model, train_data, val_data, val_split, config, device, processes.count, out, new_predictor)
    board = open_board(out, resume) if options.tensorboard and first else None

    def report(state: RunState, found: Evaluation) -> None:
        print(epoch_line(state), flush=True)
        draw_run(out, state, found, val_data, config, val_split, board)

    try:
        state = train(
            model, train_data, val_data, config,
            device=device, processes=processes, out=out, resume=resume, on_epoch=report,
            on_step=board.on_step if board is not None else None,
        )  # fmt: skip
    except KeyboardInterrupt:
        if (out / CHECKPOINT).exists() and first:
            print(f"\nto go on:  python -m frcnn_edu train --resume --out {out}", file=sys.stderr)
        raise
    finally:
        if board is not None:
            board.close()
    metrics = state.epochs[-1]
    if final_split != val_split:
        size = config.batch_size
        found = evaluate(model, final_data, device=device, batch_size=size, progress=first, processes=processes)
        metrics = found.metrics
        if first:
            write_text(out / f"metrics-{final_split}.json", json.dumps(metrics, indent=1) + "\n")
            report_run(out / f"report-{final_split}.html", state, found, final_data, config, final_split)
    if first:
        print(f"\n{coco_table(metrics)}\n\nmeasured on {config.data}, split {final_split!r}; everything is in {out}/")


def new_config(options: argparse.Namespace, device: torch.device, processes: int = 1) -> TrainConfig:
    """The preset for the model, the data and the number of processes, with what the command line says put over it."""
    return config_of(options, options.model or ("small" if device.type == "cpu" else "resnet50_fpn"), processes)


def resumed_config(options: argparse.Namespace, out: Path) -> TrainConfig:
    """The configuration a run was started with; only its length, and what changes no result, may be changed."""
    config = TrainConfig.from_dict(load_latest(out / CHECKPOINT)[0]["config"])
    given = given_options(options, (*CONFIG_OPTIONS, *MODEL_OPTIONS))
    for name, value in given.items():
        if name not in MAY_CHANGE_ON_RESUME and value != (config.to_dict() | config.model_args).get(name):
            raise ValueError(f"--{name.replace('_', '-')} cannot be changed on --resume; the run in {out} has its own")
    length = {name: value for name, value in given.items() if name in MAY_CHANGE_ON_RESUME}
    for name in {"epochs", "minutes"} & set(length):
        if getattr(config, name) is None:
            raise ValueError(f"the run in {out} is not counted in {name}, so --{name} cannot change it")
    return dataclasses.replace(config, **length)


def open_training_data(config: TrainConfig, strict: bool = False) -> Any:
    """The split "train", with random changes; `strict` as for `open_dataset`."""
    transforms = train_transforms(0.5 * config.hflip, 0.5 * config.vflip, config.scale_jitter)
    return open_dataset(config.data, "train", transforms=transforms, strict=strict)


def print_plan(
    model: nn.Module,
    train_data: Any,
    val_data: Any,
    split: str,
    config: TrainConfig,
    device: torch.device,
    processes: int,
    out: Path,
    new_predictor: bool,
) -> None:
    """Say what is going to happen and how long it will take, before it happens."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    classes = ", ".join(train_data.classes[1:7]) + (", …" if len(train_data.classes) > 7 else "")
    print(
        f"model    {config.model}: {parameters / 1e6:.1f} million parameters, {len(train_data.classes) - 1} classes ({classes})"
    )
    if config.weights is not None:
        what = (
            "all but the predictor, which is new: these are other classes" if new_predictor else "all of the detector"
        )
        print(f"weights  {config.weights}: {what}")
    elif config.weights_backbone is not None:
        print(f"weights  {config.weights_backbone}: of the backbone")
    print(
        f"data     {config.data}: {len(train_data)} training images, {len(val_data)} for evaluation (split {split!r})"
    )
    for data in (train_data, val_data):
        if getattr(data, "summary", ""):
            print(f"         {data.summary}")
    shares = f", shared by {processes} processes" * (processes > 1) + f", in {config.accumulate} parts" * (
        config.accumulate > 1
    )
    print(f"device   {device.type if processes > 1 else device}, {config.batch_size} images a step{shares}")
    print(f"output   {out}", flush=True)
    steps = steps_per_epoch(train_data, config)
    ends = f"ends after {duration(60 * config.minutes)}" if config.minutes is not None else ""
    if device.type != "cpu" or processes > 1:  # the bar will tell soon enough
        print(f"time     {ends or f'{config.epochs} epochs of {steps} steps'}\n", flush=True)
        return
    step = time_a_step(model, train_data, config, device)
    ends = (
        ends
        or f"{config.epochs} epoch{'' if config.epochs == 1 else 's'} about {duration(steps * step * (config.epochs or 0))}"
    )
    print(f"time     a step takes about {duration(step)}, an epoch of {steps} steps {duration(steps * step)}; {ends}")
    if config.model != "small" and config.minutes is not None and 60 * config.minutes < 20 * step:
        print("         That is only a few steps: --model small is made for a CPU.")
    print(flush=True)


def time_a_step(model: nn.Module, data: Dataset, config: TrainConfig, device: torch.device) -> float:
    """Seconds that a training step takes, tried on a copy of the model."""
    with torch.random.fork_rng(devices=[]):
        trial = copy.deepcopy(model).to(device)
        optimizer = make_optimizer(trial, config)
        images, targets = next(iter(load_batches(data, dataclasses.replace(config, workers=0), 0, device)))
        seconds = []
        for step in range(2):  # the first one also asks for memory; where steps are long it does not matter
            started = time.monotonic()
            lr = config.lr * lr_factor(0, 0.0, config)
            train_step(trial, optimizer, *to_device(images, targets, device), lr, step, config)
            seconds.append(time.monotonic() - started)
            if seconds[0] > 5:
                break
    return min(seconds)


def epoch_line(state: RunState) -> str:
    """One line about the last evaluation."""
    last = state.epochs[-1]
    scores = "  ".join(
        f"{name} {'–' if last[name] is None else f'{last[name]:.3f}'}" for name in ("AP", "AP50", "AP75")
    )
    recent = slice(-20, None)
    total = sum(sum(values[recent]) / len(values[recent]) for name, values in state.history.items() if "loss" in name)
    return (
        f"epoch {last['epoch']:5.2f}  step {state.step:6d}  {duration(state.seconds):>12}  loss {total:.3f}  {scores}"
    )


def open_board(out: Path, resume: bool) -> "TensorBoard":
    """A TensorBoard in the run folder, where it goes on after the steps that are in the checkpoint."""
    from ..watch.tensorboard import TensorBoard

    return TensorBoard(out / "tensorboard", load_latest(out / CHECKPOINT)[0]["progress"]["step"] if resume else 0)


def draw_run(
    out: Path,
    state: RunState,
    found: Evaluation,
    data: Any,
    config: TrainConfig,
    split: str,
    board: "TensorBoard | None" = None,
    count: int = 12,
) -> None:
    """Draw the curves, the detections on some validation images, spread over the data, and the report."""
    from ..viz import detection_sheet, save_figure
    from ..watch import plot_losses, plot_metrics

    chosen = [round(i * (len(data) - 1) / max(count - 1, 1)) for i in range(min(count, len(data)))]
    images, targets = zip(*(data[i] for i in chosen))
    sheet = detection_sheet(images, [found.detections[i] for i in chosen], targets, data.classes)
    figures = {"losses.png": plot_losses(state.history), "detections.png": sheet}
    if all(epoch["AP"] is not None for epoch in state.epochs):
        figures["average_precision.png"] = plot_metrics(state.epochs)
    for name, figure in figures.items():
        save_figure(figure, out / name)
    report_run(out / "report.html", state, found, data, config, split)
    if board is not None:
        board.on_epoch(state, found, sheet)


def report_run(path: Path, state: RunState, found: Evaluation, data: Any, config: TrainConfig, split: str) -> None:
    """The run as one HTML file."""
    from ..watch.report import write_report

    write_report(path, found, data, config, split=split, state=state)
