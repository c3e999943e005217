"""Which class is taken for which: the confusion matrix of a detector."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..ops import box_iou
from .errors import RIGHT, Fates


def confusion_matrix(
    fates: Sequence[Fates],
    detections: Sequence[dict[str, Tensor]],
    targets: Sequence[dict[str, Any]],
    num_classes: int,
    iou_threshold: float = 0.5,
) -> Tensor:
    """Count objects by their class (rows) and by the class of the detection that has found them (columns).

    A right detection, as `judge` sees it, is on the diagonal. The remaining detections and objects are then paired: each
    detection, the best first, with the object of a different class that it overlaps most, if the IoU is `iou_threshold`
    or more and the object is still free. Column 0 counts the remaining objects, and row 0 the remaining detections.

    Args:
        fates: of each image, from `judge`.

    Returns:
        (num_classes, num_classes) int64. A row adds up to the objects of its class, a column to its detections.
    """
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for fate, found, target in zip(fates, detections, targets, strict=True):
        labels, names = found["labels"][fate.chosen].tolist(), target["labels"].tolist()
        overlaps = box_iou(found["boxes"][fate.chosen], target["boxes"].reshape(-1, 4))  # (N, M)
        free = fate.missed.clone()
        for label, kind, overlap in zip(labels, fate.kinds, overlaps):
            candidates = overlap * (free & (target["labels"] != label))
            if kind == RIGHT:
                matrix[label, label] += 1
            elif len(candidates) and candidates.max() >= iou_threshold:
                taken = int(candidates.argmax())
                free[taken] = False
                matrix[names[taken], label] += 1
            else:
                matrix[0, label] += 1
        for taken in free.nonzero()[:, 0].tolist():
            matrix[names[taken], 0] += 1
    return matrix
