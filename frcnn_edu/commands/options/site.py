"""The options of `site`."""

import argparse
import re
from pathlib import Path

from .command import Command, check_installed, check_output_folder


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("site"), metavar="DIR", help="output folder (default: site)")
    parser.add_argument(
        "--repository",
        default="",
        metavar="URL",
        help="where readers can clone the project: a page then says so (default: none does)",
    )
    parser.add_argument(
        "--executed",
        type=_language_and_folder,
        action="append",
        default=[],
        metavar="LANGUAGE=DIR",
        help="take the pictures of a language's pages from notebooks that were executed in it (default: they are in English)",
    )


def _language_and_folder(text: str) -> tuple[str, Path]:
    language, equals, folder = text.partition("=")
    if not equals or not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2})?", language):
        raise argparse.ArgumentTypeError(
            f"invalid value: {text!r} (expected a language and a folder, such as zh_CN=course)"
        )
    if not any(Path(folder).glob("*.ipynb")):
        raise argparse.ArgumentTypeError(f"there are no notebooks in {folder}")
    return language, Path(folder)


def check(options: argparse.Namespace) -> None:
    from ...site.folder import check_replaceable

    if options.repository and not re.fullmatch(r"https?://[\w.:/~-]+", options.repository):
        raise ValueError(
            f"--repository: expected an address that begins with http:// or https://, got {options.repository!r}"
        )
    check_output_folder(options, "out")
    check_replaceable(options.out)
    check_installed("nbformat", "sphinx", "myst_parser", "latex2mathml", "ziamath", "fontTools", "polib")


def run(options: argparse.Namespace) -> None:
    from ..site import run_site

    run_site(options)


SITE = Command("site", "write the course as a web site", add_options, check, run)
