"""Average precision as COCO measures it, by its own evaluator."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ..data.unreadable import ImageFileError
from .coco_evaluator import run_coco
from .loading import Readable
from .processes import ALONE, Processes
from .workers import check_workers_can_see

Found = tuple[int, dict[str, Tensor], dict[str, Any]]  # index in the dataset, detections, target


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    metrics: "AP" (mean over IoU 0.50:0.95), "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR100",
        each 0 to 1, or None if the data have no such object, and "per_class": AP by class name.
    detections: one dict per measured image, in the dataset's order, on the CPU.
    targets: the target of each, from the dataset.
    not_measured: the reason for each image that could not be read, and is in neither list, by its index in the dataset.
    """

    metrics: dict[str, Any]
    detections: list[dict[str, Tensor]]
    targets: list[dict[str, Any]]
    not_measured: dict[int, str] = field(default_factory=dict)

    @property
    def indices(self) -> list[int]:
        """The index in the dataset of each measured image."""
        total = len(self.targets) + len(self.not_measured)
        return [index for index in range(total) if index not in self.not_measured]

    def images(self, dataset: Any, chosen: Iterable[int]) -> dict[int, Tensor]:
        """The pixels of some of the images, (3, H, W) each, by their places in `detections`.

        An image that can no longer be read is missing.
        """
        indices, found = self.indices, {}
        for place in chosen:
            with contextlib.suppress(ImageFileError):
                found[place] = dataset[indices[place]][0]
        return found


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

    With several processes, each takes its share of the images, and none is taken twice; all get the metrics, and
    the first one the rest.

    An image without objects counts too: every detection on it is a false positive. Objects with
    `iscrowd == 1` (COCO's crowds, VOC's `difficult`) are ignored as in COCO: a detection that lies on
    one counts neither as right nor as wrong. The overlap is measured as a share of the
    *detection's* area, so a small box inside is forgiven; VOC's own rule requires an IoU of 0.5.

    The best `max_detections` per image and class count; the model has its own limit (`detections_per_img`).

    An image that cannot be read (an `ImageFileError` of the dataset) is left out, with its objects.

    Raises:
        ValueError: see `check_workers_can_see`; or no image can be read.
    """
    found: list[Found] = []
    not_measured: dict[int, str] = {}
    mine = range(processes.rank, len(dataset), processes.count)  # type: ignore[arg-type]
    check_workers_can_see(dataset, workers)
    loader = DataLoader(
        Readable(dataset), batch_size, sampler=mine, num_workers=workers, collate_fn=list,
        generator=torch.Generator(),  # its own: an evaluation must not change the random numbers that training will use
    )  # fmt: skip
    with _evaluation_mode(model), torch.no_grad():
        for batch in tqdm(loader, "evaluating", leave=False, disable=None if progress else True):
            not_measured |= {index: problem for index, item, problem in batch if item is None}
            readable = [(index, *item) for index, item, _ in batch if item is not None]
            images = [image.to(device) for _, image, _ in readable]
            for detections, (index, _, target) in zip(model(images) if images else [], readable):
                found.append((index, {name: value.cpu() for name, value in detections.items()}, target))
    detections, targets, not_measured = _in_order(processes.gather_objects((found, not_measured)))
    metrics = None
    if processes.rank == 0:
        if not_measured and not targets:
            raise ImageFileError(f"none of the {len(not_measured)} images can be read; {not_measured[0]}")
        metrics = coco_metrics(detections, targets, dataset.classes, max_detections)  # type: ignore[attr-defined]
    return Evaluation(processes.from_first(metrics), detections, targets, not_measured)


def _in_order(
    shares: list[tuple[list[Found], dict[int, str]]],
) -> tuple[list[dict[str, Tensor]], list[dict[str, Any]], dict[int, str]]:
    """Detections, targets, and what was not measured, of all processes' shares, in the order of the dataset."""
    found = sorted((one for found, _ in shares for one in found), key=lambda one: one[0])
    not_measured = dict(sorted(one for _, not_measured in shares for one in not_measured.items()))
    return [detections for _, detections, _ in found], [target for _, _, target in found], not_measured


def coco_metrics(
    detections: list[dict[str, Tensor]],
    targets: list[dict[str, Any]],
    classes: tuple[str, ...],
    max_detections: int = 100,
) -> dict[str, Any]:
    """COCO's numbers for detections (boxes (N, 4) xyxy, labels, scores) of images with these targets.

    Returns what `Evaluation.metrics` describes. `classes[0]` is the background. With more `max_detections` than COCO's
    100 per image and class, only that limit differs from COCO's; "AR100" keeps its name.
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
    """The mean of what could be measured; COCO's evaluator returns −1 where there is nothing to measure."""
    measured = values[values > -1]
    return float(measured.mean()) if measured.size else None


@contextlib.contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
