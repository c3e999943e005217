"""`evaluate`: COCO's table for a trained model, and what it does at a score threshold."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from ..data import open_dataset
from ..data.names import readable
from ..data.sources import evaluation_split
from ..training import Evaluation, evaluate, join
from ..training.details import measure_details
from ..training.files import write_text
from ..training.tables import alarms_line, class_table, confusion_table, summary_table
from .trained_model import load_named, most_detections, set_limits

COCO_LIMIT = 100  # detections of an image and a class that count for average precision


def run_evaluate(options: argparse.Namespace) -> None:
    """Measure a trained model. Of several processes, which `torchrun` starts, each takes its share of the images."""
    processes, device = join(options.device)
    model, classes, config, notes = load_named(options)
    set_limits(model, options.score_threshold, options.max_detections)
    source = options.data or config.data  # type: ignore[union-attr]  # without a configuration `check` asks for --data
    data, split = open_evaluation_data(source, options.split, classes)
    first = processes.rank == 0
    if first:
        for note in notes:
            print(f"note: {note}", file=sys.stderr)
        print(f"data     {in_words(source, split)}")
        if getattr(data, "summary", ""):
            print(f"         {data.summary}")
        print(flush=True)
    counted = max(COCO_LIMIT, options.max_detections or 0)
    found = evaluate(
        model.to(device), data, device=device, batch_size=options.batch_size, progress=first, processes=processes,
        max_detections=counted,
    )  # fmt: skip
    if not first:
        return
    details = measure_details(found, classes, options.score_threshold)
    print(summary_table(found.metrics), class_table(found.metrics, details), confusion_table(details), sep="\n\n")
    print("\n".join(["", alarms_line(details), *crowded_images(found, most_detections(model), counted)]))
    print(f"\n{len(data)} images of {in_words(source, split)}", flush=True)
    if options.json:
        write_text(options.json, json.dumps(found.metrics | details.to_dict(), indent=1) + "\n")
    if options.report:
        from ..watch.report import write_report

        write_report(
            options.report, found, data, config, split=split, details=details, source=str(source), model=options.weights
        )


def in_words(source: str, split: str) -> str:
    return f"{readable(source, 300)}, split {split!r}"


def crowded_images(found: Evaluation, most: int, counted: int) -> list[str]:
    """A line each on images with as many detections as the model gives, on those with more objects, and on COCO's limit.

    Args:
        most: how many detections of an image the model gives at most.
        counted: how many of them, of each class, count for average precision.
    """
    full = sum(len(detections["scores"]) >= most for detections in found.detections)
    objects = [count for target in found.targets if (count := len(target["labels"])) > most]
    lines = []
    if full:
        lines.append(
            f"full images: {full} of {len(found.detections)} have {most} detections, the most that are kept; "
            "--max-detections N keeps more"
        )
    if objects:
        lines.append(f"crowded images: {len(objects)} have more than {most} objects, up to {max(objects)}")
    if counted != COCO_LIMIT:
        lines.append(
            f"average precision counts {counted} detections of an image and class; COCO's own counts {COCO_LIMIT}"
        )
    return lines


def open_evaluation_data(
    source: str, split: str | None, classes: Sequence[str], strict: bool = False
) -> tuple[Any, str]:
    """A split to measure on, and its name; None: "val" if there is one, else "test". `strict` as for `open_dataset`."""
    split = split or evaluation_split(source)
    return open_dataset(source, split, classes=classes, strict=strict), split
