"""The options of `figures`."""

import argparse
from pathlib import Path

from .command import Command, check_output_folder


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("figures"), metavar="DIR", help="output folder (default: figures)"
    )


def check(options: argparse.Namespace) -> None:
    check_output_folder(options, "out")


def run(options: argparse.Namespace) -> None:
    from ..figures import run_figures

    run_figures(options)


FIGURES = Command("figures", "draw the figures of the course", add_options, check, run)
