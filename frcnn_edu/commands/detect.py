"""`detect`: what a trained model finds in pictures."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ..data import IMAGE_SUFFIXES, load_image
from ..training import load_model, pick_device
from ..training.files import write_text


@torch.no_grad()
def run_detect(options: argparse.Namespace) -> None:
    """Draw what a trained model finds in pictures."""
    from ..viz import draw_detections, save_figure

    if not 0 <= options.score_threshold <= 1:
        raise ValueError(f"--score-threshold is {options.score_threshold}; expected 0 to 1")
    device = pick_device(options.device)
    files = find_images(options.images)
    names = drawing_names(files)
    for name in (*names, "detections.json"):
        if (options.out / name).exists():
            raise ValueError(f"{options.out / name} exists already; choose another --out")
    model, classes, _ = load_model(options.checkpoint)
    model.to(device).requires_grad_(False)
    results: list[dict[str, Any]] = []
    unreadable: list[ValueError] = []
    for file, name in zip(tqdm(files, "detecting", leave=False, disable=None), names):
        try:
            image = load_image(file)
        except ValueError as error:  # one bad file among many must not stop the rest
            unreadable.append(error)
            continue
        found = model([image.to(device)])[0]
        found = {key: value[found["scores"] >= options.score_threshold].cpu() for key, value in found.items()}
        results.append({"file": str(file)} | {key: value.tolist() for key, value in found.items()})
        results[-1]["names"] = [classes[label] for label in results[-1]["labels"]]
        axes = draw_detections(image, found["boxes"], found["labels"], found["scores"], classes=classes)
        save_figure(axes.figure, options.out / name)  # type: ignore[arg-type]  # no subfigure
    if not results:
        raise unreadable[0]
    for reason in unreadable:
        print(f"left out: {reason}", file=sys.stderr)
    write_text(options.out / "detections.json", json.dumps(results, indent=1) + "\n")
    total = sum(len(result["labels"]) for result in results)
    print(f"objects: {total}, pictures: {len(results)}; drawings and detections.json are in {options.out}/")


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The files given, and the images directly in the folders given, in alphabetical order."""
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"there is no file or folder {path}")
        if path.is_dir():
            inside = sorted(child for child in path.iterdir() if child.suffix.lower() in IMAGE_SUFFIXES)
            if not inside:
                raise ValueError(f"the folder {path} holds no image ({', '.join(IMAGE_SUFFIXES)})")
            files += inside
        else:
            files.append(path)
    return files


def drawing_names(files: Sequence[Path]) -> list[str]:
    """A name for each drawing, all different: a.jpg → a.png, a second one → a-2.png."""
    names: list[str] = []
    for file in files:
        name, number = f"{file.stem}.png", 2
        while name in names:
            name, number = f"{file.stem}-{number}.png", number + 1
        names.append(name)
    return names
