"""The options of `check-data`."""

import argparse
from pathlib import Path

from ...catalogue import MODEL_NAMES
from ...data.sources import kind_of
from ...data.splits import SPLITS
from .command import Command, add_image_sizes, check_at_least


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("data", metavar="PATH", help="a Pascal VOC folder, a COCO json file, or the folder PennFudanPed")
    add("--split", nargs="+", choices=SPLITS, help="default: all there are")
    add("--out", type=Path, default=Path("data-report"), metavar="DIR", help="for the figure (default: data-report)")
    add("--strict", action="store_true", help="end with status 2 if anything cannot be used")
    add("--model", choices=MODEL_NAMES, help="whose levels and anchors (default: what train would choose)")
    add_image_sizes(parser)


def check(options: argparse.Namespace) -> None:
    kind_of(options.data)
    check_at_least(1, options, "min_size", "max_size")


def run(options: argparse.Namespace) -> None:
    from ..check_data import run_check_data

    run_check_data(options)


CHECK_DATA = Command("check-data", "report on a data set before training on it", add_options, check, run)
