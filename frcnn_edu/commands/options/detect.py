"""The options of `detect`."""

import argparse
from pathlib import Path

from ...training.run_folder import check_exists
from ..image_files import drawing_names, find_images
from .command import Command, add_checkpoint, add_device, check_output_folder


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("images", type=Path, nargs="+", metavar="IMAGE_OR_FOLDER", help="images, or folders of images")
    add_checkpoint(parser)
    add("--out", type=Path, default=Path("detections"), metavar="DIR", help="output folder (default: detections)")
    add("--score-threshold", type=float, default=0.5, metavar="S", help="leave out what scores less (default: 0.5)")
    add_device(parser)


def check(options: argparse.Namespace) -> None:
    if not 0 <= options.score_threshold <= 1:
        raise ValueError(f"--score-threshold is {options.score_threshold}; expected 0 to 1")
    check_output_folder(options, "out")
    for name in (*drawing_names(find_images(options.images)), "detections.json"):
        if (options.out / name).exists():
            raise ValueError(f"{options.out / name} exists already; choose another --out")
    check_exists(options.checkpoint)


def run(options: argparse.Namespace) -> None:
    from ..detect import run_detect

    run_detect(options)


DETECT = Command("detect", "draw what a trained model finds in images", add_options, check, run)
