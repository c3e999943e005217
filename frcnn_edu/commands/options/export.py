"""The options of `export`."""

import argparse
from pathlib import Path

from ...training.run_folder import check_exists
from ..image_files import find_images
from .command import Command, add_checkpoint, check_at_least, check_installed, check_output_file


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add_checkpoint(parser)
    add("--out", type=Path, default=Path("model.onnx"), metavar="FILE", help="output file (default: model.onnx)")
    add(
        "--height",
        type=int,
        metavar="H",
        help="height of the images that the file will accept (default: that of the images it is compared on)",
    )
    add("--width", type=int, metavar="W", help="their width; the size is fixed, so resize other images to it")
    add("--images", type=Path, nargs="+", metavar="IMAGE", help="images to compare on (default: those evaluated on)")


def check(options: argparse.Namespace) -> None:
    if (options.height is None) != (options.width is None):
        raise ValueError("give --height and --width, or neither")
    check_at_least(1, options, "height", "width")
    check_output_file(options, "out")
    check_installed("onnx", "onnxscript", "onnxruntime")
    check_exists(options.checkpoint)
    find_images(options.images or [])


def run(options: argparse.Namespace) -> None:
    from ..export import run_export

    run_export(options)


EXPORT = Command("export", "write a trained model as ONNX, and check it in onnxruntime", add_options, check, run)
