"""The options of `notebooks`."""

import argparse
from pathlib import Path

from ...notebook_checks.find import find_notebooks
from .command import Command, check_installed, check_output_folder


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="beginnings of file names (default: all)")
    add(
        "--folder",
        type=Path,
        default=Path("notebooks"),
        metavar="DIR",
        help="folder with the notebooks (default: notebooks)",
    )
    add("--copy-to", type=Path, metavar="DIR", help="write the notebooks of the course to this folder instead")
    add(
        "--statistics",
        action="store_true",
        help="instead of executing them, count their words, minutes, code and asserts",
    )


def check(options: argparse.Namespace) -> None:
    if options.copy_to is not None:
        check_output_folder(options, "copy_to")
        return
    if options.statistics:
        check_installed("nbformat")
        find_notebooks(options.folder, options.names)
        return
    check_installed("nbclient", "nbformat", "ipykernel", "ipywidgets", "anywidget")
    find_notebooks(options.folder, options.names)


def run(options: argparse.Namespace) -> int | None:
    if options.copy_to is not None:
        from ..copy_notebooks import run_copy_notebooks

        run_copy_notebooks(options)
        return None
    if options.statistics:
        from ..notebook_statistics import run_statistics

        return run_statistics(options)
    from ..notebooks import run_notebooks

    run_notebooks(options)
    return None


NOTEBOOKS = Command(
    "notebooks", "execute the notebooks of the course in place, or count what is in them", add_options, check, run
)
