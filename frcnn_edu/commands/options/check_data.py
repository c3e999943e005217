"""The options of `check-data`."""

import argparse
from pathlib import Path

from ...catalogue import MODEL_NAMES, check_model_name
from ...data.sources import check_split, existing_splits
from ...data.splits import SPLITS
from .command import Command, add_image_sizes, add_images, check_at_least, check_one_of, check_output_folder


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("data", metavar="PATH", help="a folder or file as your annotation tool exported it, or shapes")
    add_images(parser)
    add("--split", nargs="+", choices=SPLITS, help="splits to check (default: all there are)")
    add("--out", type=Path, default=Path("data-report"), metavar="DIR", help="output folder (default: data-report)")
    add("--strict", action="store_true", help="exit with status 2 if anything cannot be used")
    names = ", ".join(MODEL_NAMES)
    add(
        "--model",
        metavar="M",
        help=f"model whose levels and anchors are used: {names}, or timm:BACKBONE (default: what train would choose)",
    )
    add_image_sizes(parser)


def check(options: argparse.Namespace) -> None:
    if options.model is not None:
        check_model_name(options.model)
    splits = options.split or existing_splits(options.data, options.images)
    if not splits:
        raise ValueError(f"{options.data} has none of the splits train, val and test")
    check_one_of(lambda split: check_split(options.data, split, options.images), splits)  # the others are left out
    check_at_least(1, options, "min_size", "max_size")
    check_output_folder(options, "out")


def run(options: argparse.Namespace) -> None:
    from ..check_data import run_check_data

    run_check_data(options)


CHECK_DATA = Command("check-data", "report on a data set before training on it", add_options, check, run)
