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
    add("--recursive", action="store_true", help="search subfolders, too")
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
    """Make sure that no image is overwritten, and other files only with `overwrite`.

    Raises:
        ValueError: a file would be overwritten; the message names it and says what to do.
    """
    images = {(found.st_dev, found.st_ino) for found in (file.stat() for file in files if file.exists())}
    for name in (*drawings, "detections.json"):
        path = out / name
        if not path.exists():
            continue
        shown = readable(str(path), 300)
        if (path.stat().st_dev, path.stat().st_ino) in images:
            raise ValueError(f"a drawing would overwrite the image {shown}; choose a different --out")
        if path.is_dir():
            raise ValueError(f"{shown} is a folder, but a file has to be written there; choose a different --out")
        if not overwrite:
            raise ValueError(f"{shown} already exists; add --overwrite, or choose a different --out")


def run(options: argparse.Namespace) -> int:
    from ..detect import run_detect

    return run_detect(options)


DETECT = Command("detect", "draw what a trained model finds in images", add_options, check, run)
