"""The class of a command, and the options that several commands share."""

import argparse
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...catalogue import SHIPPED_WEIGHTS
from ...data.names import class_names, clean_name
from ...extras import advice
from ...training.run_folder import check_exists


@dataclass(frozen=True)
class Command:
    """A command of the command line.

    Attributes:
        name, summary: as `--help` lists them.
        add_options: adds the options to a parser.
        check: raises ValueError or OSError for a mistake in the options that can be found without PyTorch.
        run: does the work; imports what it needs, including PyTorch. Returns the exit status, or None for 0.
    """

    name: str
    summary: str
    add_options: Callable[[argparse.ArgumentParser], None]
    check: Callable[[argparse.Namespace], None]
    run: Callable[[argparse.Namespace], int | None]


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    """`--checkpoint`, the trained model to use."""
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=SHIPPED_WEIGHTS,
        metavar="FILE",
        help="model.safetensors or checkpoint.pt of a run (default: the shapes model in this package)",
    )


def add_weights(parser: argparse.ArgumentParser) -> None:
    """`--weights`, a detector that was trained elsewhere, instead of `--checkpoint`."""
    parser.add_argument(
        "--weights",
        metavar="W",
        help="use these weights instead: DEFAULT (torchvision's for COCO's 80 classes, downloaded), or a .pth file of torchvision's",
    )
    parser.add_argument(
        "--classes",
        type=_class_names,
        metavar="A,B,…",
        help="names of the classes, starting with label 1, for weights that do not contain them",
    )


def check_model(options: argparse.Namespace) -> None:
    """Raises an error if `--checkpoint` and `--weights` are both given, or one of them is a file that does not exist."""
    if options.weights is None:
        if options.classes is not None:
            raise ValueError("--classes needs --weights, because a checkpoint contains the names of its classes")
        check_exists(options.checkpoint)
        return
    if options.checkpoint != SHIPPED_WEIGHTS:
        raise ValueError("give --checkpoint or --weights, not both")
    path = Path(options.weights)
    only_a_file = len(path.parts) > 1 or path.suffix.islower()  # weights/a.pth, not the name of published weights
    if only_a_file and not path.is_file():
        raise ValueError(f"--weights {path}: there is no such file")


def _class_names(text: str) -> tuple[str, ...]:
    """Split names at commas into names by label, with the background first."""
    names = [clean_name(name) for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"invalid value: {text!r} (expected names separated by commas)")
    try:
        return class_names(names)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_max_detections(parser: argparse.ArgumentParser) -> None:
    """`--max-detections`, the model's `box_detections_per_img`."""
    parser.add_argument(
        "--max-detections",
        type=int,
        metavar="N",
        help="keep the best N detections per image (default: 100)",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """`--device`, the device to compute on."""
    parser.add_argument(
        "--device", type=_device, metavar="D", help="cuda, cuda:1, mps or cpu (default: the best available)"
    )


def _device(name: str) -> str:
    """Return a name that a device can have. Whether this machine has the device is checked later, by PyTorch."""
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        raise argparse.ArgumentTypeError(f"invalid value: {name!r} (expected cuda, cuda:1, mps or cpu)")
    return name


def add_images(parser: argparse._ActionsContainer) -> None:
    """`--images`, the folder with the image files of a data set."""
    parser.add_argument("--images", metavar="FOLDER", help="folder of the images, if they are not with the annotations")


def add_image_sizes(parser: argparse._ActionsContainer) -> None:
    """`--min-size` and `--max-size`, to which images are resized."""
    add = parser.add_argument
    add("--min-size", type=int, metavar="PIXELS", help="images are resized so that the shorter side has this length …")
    add("--max-size", type=int, metavar="PIXELS", help="… and the longer side at most this")


def check_at_least(least: int, options: argparse.Namespace, *names: str) -> None:
    """Raises `ValueError` if one of the named options is given and it, or one of its values, is below `least`."""
    for name in names:
        value = getattr(options, name)
        for number in value if isinstance(value, list) else [value]:
            if number is not None and number < least:
                raise ValueError(f"--{name.replace('_', '-')} {number}: expected {least} or more")


def check_score_threshold(options: argparse.Namespace) -> None:
    """Raises `ValueError` if `--score-threshold` is not between 0 and 1."""
    if not 0 <= options.score_threshold <= 1:
        raise ValueError(f"--score-threshold is {options.score_threshold}; expected 0 to 1")


def check_one_of(check: Callable[[Any], None], values: Iterable[Any]) -> None:
    """Raises the first `ValueError` if no value passes a check."""
    errors: list[ValueError] = []
    for value in values:
        try:
            return check(value)
        except ValueError as error:
            errors.append(error)
    raise errors[0]


def check_installed(*packages: str) -> None:
    """Raises `ValueError` if one of these optional packages is not installed."""
    if sentence := advice(*packages):
        raise ValueError(sentence)


def check_output_folder(options: argparse.Namespace, name: str) -> None:
    """Raises `ValueError` if the named option is a path where no folder can be written."""
    path = getattr(options, name)
    if path is not None and path.is_file():
        raise ValueError(f"--{name} {path} is a file; give the name of a folder")
    if path is not None:
        _check_is_folder(name, path, path)


def check_output_file(options: argparse.Namespace, name: str) -> None:
    """Raises `ValueError` if the named option is a path where no file can be written."""
    path = getattr(options, name)
    if path is not None and path.is_dir():
        raise ValueError(f"--{name} {path} is a folder; give the name of a file")
    if path is not None:
        _check_is_folder(name, path, path.parent)


def _check_is_folder(name: str, path: Path, folder: Path) -> None:
    """Check the nearest folder that exists, because missing folders are made in it later."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if not existing.is_dir():
        raise ValueError(f"--{name} {path}: {existing} is a file, not a folder")
    if not os.access(existing, os.W_OK):
        raise ValueError(f"--{name} {path}: the folder {existing} cannot be written to")
