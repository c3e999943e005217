"""What makes a command, and what options of several commands have in common."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...catalogue import SHIPPED_WEIGHTS


@dataclass(frozen=True)
class Command:
    """A command of the command line.

    Attributes:
        name, summary: as `--help` lists it.
        add_options: adds the options to a parser.
        check: raises ValueError or OSError for a mistake in the options that shows without PyTorch.
        run: does the work; imports what it needs, PyTorch too.
    """

    name: str
    summary: str
    add_options: Callable[[argparse.ArgumentParser], None]
    check: Callable[[argparse.Namespace], None]
    run: Callable[[argparse.Namespace], None]


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    """`--checkpoint`, the trained model to use."""
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=SHIPPED_WEIGHTS,
        metavar="FILE",
        help="model.safetensors or checkpoint.pt of a run (default: the shapes model in this package)",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """`--device`, where to compute."""
    parser.add_argument("--device", metavar="D", help="cuda, cuda:1, mps or cpu (default: the best there is)")


def add_image_sizes(parser: argparse._ActionsContainer) -> None:
    """`--min-size` and `--max-size`, to which images are resized."""
    add = parser.add_argument
    add("--min-size", type=int, metavar="PIXELS", help="images are resized so that the shorter side has this length …")
    add("--max-size", type=int, metavar="PIXELS", help="… and the longer side at most this")


def check_at_least(least: int, options: argparse.Namespace, *names: str) -> None:
    """Raises `ValueError` if one of the named options, or one of its several values, is given and smaller."""
    for name in names:
        value = getattr(options, name)
        for number in value if isinstance(value, list) else [value]:
            if number is not None and number < least:
                raise ValueError(f"--{name.replace('_', '-')} {number}: expected {least} or more")
