"""`evaluate`: COCO's table for a trained model."""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from ..data import open_dataset
from ..data.sources import evaluation_split
from ..training import coco_table, evaluate, load_model, pick_device
from ..training.files import write_text


def run_evaluate(options: argparse.Namespace) -> None:
    """Measure a trained model."""
    device = pick_device(options.device)
    model, classes, config = load_model(options.checkpoint)
    source = options.data or config.data
    data, split = open_evaluation_data(source, options.split, classes)
    found = evaluate(model.to(device), data, device=device, batch_size=options.batch_size, progress=True)
    print(f"{coco_table(found.metrics)}\n\n{len(data)} images of {source}, split {split!r}", flush=True)
    if options.json:
        write_text(options.json, json.dumps(found.metrics, indent=1) + "\n")
    if options.report:
        from ..watch.report import write_report

        write_report(options.report, found, data, dataclasses.replace(config, data=str(source)), split=split)


def open_evaluation_data(
    source: str, split: str | None, classes: Sequence[str], strict: bool = False
) -> tuple[Any, str]:
    """A split to measure on, and its name; None: "val" if there is one, else "test". `strict` as for `open_dataset`."""
    split = split or evaluation_split(source)
    return open_dataset(source, split, classes=classes, strict=strict), split
