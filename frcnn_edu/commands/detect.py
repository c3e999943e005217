"""`detect`: what a trained model finds in images."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..data import load_image
from ..data.exposure import exposure
from ..data.findings import Findings, in_words
from ..data.names import readable
from ..exceptions import CannotContinue
from ..training import pick_device
from ..training.files import write_text
from ..training.interrupts import interruptible
from .image_files import drawing_names, search_images
from .trained_model import load_named, most_detections, set_limits


@dataclass
class Detected:
    """What became of the images so far.

    Attributes:
        results: one dict for each image, as in `detections.json`.
        left_out: one line for each file that could not be used, with the reason.
        noted: other notes on images.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    noted: Findings = field(default_factory=Findings)


def run_detect(options: argparse.Namespace) -> int:
    """Draw what a trained model finds in images. Files that cannot be used are left out, and make the exit status 1.

    If it is stopped, what was found so far is kept.
    """
    device = pick_device(options.device)
    images = search_images(options.images, recursive=options.recursive, but=options.out)
    model, classes, _, note = load_named(options)
    set_limits(model, options.score_threshold, options.max_detections)
    model.to(device).requires_grad_(False)
    for line in (*note, *images.notes):
        print(f"note: {line}", file=sys.stderr)
    detected = Detected(left_out=list(images.problems))
    try:
        detect_all(model, classes, images.files, options.out, options.score_threshold, detected)
    finally:
        if detected.results:
            write_text(options.out / "detections.json", json.dumps(detected.results, indent=1) + "\n")
            report(detected, len(images.files) + len(images.problems), options.out)
    if len(detected.left_out) > 1 and not detected.results:
        print_left_out(detected)
        raise CannotContinue(f"none of the {len(detected.left_out)} files can be used")
    if not detected.results:
        raise CannotContinue(detected.left_out[0])
    return 1 if detected.left_out else 0


@torch.no_grad()
def detect_all(
    model: nn.Module, classes: Sequence[str], files: Sequence[Path], out: Path, threshold: float, detected: Detected
) -> None:
    """Detect objects in image files, draw each file into the folder `out`, and add what was found to `detected`.

    Raises:
        KeyboardInterrupt: after Ctrl-C or a signal to end, when the current image is finished.
        OSError: a drawing cannot be written.
    """
    from ..viz import draw_detections, save_figure

    device = next(model.parameters()).device
    most = most_detections(model)
    with interruptible() as stopped:
        for file, name in zip(tqdm(files, "detecting", leave=False, disable=None), drawing_names(files)):
            if stopped():
                raise KeyboardInterrupt
            try:
                image = load_image(file)
                found = above(threshold, model([image.to(device)])[0])
                axes = draw_detections(image, found["boxes"], found["labels"], found["scores"], classes=classes)
                save_figure(axes.figure, out / name)  # type: ignore[arg-type]  # no subfigure
            except (ValueError, RuntimeError, MemoryError) as error:  # a bad file costs only itself
                detected.left_out.append(reason_for(file, error))
                continue
            numbers = {key: value.tolist() for key, value in found.items()}
            names = [classes[label] for label in numbers["labels"]]
            detected.results.append({"file": str(file), **numbers, "names": names, "drawing": name})
            if odd := exposure(image):
                detected.noted.note(f"images that are {odd}", str(file))
            if len(names) >= most:
                full = f"images with {most} detections, the most that are kept (--max-detections N keeps more)"
                detected.noted.note(full, str(file))


def above(threshold: float, found: dict[str, Tensor]) -> dict[str, Tensor]:
    """The detections of an image that score `threshold` or more, on the CPU."""
    return {key: value[found["scores"] >= threshold].cpu() for key, value in found.items()}


def reason_for(file: Path, error: Exception) -> str:
    """Why a file is left out, in one line that names it."""
    words = readable(" ".join(str(error).split()) or type(error).__name__, 500)
    name = readable(str(file), 300)
    return words if name in words else f"{name}: {words}"


def print_left_out(detected: Detected) -> None:
    for reason in detected.left_out:
        print(f"left out: {reason}", file=sys.stderr)


def report(detected: Detected, total: int, out: Path) -> None:
    """Print what was left out and why, what else is worth knowing, and how much was found where.

    Args:
        total: number of files that were given.
    """
    print_left_out(detected)
    if detected.noted.noted:
        print(f"note: {in_words(detected.noted.noted)}", file=sys.stderr)
    objects = sum(len(result["labels"]) for result in detected.results)
    failed = f", left out: {len(detected.left_out)}" if detected.left_out else ""
    missing = total - len(detected.results) - len(detected.left_out)
    not_looked_at = f", not looked at: {missing}" if missing > 0 else ""
    images = f"images: {len(detected.results)}{failed}{not_looked_at}"
    print(f"objects: {objects}, {images}; drawings and detections.json are in {readable(str(out), 300)}/")
