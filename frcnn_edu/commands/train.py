"""`train`: a plan, a run, and figures of its results."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from shlex import quote
from typing import NamedTuple

import torch
from torch import nn

from ..data.unreadable import ImageFileError
from ..exceptions import CannotContinue
from ..training import (
    Evaluation,
    Processes,
    RunState,
    TrainConfig,
    build_model,
    coco_table,
    evaluate,
    export_safetensors,
    join,
    load_latest,
    train,
)
from ..training.agreement import check_agreement
from ..training.building import rebuild_model
from ..training.files import write_text
from ..training.foreign import model_of_weights
from ..training.run_data import changes, check_found, remember
from ..training.run_folder import CHECKPOINT, MODEL
from ..training.tables import not_measured
from .evaluate import leave_out_thin
from .run_settings import config_of, names_as_options, run_folder
from .train_data import RunData, about_weights, check_weights, labels_of_weights, open_run_data
from .train_plan import Plan, print_plan
from .train_report import about_best, about_unreadable, draw_run, epoch_line, open_board, report_run
from .train_resume import labels_of_run, resumed_config, when_finished


class Start(NamedTuple):
    """What a run has before its first step."""

    config: TrainConfig
    data: RunData
    model: nn.Module
    weights: str  # that it begins with, in words
    step: int = 0  # that a continued run has reached
    changed: Sequence[str] = ()  # in its data since then


def run_train(options: argparse.Namespace) -> None:
    """Train a model and draw the results."""
    processes, device = join(options.device)
    out, resume = run_folder(options)
    start = _go_on(options, out, processes) if resume else _begin(options, device, processes)
    if start is None:
        return
    for part in (start.data.train, start.data.val, start.data.final):
        leave_out_thin(part, start.model)
    if processes.rank == 0:
        config, data, model, weights, step, changed = start
        print_plan(Plan(model, data, config, device, processes.count, out, weights, step, changed))
    _train(options, start, device, processes, out, resume)


def _begin(options: argparse.Namespace, device: torch.device, processes: Processes) -> Start:
    with names_as_options():
        config = new_config(options, device, processes.count)
        check_weights(config)
    data = open_run_data(config, partial(labels_of_weights, config), options.evaluate_on, options.strict)
    with names_as_options():
        words, new_predictor = about_weights(config, data.train.classes)
        torch.manual_seed(config.seed)  # the weights that training starts from
        model = build_model(config, len(data.train.classes), new_predictor=new_predictor)
    return Start(config, data, model, words)


def _go_on(options: argparse.Namespace, out: Path, processes: Processes) -> Start | None:
    """The run in a folder, where it stopped; None, after a message, if it is finished."""
    contents, checkpoint = load_latest(out / CHECKPOINT, say=False)
    config = resumed_config(options, contents, out)
    if ending := when_finished(contents, config, out, options.evaluate_on):
        if processes.rank == 0:
            if not (out / MODEL).exists():  # killed between the last step and this
                export_safetensors(checkpoint, out / MODEL)
            print(ending)
        return None
    check_found(config)
    labels = partial(labels_of_run, contents=contents, config=config, out=out)
    data = open_run_data(config, labels, options.evaluate_on, options.strict)
    model, step = (
        rebuild_model(config, len(contents["classes"]), checkpoint),
        RunState.from_dict(contents["progress"]).step,
    )
    changed = changes(contents.get("data", {}), remember(data.train, data.val, config, out), out)
    return Start(config, data, model, f"{checkpoint}: the run continues after step {step}", step, changed)


def new_config(options: argparse.Namespace, device: torch.device, processes: int = 1) -> TrainConfig:
    """The preset for the model, the data and the number of processes, changed by the options of the command line.

    The model is that of `--model`, or of `--weights` if that is a file, or the one that suits the device.
    """
    model = options.model or ("small" if device.type == "cpu" else "resnet50_fpn")
    if options.model is None and options.weights not in (None, "DEFAULT"):
        model = model_of_weights(options.weights)
    return config_of(options, model, processes)


def _train(
    options: argparse.Namespace, start: Start, device: torch.device, processes: Processes, out: Path, resume: bool
) -> None:
    """Train, and report on the run."""
    config, data, model = start.config, start.data, start.model
    first = processes.rank == 0
    board = open_board(out, start.step) if options.tensorboard and first else None

    def report(state: RunState, found: Evaluation) -> None:
        print(epoch_line(state), flush=True)
        draw_run(out, state, found, data.val, config, data.split, board)

    check_agreement(processes, {f"images of the split {data.final_split!r}": len(data.final)})
    try:
        state = train(
            model, data.train, data.val, config,
            device=device, processes=processes, out=out, resume=resume, on_epoch=report,
            on_step=board.on_step if board is not None else None,
        )  # fmt: skip
    except KeyboardInterrupt:
        if (out / CHECKPOINT).exists() and first:
            with suppress(OSError):  # the terminal may be gone
                print(f"\nto continue:  python -m frcnn_edu train --resume --out {quote(str(out))}", file=sys.stderr)
        raise
    except ImageFileError as error:  # not of one image: of all that were tried
        raise CannotContinue(_when_images_are_gone(str(error), out)) from error
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            raise CannotContinue(_when_memory_is_full(out)) from error
        raise
    finally:
        if board is not None:
            board.close()
    metrics, notes = state.epochs[-1], about_unreadable(state)
    if data.final_split != data.split:
        size = config.batch_size
        found = evaluate(model, data.final, device=device, batch_size=size, progress=first, processes=processes)
        metrics = found.metrics
        notes += "".join(f"note     {line}\n" for line in not_measured(found))
        if first:
            write_text(out / f"metrics-{data.final_split}.json", json.dumps(metrics, indent=1) + "\n")
            report_run(out / f"report-{data.final_split}.html", state, found, data.final, config, data.final_split)
    if first:
        measured = f"measured on {config.data}, split {data.final_split!r}; everything is in {out}/"
        print(f"\n{coco_table(metrics)}\n\n{about_best(out, state)}{notes}{measured}")


def _when_images_are_gone(reason: str, out: Path) -> str:
    again = f"; when they can, continue with --resume --out {quote(str(out))}" if (out / CHECKPOINT).exists() else ""
    return f"images cannot be read any more: {reason}{again}"


def _when_memory_is_full(out: Path) -> str:
    again = f"; to continue: --resume --out {quote(str(out))} --accumulate 2" if (out / CHECKPOINT).exists() else ""
    return f"the memory is full; --accumulate N takes the images of a step in N parts{again}"
