"""The options of `notebooks`."""

import argparse
import re
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
    add(
        "--extract",
        action="store_true",
        help="bring the catalogues of translations in locale/ up to date with the English notebooks and pages",
    )
    add(
        "--shown",
        type=Path,
        metavar="FILE",
        help="with --extract, only the catalogues of what pictures and explorers show, which was noted in this file",
    )
    add(
        "--language",
        metavar="CODE",
        help="write the notebooks and pages in this language, such as zh_CN, from its catalogues; "
        "with --copy-to, copy its notebooks; with --extract, only its catalogues",
    )


def check(options: argparse.Namespace) -> None:
    if options.copy_to is not None:
        check_output_folder(options, "copy_to")
        return
    if options.shown is not None and not options.extract:
        raise ValueError("--shown needs --extract")
    if options.extract or options.language is not None:
        check_installed("nbformat", "polib", "markdown_it", "mdit_py_plugins", "babel")
        _check_language(options)
        return
    if options.statistics:
        check_installed("nbformat")
        find_notebooks(options.folder, options.names)
        return
    check_installed("nbclient", "nbformat", "ipykernel", "ipywidgets", "anywidget")
    find_notebooks(options.folder, options.names)


def _check_language(options: argparse.Namespace) -> None:
    """Raises an error for a language that has no folder in locale/, unless `--extract` makes it, and for a file that does not exist."""
    if options.shown is not None and not options.shown.is_file():
        raise ValueError(f"--shown {options.shown}: there is no such file")
    folder = options.folder.absolute().parent / "locale"
    known = sorted(path.name for path in folder.glob("*") if path.is_dir())
    language = options.language
    if language is not None and not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2})?", language):
        raise ValueError(f"--language {language}: expected a code such as zh_CN or de")
    if language is not None and not options.extract and language not in known:
        raise ValueError(f"--language {language}: {folder} has no such folder; it has {', '.join(known) or 'none'}")
    if language is None and not known:
        raise ValueError(f"there are no languages in {folder}; name a new one with --language CODE")


def run(options: argparse.Namespace) -> int | None:
    if options.copy_to is not None:
        from ..copy_notebooks import run_copy_notebooks

        run_copy_notebooks(options)
        return None
    if options.extract:
        from ..translations import run_extract

        run_extract(options)
        return None
    if options.language is not None:
        from ..translations import run_translate

        return run_translate(options)
    if options.statistics:
        from ..notebook_statistics import run_statistics

        return run_statistics(options)
    from ..notebooks import run_notebooks

    run_notebooks(options)
    return None


NOTEBOOKS = Command(
    "notebooks",
    "execute the notebooks of the course in place, count what is in them, or translate them",
    add_options,
    check,
    run,
)
