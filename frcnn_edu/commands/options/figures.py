"""The options of `figures`."""

import argparse
from pathlib import Path

from .command import Command


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("figures"), metavar="DIR", help="where to (default: figures)")


def check(options: argparse.Namespace) -> None:
    """Any folder will do."""


def run(options: argparse.Namespace) -> None:
    from ..figures import run_figures

    run_figures(options)


FIGURES = Command("figures", "draw the figures of the course", add_options, check, run)
