"""COCO's own evaluator, for detections and targets in the form of this package."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor


def run_coco(
    detections: Sequence[dict[str, Tensor]],
    targets: Sequence[dict[str, Any]],
    classes: Sequence[str],
    *,
    max_detections: int = 100,
    iou_thresholds: Sequence[float] | None = None,
) -> COCOeval:
    """Match detections (boxes (N, 4) xyxy, labels, scores) with the objects of their images and accumulate, as COCO does.

    Args:
        classes: names by label; 0 is the background.
        max_detections: number of detections per image and class that count, the best ones; COCO's number is 100.
        iou_thresholds: smallest IoU of a right detection; by default COCO's ten, 0.50 to 0.95.

    Returns:
        The evaluator, with `eval["precision"]` (IoU, recall, class, area, 3), `eval["recall"]` (IoU, class, area, 3)
        and `evalImgs`; values are −1 where there is nothing to measure.
    """
    images = [{"id": index} for index in range(len(targets))]
    categories = [{"id": label, "name": name} for label, name in enumerate(classes) if label > 0]
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports by print
        ground_truth, found = COCO(), COCO()
        for coco, records in ((ground_truth, targets), (found, detections)):
            coco.dataset = {"images": images, "categories": categories, "annotations": _annotations(records)}
            coco.createIndex()
        evaluator = COCOeval(ground_truth, found, "bbox")
        evaluator.params.maxDets = [1, 10, max_detections]
        if iou_thresholds is not None:
            evaluator.params.iouThrs = np.array(iou_thresholds)
        evaluator.evaluate()
        evaluator.accumulate()
    return evaluator


def _annotations(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
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
