"""The options of `notebooks`."""

import argparse
from pathlib import Path

from ...notebook_checks.find import find_notebooks
from .command import Command, check_installed


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="beginnings of file names (default: all)")
    add(
        "--folder",
        type=Path,
        default=Path("notebooks"),
        metavar="DIR",
        help="the folder with the notebooks (default: notebooks)",
    )


def check(options: argparse.Namespace) -> None:
    check_installed("course", "nbclient", "nbformat", "ipykernel")
    find_notebooks(options.folder, options.names)


def run(options: argparse.Namespace) -> None:
    from ..notebooks import run_notebooks

    run_notebooks(options)


NOTEBOOKS = Command("notebooks", "execute the notebooks of the course in place", add_options, check, run)
