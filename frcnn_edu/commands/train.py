"""`train`: a plan, a run, and figures of what becomes of it."""

import argparse
import json
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

import torch
from torch import nn

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
from .run_settings import config_of, run_folder
from .train_data import RunData, about_weights, labels_of_weights, open_run_data
from .train_plan import Plan, print_plan
from .train_report import about_best, draw_run, epoch_line, open_board, report_run
from .train_resume import labels_of_run, resumed_config, when_finished


def run_train(options: argparse.Namespace) -> None:
    """Train a model and draw what becomes of it."""
    processes, device = join(options.device)
    out, resume = run_folder(options)
    if resume:
        contents, checkpoint = load_latest(out / CHECKPOINT, say=False)
        config = resumed_config(options, contents, out)
        if ending := when_finished(contents, config, out, options.evaluate_on):
            if processes.rank == 0:
                _say_finished(ending, checkpoint, out)
            return
        data = _data_again(options, contents, config, out)
        model = rebuild_model(config, len(contents["classes"]), checkpoint)
        step, seen = RunState.from_dict(contents["progress"]).step, contents.get("data", {})
        weights = f"{checkpoint}: the run goes on after step {step}"
    else:
        config = new_config(options, device, processes.count)
        data = open_run_data(config, partial(labels_of_weights, config), options.evaluate_on, options.strict)
        model, weights = _new_model(config, data)
        step, seen = 0, {}
    if processes.rank == 0:
        changed = changes(seen, remember(data.train, data.val, config, out), out)
        print_plan(Plan(model, data, config, device, processes.count, out, weights, step, changed))
    _train(options, model, data, config, device, processes, out, step if resume else None)


def new_config(options: argparse.Namespace, device: torch.device, processes: int = 1) -> TrainConfig:
    """The preset for the model, the data and the number of processes, with what the command line says put over it.

    The model is that of `--model`; or of `--weights`, if that is a file; or what suits the device.
    """
    model = options.model or ("small" if device.type == "cpu" else "resnet50_fpn")
    if options.model is None and options.weights not in (None, "DEFAULT"):
        model = model_of_weights(options.weights)
    return config_of(options, model, processes)


def _new_model(config: TrainConfig, data: RunData) -> tuple[nn.Module, str]:
    """The model that a run begins with, and in words what its weights are."""
    words, new_predictor = about_weights(config, data.train.classes)
    torch.manual_seed(config.seed)  # the weights that training starts from
    return build_model(config, len(data.train.classes), new_predictor=new_predictor), words


def _data_again(options: argparse.Namespace, contents: dict[str, Any], config: TrainConfig, out: Path) -> RunData:
    """The data of a run that goes on, with the labels that its model knows."""
    check_found(config)
    labels = partial(labels_of_run, contents=contents, config=config, out=out)
    return open_run_data(config, labels, options.evaluate_on, options.strict)


def _say_finished(ending: str, checkpoint: Path, out: Path) -> None:
    if not (out / MODEL).exists():  # killed between the last step and this
        export_safetensors(checkpoint, out / MODEL)
    print(ending)


def _train(
    options: argparse.Namespace,
    model: nn.Module,
    data: RunData,
    config: TrainConfig,
    device: torch.device,
    processes: Processes,
    out: Path,
    resumed_at: int | None,
) -> None:
    """The run itself, and what is said of it."""
    first = processes.rank == 0
    board = open_board(out, resumed_at or 0) if options.tensorboard and first else None

    def report(state: RunState, found: Evaluation) -> None:
        print(epoch_line(state), flush=True)
        draw_run(out, state, found, data.val, config, data.split, board)

    check_agreement(processes, {f"images of the split {data.final_split!r}": len(data.final)})
    try:
        state = train(
            model, data.train, data.val, config,
            device=device, processes=processes, out=out, resume=resumed_at is not None, on_epoch=report,
            on_step=board.on_step if board is not None else None,
        )  # fmt: skip
    except KeyboardInterrupt:
        if (out / CHECKPOINT).exists() and first:
            with suppress(OSError):  # the terminal may be gone
                print(f"\nto go on:  python -m frcnn_edu train --resume --out {quote(str(out))}", file=sys.stderr)
        raise
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            raise CannotContinue(_when_memory_is_full(out)) from error
        raise
    finally:
        if board is not None:
            board.close()
    metrics = state.epochs[-1]
    if data.final_split != data.split:
        size = config.batch_size
        found = evaluate(model, data.final, device=device, batch_size=size, progress=first, processes=processes)
        metrics = found.metrics
        if first:
            write_text(out / f"metrics-{data.final_split}.json", json.dumps(metrics, indent=1) + "\n")
            report_run(out / f"report-{data.final_split}.html", state, found, data.final, config, data.final_split)
    if first:
        print(
            f"\n{coco_table(metrics)}\n\n{about_best(out, state)}measured on {config.data}, split {data.final_split!r}; everything is in {out}/"
        )


def _when_memory_is_full(out: Path) -> str:
    again = f"; to go on so: --resume --out {quote(str(out))} --accumulate 2" if (out / CHECKPOINT).exists() else ""
    return f"the memory is full; --accumulate N takes the images of a step in N parts{again}"
