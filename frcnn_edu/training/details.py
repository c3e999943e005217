"""A detector at one score threshold, in addition to its average precision: what is right, wrong, missed, confused."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .confusion import confusion_matrix
from .errors import Fates, Tally, judge, tally
from .evaluation import Evaluation
from .precision_recall import Curve, Point, curves

IOU_THRESHOLD = 0.5  # smallest IoU of a right detection


@dataclass(frozen=True)
class FalseAlarms:
    """Detections in images without objects: the number of images, of those with a detection, and of detections."""

    images: int
    with_detections: int
    detections: int


@dataclass(frozen=True)
class Details:
    """The results of a detector at a score threshold.

    classes: names by label, the background first.
    curves: by label; the first one is that of all classes together.
    fates: of each image, what became of its detections and objects; `counts` has them by class.
    confusion: (C, C) int64, see `confusion_matrix`.
    """

    classes: tuple[str, ...]
    score_threshold: float
    curves: list[Curve]
    fates: list[Fates]
    counts: Tally
    confusion: Tensor
    false_alarms: FalseAlarms

    @property
    def present(self) -> list[int]:
        """The labels that have an object or a detection, whatever its score."""
        labels = range(1, len(self.classes))
        return [label for label in labels if self.curves[label].objects or len(self.curves[label].scores)]

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON: "at_score", "AP50_per_class", "confusion" and "images_without_objects"."""
        all_together, *each = [_numbers(curve, self.score_threshold) for curve in self.curves]
        names = self.classes[1:]
        alarms = self.false_alarms
        return {
            "AP50_per_class": {name: curve.ap50 for name, curve in zip(names, self.curves[1:], strict=True)},
            "at_score": {
                "score_threshold": self.score_threshold,
                "iou_threshold": IOU_THRESHOLD,
                "all": all_together,
                "per_class": dict(zip(names, each, strict=True)),
            },
            "confusion": {
                "rows": ["no object left", *names],
                "columns": ["missed", *names],
                "counts": self.confusion.tolist(),
            },
            "images_without_objects": {
                "images": alarms.images,
                "with_false_alarms": alarms.with_detections,
                "false_alarms": alarms.detections,
            },
        }


def measure_details(found: Evaluation, classes: tuple[str, ...], score_threshold: float = 0.5) -> Details:
    """Judge what `evaluate` found at one score threshold; a detection is right if its IoU is at least 0.5."""
    fates = [
        judge(detections, target, score_threshold=score_threshold, iou_threshold=IOU_THRESHOLD)
        for detections, target in zip(found.detections, found.targets, strict=True)
    ]
    return Details(
        classes,
        score_threshold,
        curves(found.detections, found.targets, classes, IOU_THRESHOLD),
        fates,
        tally(fates, found.detections, found.targets, len(classes)),
        confusion_matrix(fates, found.detections, found.targets, len(classes), IOU_THRESHOLD),
        false_alarms(found, score_threshold),
    )


def false_alarms(found: Evaluation, score_threshold: float) -> FalseAlarms:
    """Count the detections in images that have no object, not even one to be ignored."""
    counts = [
        int((detections["scores"] >= score_threshold).sum())
        for detections, target in zip(found.detections, found.targets, strict=True)
        if len(target["labels"]) == 0
    ]
    return FalseAlarms(len(counts), sum(count > 0 for count in counts), sum(counts))


def _numbers(curve: Curve, score_threshold: float) -> dict[str, Any]:
    point, best = curve.at(score_threshold), curve.best()
    return {
        "objects": point.objects,
        "detections": point.detections,
        "right": point.right,
        **_rates(point),
        "best_F1": None if best is None else {"score_threshold": best.score_threshold, **_rates(best)},
    }


def _rates(point: Point) -> dict[str, float | None]:
    return {"precision": point.precision, "recall": point.recall, "F1": point.f1}
