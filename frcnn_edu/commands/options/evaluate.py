"""The options of `evaluate`."""

import argparse
from pathlib import Path

from ...data.formats.layout import ALL
from ...data.sources import check_split, measured_split
from ...data.splits import SPLITS
from .command import (
    Command,
    add_checkpoint,
    add_device,
    add_images,
    add_max_detections,
    add_weights,
    check_at_least,
    check_model,
    check_output_file,
    check_score_threshold,
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add_checkpoint(parser)
    add_weights(parser)
    add(
        "--data",
        metavar="DATA",
        help="shapes, or a folder or file of annotated images (default: what the model was trained on)",
    )
    add_images(parser)
    add(
        "--split",
        choices=(*SPLITS, ALL),
        help="split to measure (default: all of a file or of a folder without splits; otherwise val, or test if there is no val)",
    )
    add("--json", type=Path, metavar="FILE", help="also write the numbers to this file")
    add("--report", type=Path, metavar="FILE", help="also write errors by kind and the worst images to this HTML file")
    add(
        "--score-threshold",
        type=float,
        default=0.5,
        metavar="S",
        help="lowest score of a detection for precision, recall, F1 and the confusion matrix (default: 0.5)",
    )
    add_max_detections(parser)
    add("--batch-size", type=int, default=4, metavar="N", help="images at a time (default: 4)")
    add_device(parser)


def check(options: argparse.Namespace) -> None:
    if options.batch_size < 1:  # in the words of `TrainConfig`
        raise ValueError(f"--batch-size is {options.batch_size}; expected at least 1")
    check_score_threshold(options)
    check_at_least(1, options, "max_detections")
    check_output_file(options, "json")
    check_output_file(options, "report")
    check_model(options)
    if options.weights is not None and options.data is None:
        raise ValueError("--weights needs --data, because it is not known what the weights were trained on")
    if options.data is not None:
        check_split(options.data, options.split or measured_split(options.data, options.images), options.images)
    elif options.images is not None:
        raise ValueError("--images needs --data, because it is the folder of that data set's images")


def run(options: argparse.Namespace) -> None:
    from ..evaluate import run_evaluate

    run_evaluate(options)


EVALUATE = Command("evaluate", "measure the average precision of a trained model", add_options, check, run)
