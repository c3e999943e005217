"""Precision, recall and F1 of a detector at a score threshold, from the matches of COCO's own evaluator."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from .coco_evaluator import run_coco

NO_SCORE = np.zeros(0, np.float32)


@dataclass(frozen=True)
class Point:
    """A detector at one score threshold; a rate is None if there is nothing to measure.

    objects, detections, right: how many there are; objects to ignore, and detections on them, are not counted.
    precision: right / detections. recall: right / objects. f1: their harmonic mean, 2 · right / (detections + objects).
    """

    score_threshold: float
    objects: int
    detections: int
    right: int

    @property
    def precision(self) -> float | None:
        return self.right / self.detections if self.detections else None

    @property
    def recall(self) -> float | None:
        return self.right / self.objects if self.objects else None

    @property
    def f1(self) -> float | None:
        return 2 * self.right / (self.detections + self.objects) if self.detections + self.objects else None


@dataclass(frozen=True)
class Curve:
    """The detections of one class in all images, or of all classes together.

    ap50: the average precision at IoU 0.5, None if there is no object.
    objects: number of objects to be found.
    scores: (D,) float32, of the detections, the best first.
    right: (D,) bool, whether each is right, which does not depend on those that score less.
    """

    ap50: float | None
    objects: int
    scores: np.ndarray
    right: np.ndarray

    def at(self, score_threshold: float) -> Point:
        """The point for detections that score `score_threshold` or more."""
        kept = self.scores >= np.float32(score_threshold)  # in the model's precision, as `judge` and `detect` compare
        return Point(score_threshold, self.objects, int(kept.sum()), int(self.right[kept].sum()))

    def best(self) -> Point | None:
        """The point at the highest threshold with the best F1; None if no detection is right."""
        if not self.right.any():
            return None
        right = self.right.cumsum()  # among the first 1, 2, …, D
        f1 = 2 * right / (np.arange(1, len(right) + 1) + self.objects)
        f1[:-1][self.scores[:-1] == self.scores[1:]] = -1  # a threshold keeps all of the same score, or none
        return self.at(float(self.scores[f1.argmax()]))


def curves(
    detections: Sequence[dict[str, Tensor]],
    targets: Sequence[dict[str, Any]],
    classes: Sequence[str],
    iou_threshold: float = 0.5,
) -> list[Curve]:
    """The curve of each class, by label; the first one, where the background would be, is that of all together.

    A detection is right if its IoU with an object of its class that no better one has found is `iou_threshold` or more.
    """
    most = max([100, *(len(found["scores"]) for found in detections)])  # all, so that none is lost
    coco = run_coco(detections, targets, classes, max_detections=most, iou_thresholds=[iou_threshold])
    of_class: dict[int, list[dict[str, Any]]] = {label: [] for label in range(1, len(classes))}
    everywhere = coco.params.areaRng[0]
    for image in coco.evalImgs:  # one for each class, range of areas and image with an object or a detection
        if image is not None and image["aRng"] == everywhere:
            of_class[image["category_id"]].append(image)
    precision = coco.eval["precision"][0, :, :, 0, -1]  # (recall, class)
    aps = [float(column.mean()) if (column > -1).all() else None for column in precision.T]
    each = [_curve(images, ap) for images, ap in zip(of_class.values(), aps, strict=True)]
    found = [ap for ap in aps if ap is not None]
    together = _curve(
        [image for images in of_class.values() for image in images], sum(found) / len(found) if found else None
    )
    return [together, *each]


def _curve(images: Sequence[dict[str, Any]], ap50: float | None) -> Curve:
    """Join the evaluator's results for some images; its arrays have a row for each IoU threshold, here one."""
    counted = [~image["dtIgnore"][0].astype(bool) for image in images]
    scores = np.concatenate(
        [np.array(i["dtScores"], np.float32)[kept] for i, kept in zip(images, counted)] or [NO_SCORE]
    )
    right = np.concatenate([i["dtMatches"][0][kept] > 0 for i, kept in zip(images, counted)] or [np.zeros(0, bool)])
    order = np.argsort(-scores, kind="stable")
    objects = sum(int((np.array(image["gtIgnore"]) == 0).sum()) for image in images)
    return Curve(ap50, objects, scores[order], right[order])
