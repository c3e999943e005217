"""Average precision as COCO measures it, by its own evaluator."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from .coco_evaluator import run_coco
from .processes import ALONE, Processes
from .workers import check_workers_can_see


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    metrics: "AP" (mean over IoU 0.50:0.95), "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR100",
        each 0 to 1, or None where the data has no such object, and "per_class": AP by class name.
    detections: one dict an image, in the dataset's order, on the CPU.
    targets: what the dataset says of each.
    """

    metrics: dict[str, Any]
    detections: list[dict[str, Tensor]]
    targets: list[dict[str, Any]]


def evaluate(
    model: nn.Module,
    dataset: Dataset,
    *,
    device: torch.device,
    batch_size: int = 4,
    workers: int = 0,
    progress: bool = False,
    processes: Processes = ALONE,
    max_detections: int = 100,
) -> Evaluation:
    """Detect on every image of `dataset` and measure the result with COCO's evaluator.

    Of several processes each takes its share of the images, and none is taken twice; all get the metrics, and the
    first one the rest.

    An image without objects counts too: every detection on it is a false positive. Objects with
    `iscrowd == 1` (COCO's crowds, VOC's `difficult`) are ignored as COCO does it: a detection that lies on
    one counts neither as right nor as wrong. How much lies on it is measured as a share of the
    *detection's* area, so a small box inside is forgiven; VOC's own rule asks for an IoU of 0.5.

    `max_detections` of an image and a class count, the best ones; the model has its own limit (`detections_per_img`).

    Raises:
        ValueError: see `check_workers_can_see`.
    """
    found: list[tuple[int, dict[str, Tensor], dict[str, Any]]] = []  # index, detections, target
    mine = range(processes.rank, len(dataset), processes.count)  # type: ignore[arg-type]
    check_workers_can_see(dataset, workers)
    # A generator of its own: an evaluation must not move the random numbers that training will use.
    loader = DataLoader(
        Subset(dataset, mine), batch_size, num_workers=workers, collate_fn=_as_lists, generator=torch.Generator()
    )
    indices = iter(mine)
    with _evaluation_mode(model), torch.no_grad():
        for images, targets in tqdm(loader, "evaluating", leave=False, disable=None if progress else True):
            for detections, target in zip(model([image.to(device) for image in images]), targets):
                found.append((next(indices), {name: value.cpu() for name, value in detections.items()}, target))
    everything = sorted((one for share in processes.gather_objects(found) for one in share), key=lambda one: one[0])
    detections, targets = [one[1] for one in everything], [one[2] for one in everything]
    metrics = None
    if processes.rank == 0:
        metrics = coco_metrics(detections, targets, dataset.classes, max_detections)  # type: ignore[attr-defined]
    return Evaluation(processes.from_first(metrics), detections, targets)


def coco_metrics(
    detections: list[dict[str, Tensor]],
    targets: list[dict[str, Any]],
    classes: tuple[str, ...],
    max_detections: int = 100,
) -> dict[str, Any]:
    """COCO's numbers for detections (boxes (N, 4) xyxy, labels, scores) of images with these targets.

    Returns what `Evaluation.metrics` describes. `classes[0]` is the background. With more `max_detections` than COCO's
    100 of an image and class, the numbers are COCO's with that limit alone changed; "AR100" has its name all the same.
    """
    found = run_coco(detections, targets, classes, max_detections=max_detections).eval
    precision = found["precision"][..., -1]  # (IoU, recall, class, area), for areas of any size, small, medium, large
    metrics: dict[str, Any] = {
        "AP": _mean(precision[..., 0]),
        "AP50": _mean(precision[0, ..., 0]),
        "AP75": _mean(precision[5, ..., 0]),
    }
    metrics |= {f"AP_{size}": _mean(precision[..., k]) for k, size in enumerate(("small", "medium", "large"), 1)}
    metrics["AR100"] = _mean(found["recall"][..., 0, -1])
    metrics["per_class"] = {name: _mean(precision[:, :, k, 0]) for k, name in enumerate(classes[1:])}
    return metrics


def _mean(values: np.ndarray) -> float | None:
    """The mean of what could be measured; COCO's evaluator says −1 where there is nothing to measure."""
    measured = values[values > -1]
    return float(measured.mean()) if measured.size else None


def _as_lists(batch: list[tuple[Tensor, dict[str, Any]]]) -> tuple[list[Tensor], list[dict[str, Any]]]:
    return [image for image, _ in batch], [target for _, target in batch]


@contextlib.contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
