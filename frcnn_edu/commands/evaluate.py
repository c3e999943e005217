"""`evaluate`: COCO's table for a trained model, and its results at a score threshold."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from ..data import open_dataset
from ..data.doubts import check_objects
from ..data.formats.layout import ALL
from ..data.names import counted, readable
from ..data.sources import SHAPES, evaluation_split, layout_of, measured_split
from ..training import Evaluation, TrainConfig, evaluate, join
from ..training.details import measure_details
from ..training.files import write_text
from ..training.run_data import check_found
from ..training.tables import alarms_line, class_table, confusion_table, not_measured, summary_table
from .recognised import recognised
from .trained_model import load_named, most_detections, set_limits

COCO_LIMIT = 100  # detections per image and class that count for average precision


def run_evaluate(options: argparse.Namespace) -> None:
    """Measure a trained model. If `torchrun` starts several processes, each takes its share of the images."""
    processes, device = join(options.device)
    model, classes, config, notes = load_named(options)
    set_limits(model, options.score_threshold, options.max_detections)
    if options.data is None and config is not None:
        check_found(config)
    source, images, split = what_to_measure(options, config)
    data: Any = open_dataset(source, split, classes=classes, images=images)
    leave_out_thin(data, model)
    first = processes.rank == 0
    if first:
        for note in notes:
            print(f"note: {note}", file=sys.stderr)
        print(f"data     {recognised(source, images, {split: data})}")
        if getattr(data, "summary", ""):
            print(f"         {data.summary}")
        print(flush=True)
        check_objects(data, split, "to measure")
    limit = max(COCO_LIMIT, options.max_detections or 0)
    found = evaluate(
        model.to(device), data, device=device, batch_size=options.batch_size, progress=first, processes=processes,
        max_detections=limit,
    )  # fmt: skip
    if not first:
        return
    details = measure_details(found, classes, options.score_threshold)
    print(summary_table(found.metrics), class_table(found.metrics, details), confusion_table(details), sep="\n\n")
    print("\n".join(["", alarms_line(details), *crowded_images(found, most_detections(model), limit)]))
    what = measured_on(source, images, split, data, len(found.targets))
    print("", *not_measured(found), what, sep="\n", flush=True)
    if options.json:
        numbers = found.metrics | details.to_dict() | {"not_measured": [*found.not_measured.values()]}
        write_text(options.json, json.dumps(numbers, indent=1) + "\n")
    if options.report:
        from ..watch.report import write_report

        write_report(
            options.report, found, data, config, split=split, details=details, source=str(source), model=options.weights
        )


def leave_out_thin(data: Any, model: Any) -> None:
    """Leave out images that a model cannot resize, such as a line of 1×500 pixels; shapes has none."""
    if hasattr(data, "leave_out_thin"):
        data.leave_out_thin(model.transform.max_size)


def what_to_measure(options: argparse.Namespace, config: TrainConfig | None) -> tuple[str, str | None, str]:
    """Data set, folder of its images, and split: those of the options, or those that a run was evaluated on.

    All of a file, or of a folder without splits, is measured; but of the data that the model was trained on, only the
    share that was held out.
    """
    trained = None if config is None else config.data
    source = options.data or trained
    assert source is not None  # without a configuration `check` requires --data
    images = options.images if options.data is not None else getattr(config, "images", None)
    same = trained is not None and _is_same(source, trained)
    split = options.split or (evaluation_split if same else measured_split)(source, images)
    return source, images, split


def _is_same(source: str, other: str) -> bool:
    return source == other or (SHAPES not in (source, other) and os.path.realpath(source) == os.path.realpath(other))


def measured_on(source: str, images: str | None, split: str, data: Any, measured: int) -> str:
    """The last line: how many images of what, and whether that is all of it."""
    name, every = readable(source, 300), measured == len(data)
    count = f"{measured:,} of " * (not every) + counted(len(data), "image")
    if split == ALL:
        return f"{'all ' * (every and measured > 1)}{count} of {name}"
    divided = source != SHAPES and layout_of(source, images).shares
    return f"{count} of {name}, split {split!r}" + (", which is a fifth of it" * (divided and split == "val"))


def crowded_images(found: Evaluation, most: int, limit: int) -> list[str]:
    """Lines on images with as many detections as the model returns, on those with more objects, and on COCO's limit.

    Args:
        most: largest number of detections per image that the model returns.
        limit: largest number of them, per class, that count for average precision.
    """
    full = sum(len(detections["scores"]) >= most for detections in found.detections)
    objects = [count for target in found.targets if (count := len(target["labels"])) > most]
    lines = []
    if full:
        lines.append(
            f"images at the limit: {full:,} of {len(found.detections):,} {_have(full)} {most} detections, the most that are kept; "
            "--max-detections N keeps more"
        )
    if objects:
        lines.append(
            f"crowded images: {len(objects):,} {_have(len(objects))} more than {most} objects, up to {max(objects)}"
        )
    if limit != COCO_LIMIT:
        lines.append(f"average precision counts {limit} detections per image and class; COCO's own counts {COCO_LIMIT}")
    return lines


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def open_evaluation_data(
    source: str, split: str | None, classes: Sequence[str], strict: bool = False, images: str | None = None
) -> tuple[Any, str]:
    """The split to evaluate a run on, and its name; by default "val" if there is one, otherwise "test"."""
    split = split or evaluation_split(source, images)
    return open_dataset(source, split, classes=classes, strict=strict, images=images), split
