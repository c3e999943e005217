"""The command line: `python -m frcnn_edu train | evaluate | detect | figures`."""

import argparse
import contextlib
import copy
import dataclasses
import json
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset
from tqdm import tqdm

from .data import IMAGE_SUFFIXES, load_image, open_dataset, train_transforms
from .model import MODELS
from .training import (
    SHIPPED,
    Evaluation,
    NonFiniteLoss,
    RunState,
    TrainConfig,
    build_model,
    coco_table,
    default_config,
    duration,
    evaluate,
    holds_run,
    load_checkpoint,
    load_model,
    make_optimizer,
    pick_device,
    train,
    train_step,
)
from .training.files import write_text
from .training.loading import load_batches, steps_per_epoch, to_device
from .training.run import CHECKPOINT
from .training.schedule import lr_factor

EXAMPLES = {
    "main": """
examples:
  python -m frcnn_edu train                        learn to find shapes: 6 minutes on a laptop, no download
  python -m frcnn_edu train --data my_photos/      the same on your own photographs
  python -m frcnn_edu detect holiday.jpg           draw what a trained model finds
  python -m frcnn_edu train --help                 every option of a command
""",
    "train": """
examples (times: two CPU cores):
  python -m frcnn_edu train
      The small model learns the built-in shapes data: 6 minutes.
  python -m frcnn_edu train --data VOCdevkit/VOC2007 --out runs/voc
      A Pascal VOC folder (JPEGImages, Annotations, ImageSets): 10 minutes, or what you give with --minutes.
  python -m frcnn_edu train --data annotations/instances_train.json --model resnet50_fpn --weights-backbone DEFAULT
      The full model with a pretrained body (a download) on COCO files: for a GPU. A CPU takes many seconds
      for a single step; the plan that is printed first says how long it all will be.
  python -m frcnn_edu train --resume --out runs/voc
      Go on with a run that was stopped, by Ctrl-C for example.

The run folder gets metrics.json, losses.png, average_precision.png, detections.png, checkpoint.pt (to go on
from) and model.safetensors (the trained model, for evaluate and detect).
""",
    "evaluate": """
examples:
  python -m frcnn_edu evaluate                     the model in this package on 200 shapes images: 10 seconds
  python -m frcnn_edu evaluate --checkpoint runs/voc/model.safetensors --data VOCdevkit/VOC2007 --split test
""",
    "detect": """
examples:
  python -m frcnn_edu detect --checkpoint runs/voc/model.safetensors --out found photo.jpg more_photos/
      Draws found/photo.png and so on, and writes found/detections.json. Less than a second a picture.
""",
    "figures": """
example:
  python -m frcnn_edu figures --out figures        about a minute
""",
}

# Fields of TrainConfig that have an option of the same name.
CONFIG_OPTIONS = (
    "model", "weights", "weights_backbone", "data", "optimizer", "lr", "momentum", "weight_decay", "grad_clip",
    "batch_size", "warmup_steps", "schedule", "epochs", "minutes", "hflip", "vflip", "scale_jitter", "seed",
    "workers", "channels_last", "amp",
)  # fmt: skip
MODEL_OPTIONS = ("min_size", "max_size")
MAY_CHANGE_ON_RESUME = {"epochs", "minutes", "workers"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 2 after a mistake of the user's, 130 after Ctrl-C."""
    options = make_parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, TypeError, OSError, NonFiniteLoss) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


# ---------------------------------------------------------------------------------------------------------------- train


def run_train(options: argparse.Namespace) -> None:
    """Train a model and draw what becomes of it."""
    device = pick_device(options.device)
    out = options.out or Path("runs") / f"{_slug(options.data or 'shapes')}-{datetime.now():%Y%m%d-%H%M%S}"
    if options.resume and options.out is None:
        raise ValueError("--resume needs --out DIR: the folder of the run to go on with")
    if not options.resume and holds_run(out):
        raise ValueError(f"{out} holds a run already; add --resume to go on with it, or choose another --out")
    config = resumed_config(options, out) if options.resume else new_config(options, device)

    train_data = open_training_data(config)
    val_data, val_split = open_evaluation_data(config.data, None, train_data.classes)
    if options.evaluate_on is not None:  # opened now, so that a mistake shows before the training
        final_data, final_split = open_evaluation_data(config.data, options.evaluate_on, train_data.classes)
    else:
        final_data, final_split = val_data, val_split
    torch.manual_seed(config.seed)  # the weights that training starts from
    model = build_model(config, len(train_data.classes))
    print_plan(model, train_data, val_data, val_split, config, device, out)

    def report(state: RunState, found: Evaluation) -> None:
        print(epoch_line(state), flush=True)
        draw_run(out, state, found, val_data)

    try:
        state = train(
            model, train_data, val_data, config, device=device, out=out, resume=options.resume, on_epoch=report
        )
    except KeyboardInterrupt:
        if (out / CHECKPOINT).exists():
            print(f"\nto go on:  python -m frcnn_edu train --resume --out {out}", file=sys.stderr)
        raise
    metrics = state.epochs[-1]
    if final_split != val_split:
        found = evaluate(model, final_data, device=device, batch_size=config.batch_size, progress=True)
        metrics = found.metrics
        write_text(out / f"metrics-{final_split}.json", json.dumps(metrics, indent=1) + "\n")
    print(f"\n{coco_table(metrics)}\n\nmeasured on {config.data}, split {final_split!r}; everything is in {out}/")


def new_config(options: argparse.Namespace, device: torch.device) -> TrainConfig:
    """The preset for the model and the data, with what the command line says put over it."""
    given = _given(options, CONFIG_OPTIONS)
    model = given.get("model") or ("small" if device.type == "cpu" else "resnet50_fpn")
    config = default_config(model, given.get("data", "shapes"), batch_size=given.get("batch_size"))
    if "minutes" in given and "epochs" in given:
        raise ValueError("give --minutes or --epochs, not both")
    if "minutes" in given:
        given["epochs"] = None
    elif "epochs" in given:
        given["minutes"] = None
    given["model_args"] = config.model_args | _given(options, MODEL_OPTIONS)
    return dataclasses.replace(config, **given)


def resumed_config(options: argparse.Namespace, out: Path) -> TrainConfig:
    """The configuration a run was started with; only its length and the workers may be changed."""
    config = TrainConfig.from_dict(load_checkpoint(out / CHECKPOINT)["config"])
    given = _given(options, (*CONFIG_OPTIONS, *MODEL_OPTIONS))
    for name, value in given.items():
        if name not in MAY_CHANGE_ON_RESUME and value != (config.to_dict() | config.model_args).get(name):
            raise ValueError(f"--{name.replace('_', '-')} cannot be changed on --resume; the run in {out} has its own")
    length = {name: value for name, value in given.items() if name in MAY_CHANGE_ON_RESUME}
    for name in {"epochs", "minutes"} & set(length):
        if getattr(config, name) is None:
            raise ValueError(f"the run in {out} is not counted in {name}, so --{name} cannot change it")
    return dataclasses.replace(config, **length)


def open_training_data(config: TrainConfig) -> Any:
    """The split "train", with random changes."""
    transforms = train_transforms(0.5 * config.hflip, 0.5 * config.vflip, config.scale_jitter)
    return open_dataset(config.data, "train", transforms=transforms)


def open_evaluation_data(source: str, split: str | None, classes: Sequence[str]) -> tuple[Any, str]:
    """A split to measure on, and its name; None: "val" if there is one, else "test"."""
    if split is not None:
        return open_dataset(source, split, classes=classes), split
    try:
        return open_dataset(source, "val", classes=classes), "val"
    except ValueError as error:
        with contextlib.suppress(ValueError):
            return open_dataset(source, "test", classes=classes), "test"
        raise error


def print_plan(
    model: nn.Module, train_data: Any, val_data: Any, split: str, config: TrainConfig, device: torch.device, out: Path
) -> None:
    """Say what is going to happen and how long it will take, before it happens."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    classes = ", ".join(train_data.classes[1:7]) + (", …" if len(train_data.classes) > 7 else "")
    print(
        f"model    {config.model}: {parameters / 1e6:.1f} million parameters, {len(train_data.classes) - 1} classes ({classes})"
    )
    print(
        f"data     {config.data}: {len(train_data)} training images, {len(val_data)} for evaluation (split {split!r})"
    )
    for data in (train_data, val_data):
        if getattr(data, "summary", ""):
            print(f"         {data.summary}")
    print(f"device   {device}, {config.batch_size} images a step")
    print(f"output   {out}", flush=True)
    steps = steps_per_epoch(train_data, config)
    ends = f"ends after {duration(60 * config.minutes)}" if config.minutes is not None else ""
    if device.type != "cpu":  # the bar will tell soon enough
        print(f"time     {ends or f'{config.epochs} epochs of {steps} steps'}\n", flush=True)
        return
    step = time_a_step(model, train_data, config, device)
    ends = ends or f"{config.epochs} epochs about {duration(steps * step * (config.epochs or 0))}"
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


def draw_run(out: Path, state: RunState, found: Evaluation, data: Any, count: int = 12) -> None:
    """Draw the curves and the detections on some validation images, spread over the data."""
    from .viz import detection_sheet, plot_losses, plot_metrics, save_figure

    chosen = [round(i * (len(data) - 1) / max(count - 1, 1)) for i in range(min(count, len(data)))]
    images, targets = zip(*(data[i] for i in chosen))
    sheet = detection_sheet(images, [found.detections[i] for i in chosen], targets, data.classes)
    figures = {"losses.png": plot_losses(state.history), "detections.png": sheet}
    if all(epoch["AP"] is not None for epoch in state.epochs):
        figures["average_precision.png"] = plot_metrics(state.epochs)
    for name, figure in figures.items():
        save_figure(figure, out / name)


# ------------------------------------------------------------------------------------------------- evaluate and detect


def run_evaluate(options: argparse.Namespace) -> None:
    """Measure a trained model."""
    device = pick_device(options.device)
    model, classes, config = load_model(options.checkpoint)
    source = options.data or config.data
    data, split = open_evaluation_data(source, options.split, classes)
    found = evaluate(model.to(device), data, device=device, batch_size=options.batch_size, progress=True)
    if options.json:
        write_text(options.json, json.dumps(found.metrics, indent=1) + "\n")
    print(f"{coco_table(found.metrics)}\n\n{len(data)} images of {source}, split {split!r}")


@torch.no_grad()
def run_detect(options: argparse.Namespace) -> None:
    """Draw what a trained model finds in pictures."""
    from .viz import draw_detections, save_figure

    if not 0 <= options.score_threshold <= 1:
        raise ValueError(f"--score-threshold is {options.score_threshold}; expected 0 to 1")
    device = pick_device(options.device)
    files = find_images(options.images)
    names = drawing_names(files)
    for name in (*names, "detections.json"):
        if (options.out / name).exists():
            raise ValueError(f"{options.out / name} exists already; choose another --out")
    model, classes, _ = load_model(options.checkpoint)
    model.to(device)
    results: list[dict[str, Any]] = []
    unreadable: list[ValueError] = []
    for file, name in zip(tqdm(files, "detecting", leave=False, disable=None), names):
        try:
            image = load_image(file)
        except ValueError as error:  # one bad file among many must not stop the rest
            unreadable.append(error)
            continue
        found = model([image.to(device)])[0]
        found = {key: value[found["scores"] >= options.score_threshold].cpu() for key, value in found.items()}
        results.append({"file": str(file)} | {key: value.tolist() for key, value in found.items()})
        results[-1]["names"] = [classes[label] for label in results[-1]["labels"]]
        axes = draw_detections(image, found["boxes"], found["labels"], found["scores"], classes=classes)
        save_figure(axes.figure, options.out / name)  # type: ignore[arg-type]  # no subfigure
    if not results:
        raise unreadable[0]
    for reason in unreadable:
        print(f"left out: {reason}", file=sys.stderr)
    write_text(options.out / "detections.json", json.dumps(results, indent=1) + "\n")
    total = sum(len(result["labels"]) for result in results)
    print(f"{total} objects in {len(results)} pictures; drawings and detections.json are in {options.out}/")


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The files given, and the images directly in the folders given, in alphabetical order."""
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"there is no file or folder {path}")
        if path.is_dir():
            inside = sorted(child for child in path.iterdir() if child.suffix.lower() in IMAGE_SUFFIXES)
            if not inside:
                raise ValueError(f"the folder {path} holds no image ({', '.join(IMAGE_SUFFIXES)})")
            files += inside
        else:
            files.append(path)
    return files


def drawing_names(files: Sequence[Path]) -> list[str]:
    """A name for each drawing, all different: a.jpg → a.png, a second one → a-2.png."""
    names: list[str] = []
    for file in files:
        name, number = f"{file.stem}.png", 2
        while name in names:
            name, number = f"{file.stem}-{number}.png", number + 1
        names.append(name)
    return names


def run_figures(options: argparse.Namespace) -> None:
    """Draw the figures of the course."""
    from .viz.figures import draw_all

    for path in draw_all(options.out):
        print(path)


# -------------------------------------------------------------------------------------------------------------- options


def make_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m frcnn_edu",
        description="Faster R-CNN with a feature pyramid: train it, measure it, look at what it finds.",
        epilog=EXAMPLES["main"],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_train(_command(commands, "train", run_train, "train a model on shapes, a VOC folder or a COCO file"))
    _add_evaluate(_command(commands, "evaluate", run_evaluate, "measure the average precision of a trained model"))
    _add_detect(_command(commands, "detect", run_detect, "draw what a trained model finds in pictures"))
    figures = _command(commands, "figures", run_figures, "draw the figures of the course")
    figures.add_argument("--out", type=Path, default=Path("figures"), metavar="DIR", help="where to (default: figures)")
    return parser


def _command(commands: Any, name: str, run: Callable, summary: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=EXAMPLES[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    # An option that is not given is None here: then the preset of the model and the data decides.
    add = parser.add_argument
    add("--data", metavar="DATA", help="shapes (built in, the default), a Pascal VOC folder, or a COCO json file")
    add("--out", type=Path, metavar="DIR", help="the run folder (default: runs/DATA-DATE-TIME)")
    add(
        "--minutes",
        type=float,
        metavar="M",
        help="train this long, evaluation included (small model: shapes 6, photographs 10)",
    )
    add(
        "--epochs",
        type=int,
        metavar="N",
        help="train for this many passes over the data (large models: photographs 26, shapes 6)",
    )
    add("--resume", action="store_true", help="go on with the run in --out")
    add("--seed", type=int, metavar="S", help="the same seed gives the same run (default: 0)")
    add("--device", metavar="D", help="cuda, cuda:1, mps or cpu (default: the best there is)")
    add(
        "--evaluate-on",
        choices=("val", "test"),
        help="the split of the final table (default: val, or test without one)",
    )

    group = parser.add_argument_group("model")
    add = group.add_argument
    add("--model", choices=list(MODELS), help="default: small on a CPU, resnet50_fpn on a GPU")
    add("--weights", metavar="W", help="start from a trained detector: DEFAULT (downloaded), or a file")
    add("--weights-backbone", metavar="W", help="start from a pretrained body: DEFAULT (downloaded), or a file")
    add("--min-size", type=int, metavar="PIXELS", help="images are resized so that the shorter side has this length …")
    add("--max-size", type=int, metavar="PIXELS", help="… and the longer side at most this")

    group = parser.add_argument_group("recipe (the defaults are presets that work)")
    add = group.add_argument
    add("--batch-size", type=int, metavar="N", help="images a step")
    add("--optimizer", choices=("adamw", "sgd"))
    add("--lr", type=float, help="the highest learning rate")
    add("--momentum", type=float, help="of SGD")
    add("--weight-decay", type=float)
    add("--warmup-steps", type=int, metavar="N", help="steps until the learning rate is reached")
    add("--schedule", choices=("cosine", "multistep"), help="how the learning rate falls")
    add("--grad-clip", type=float, metavar="NORM", help="shorten gradients that are longer than this")
    for name, what in (
        ("hflip", "mirror half of the images left to right"),
        ("vflip", "mirror half of the images top to bottom: for views from above and microscopes"),
    ):
        add(f"--{name}", action=argparse.BooleanOptionalAction, default=None, help=what)
    add(
        "--scale-jitter",
        type=float,
        nargs=2,
        metavar=("MIN", "MAX"),
        help="change sizes by random factors, such as 0.7 1.4",
    )

    group = parser.add_argument_group("speed")
    add = group.add_argument
    add("--workers", type=int, metavar="N", help="processes that load images (small model: 0, large: 4)")
    add("--amp", action=argparse.BooleanOptionalAction, default=None, help="bfloat16 where it is enough (GPU)")
    add("--channels-last", action=argparse.BooleanOptionalAction, default=None, help="another memory layout (GPU)")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    _add_checkpoint(parser)
    add("--data", metavar="DATA", help="shapes, a VOC folder or a COCO json file (default: what it was trained on)")
    add("--split", choices=("train", "val", "test"), help="default: val, or test where there is no val")
    add("--json", type=Path, metavar="FILE", help="also write the numbers to this file")
    add("--batch-size", type=int, default=4, metavar="N", help="images at a time (default: 4)")
    add("--device", metavar="D", help="cuda, cuda:1, mps or cpu (default: the best there is)")


def _add_detect(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("images", type=Path, nargs="+", metavar="IMAGE_OR_FOLDER", help="pictures, or folders of pictures")
    _add_checkpoint(parser)
    add("--out", type=Path, default=Path("detections"), metavar="DIR", help="where to (default: detections)")
    add("--score-threshold", type=float, default=0.5, metavar="S", help="leave out what scores less (default: 0.5)")
    add("--device", metavar="D", help="cuda, cuda:1, mps or cpu (default: the best there is)")


def _add_checkpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=SHIPPED,
        metavar="FILE",
        help="model.safetensors or checkpoint.pt of a run (default: the shapes model in this package)",
    )


def _given(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _slug(source: str) -> str:
    """A data source as part of a folder's name."""
    return re.sub(r"\W+", "-", Path(os.path.abspath(source)).stem).strip("-") or "data"
