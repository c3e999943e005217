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
