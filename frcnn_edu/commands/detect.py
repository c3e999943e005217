"""`detect`: what a trained model finds in images."""

import argparse
import json
import sys
from typing import Any

import torch
from tqdm import tqdm

from ..data import load_image
from ..training import load_model, pick_device
from ..training.files import write_text
from .image_files import drawing_names, find_images


@torch.no_grad()
def run_detect(options: argparse.Namespace) -> None:
    """Draw what a trained model finds in images."""
    from ..viz import draw_detections, save_figure

    device = pick_device(options.device)
    files = find_images(options.images)
    model, classes, _ = load_model(options.checkpoint)
    model.to(device).requires_grad_(False)
    results: list[dict[str, Any]] = []
    unreadable: list[ValueError] = []
    for file, name in zip(tqdm(files, "detecting", leave=False, disable=None), drawing_names(files)):
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
    print(f"objects: {total}, images: {len(results)}; drawings and detections.json are in {options.out}/")
