"""The options of `evaluate`."""

import argparse
from pathlib import Path

from ...data.sources import check_split, evaluation_split
from ...data.splits import SPLITS
from ...training.run_folder import check_exists
from .command import Command, add_checkpoint, add_device, check_at_least, check_output_file


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add_checkpoint(parser)
    add("--data", metavar="DATA", help="shapes, a VOC folder or a COCO json file (default: what it was trained on)")
    add("--split", choices=SPLITS, help="default: val, or test where there is no val")
    add("--json", type=Path, metavar="FILE", help="also write the numbers to this file")
    add("--report", type=Path, metavar="FILE", help="also write errors by kind and the worst images to this HTML file")
    add("--batch-size", type=int, default=4, metavar="N", help="images at a time (default: 4)")
    add_device(parser)


def check(options: argparse.Namespace) -> None:
    check_at_least(1, options, "batch_size")
    check_output_file(options, "json")
    check_output_file(options, "report")
    check_exists(options.checkpoint)
    if options.data is not None:
        check_split(options.data, options.split or evaluation_split(options.data))


def run(options: argparse.Namespace) -> None:
    from ..evaluate import run_evaluate

    run_evaluate(options)


EVALUATE = Command("evaluate", "measure the average precision of a trained model", add_options, check, run)
