"""The options of `detect`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ...data.names import readable
from ..image_files import drawing_names, search_images
from .command import (
    Command,
    add_checkpoint,
    add_device,
    add_max_detections,
    add_weights,
    check_at_least,
    check_model,
    check_output_folder,
    check_score_threshold,
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("images", type=Path, nargs="+", metavar="IMAGE_OR_FOLDER", help="images, or folders of images")
    add("--recursive", action="store_true", help="search the subfolders of folders, too")
    add_checkpoint(parser)
    add_weights(parser)
    add("--out", type=Path, default=Path("detections"), metavar="DIR", help="output folder (default: detections)")
    add("--overwrite", action="store_true", help="replace what an earlier run left in that folder")
    add(
        "--score-threshold",
        type=float,
        default=0.5,
        metavar="S",
        help="leave out detections that score less (default: 0.5)",
    )
    add_max_detections(parser)
    add_device(parser)


def check(options: argparse.Namespace) -> None:
    check_score_threshold(options)
    check_at_least(1, options, "max_detections")
    check_output_folder(options, "out")
    found = search_images(options.images, recursive=options.recursive, but=options.out)
    if not found.files:
        raise ValueError(found.problems[0])
    check_output_names(options.out, drawing_names(found.files), found.files, options.overwrite)
    check_model(options)


def check_output_names(out: Path, drawings: Sequence[str], files: Sequence[Path], overwrite: bool) -> None:
    """Make sure that no file is overwritten that must not be: never one of the images, and others only if it is wanted.

    Raises:
        ValueError: one would be; names it, and says what to do.
    """
    images = {(found.st_dev, found.st_ino) for found in (file.stat() for file in files if file.exists())}
    for name in (*drawings, "detections.json"):
        path = out / name
        if not path.exists():
            continue
        shown = readable(str(path), 300)
        if (path.stat().st_dev, path.stat().st_ino) in images:
            raise ValueError(f"a drawing would take the place of the image {shown}; choose another --out")
        if path.is_dir():
            raise ValueError(f"{shown} is a folder, where a file is to be written; choose another --out")
        if not overwrite:
            raise ValueError(f"{shown} exists already; add --overwrite, or choose another --out")


def run(options: argparse.Namespace) -> int:
    from ..detect import run_detect

    return run_detect(options)


DETECT = Command("detect", "draw what a trained model finds in images", add_options, check, run)
