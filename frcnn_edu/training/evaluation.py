"""Average precision as COCO measures it, by its own evaluator."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from .processes import ALONE, Processes
from .workers import check_workers_can_see

# COCOeval's summary: position → our name. 6 and 7 are the recalls at 1 and 10 detections, 9–11 by size.
SUMMARY = {"AP": 0, "AP50": 1, "AP75": 2, "AP_small": 3, "AP_medium": 4, "AP_large": 5, "AR100": 8}


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
) -> Evaluation:
    """Detect on every image of `dataset` and measure the result with COCO's evaluator.

    Of several processes each takes its share of the images, and none is taken twice; all get the metrics, and the
    first one the rest.

    An image without objects counts too: every detection on it is a false positive. Objects with
    `iscrowd == 1` (COCO's crowds, VOC's `difficult`) are ignored as COCO does it: a detection that lies on
    one counts neither as right nor as wrong. How much lies on it is measured as a share of the
    *detection's* area, so a small box inside is forgiven; VOC's own rule asks for an IoU of 0.5.

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
    metrics = coco_metrics(detections, targets, dataset.classes) if processes.rank == 0 else None  # type: ignore[attr-defined]
    return Evaluation(processes.from_first(metrics), detections, targets)


def coco_metrics(
    detections: list[dict[str, Tensor]], targets: list[dict[str, Any]], classes: tuple[str, ...]
) -> dict[str, Any]:
    """COCO's numbers for detections (boxes (N, 4) xyxy, labels, scores) of images with these targets.

    Returns what `Evaluation.metrics` describes. `classes[0]` is the background.
    """
    images = [{"id": index} for index in range(len(targets))]
    categories = [{"id": label, "name": name} for label, name in enumerate(classes) if label > 0]
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports by print
        ground_truth, found = COCO(), COCO()
        for coco, records in ((ground_truth, targets), (found, detections)):
            coco.dataset = {"images": images, "categories": categories, "annotations": _annotations(records)}
            coco.createIndex()
        coco_eval = COCOeval(ground_truth, found, "bbox")
        coco_eval.evaluate()
        coco_eval.accumulate()
        coco_eval.summarize()
    metrics: dict[str, Any] = {name: _or_none(float(coco_eval.stats[place])) for name, place in SUMMARY.items()}
    precision = torch.from_numpy(coco_eval.eval["precision"])[:, :, :, 0, -1]  # (IoU, recall, class)
    metrics["per_class"] = {
        category["name"]: _or_none(precision[:, :, k].mean().item()) for k, category in enumerate(categories)
    }
    return metrics


def coco_table(metrics: dict[str, Any]) -> str:
    """The metrics as a table to print, in per cent."""

    def row(name: str, value: float | None) -> str:
        return f"  {name:<{width}} {'–' if value is None else f'{100 * value:.1f}':>6}"

    width = max(len("medium objects"), *(len(name) for name in metrics["per_class"]))
    lines = ["average precision, per cent (COCO, boxes)"]
    names = {"AP": "AP 0.50:0.95", "AP50": "AP50", "AP75": "AP75"}
    names |= {"AP_small": "small objects", "AP_medium": "medium objects", "AP_large": "large objects"}
    lines += [row(title, metrics[name]) for name, title in names.items()]
    lines += [row("recall (AR100)", metrics["AR100"]), "by class, AP 0.50:0.95"]
    return "\n".join(lines + [row(name, value) for name, value in metrics["per_class"].items()])


def _annotations(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Targets or detections as COCO annotations, boxes from xyxy to xywh."""
    annotations: list[dict[str, Any]] = []
    for image_id, record in enumerate(records):
        boxes = record["boxes"].reshape(-1, 4)
        sides = boxes[:, 2:] - boxes[:, :2]  # (N, 2)
        areas = record["area"] if "area" in record else sides.prod(dim=1)
        crowds = record["iscrowd"] if "iscrowd" in record else torch.zeros(len(boxes), dtype=torch.int64)
        scores = record["scores"] if "scores" in record else torch.ones(len(boxes))
        columns = (torch.cat((boxes[:, :2], sides), dim=1), record["labels"], areas, crowds, scores)
        for box, label, area, crowd, score in zip(*(column.tolist() for column in columns), strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,  # from 1: the evaluator reads a match with id 0 as no match
                    "image_id": image_id,
                    "category_id": label,
                    "bbox": box,
                    "area": area,
                    "iscrowd": crowd,
                    "score": score,
                }
            )
    return annotations


def _or_none(value: float) -> float | None:
    """COCO's evaluator says −1 where there is nothing to measure."""
    return None if value < 0 else value


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
