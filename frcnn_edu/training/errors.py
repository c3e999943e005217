"""What is wrong with a wrong detection: its localisation, its class, both, or everything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..ops import box_area, box_iou

KINDS = ("right", "duplicate", "localisation", "class", "both", "background")
RIGHT, DUPLICATE, LOCALISATION, CLASS, BOTH, BACKGROUND = KINDS


@dataclass(frozen=True)
class Fates:
    """What became of the detections and of the objects of one image.

    kinds: the kind of each detection that was judged, best first, a word of `KINDS`.
    chosen: (N,) which of the image's detections those are.
    missed: (M,) bool, for each object whether no right detection found it; objects to ignore are never missed.
    """

    kinds: list[str]
    chosen: Tensor
    missed: Tensor

    @property
    def errors(self) -> int:
        """Wrong detections and missed objects."""
        return sum(kind != RIGHT for kind in self.kinds) + int(self.missed.sum())


def judge(
    detections: dict[str, Tensor],
    target: dict[str, Any],
    *,
    score_threshold: float = 0.5,
    iou_threshold: float = 0.5,
    near: float = 0.1,
) -> Fates:
    """Judge the detections of one image (boxes (N, 4), labels, scores) that score `score_threshold` or more.

    They are judged in the order of their scores, each by the object of its class, not found yet, that it overlaps most:

    - "right": the IoU with it is `iou_threshold` or more;
    - "duplicate": so is the IoU with an object of its class that is already found;
    - "localisation": its class is right, but the IoU is only `near` or more;
    - "class": the IoU with an object of a different class is `iou_threshold` or more;
    - "both": the IoU with that one is only `near` or more;
    - "background": nothing is there.

    A detection that would be wrong, but lies on an object to ignore (`iscrowd`), is not judged.

    Source: the kinds are those of Bolya et al., TIDE (2020), section 2, at a single score instead of all.
    """
    order = detections["scores"].argsort(descending=True, stable=True)
    order = order[detections["scores"][order] >= score_threshold]
    objects, names = target["boxes"].reshape(-1, 4), target["labels"]
    crowd = target["iscrowd"].bool() if "iscrowd" in target else torch.zeros(len(names), dtype=torch.bool)
    boxes, labels = detections["boxes"][order], detections["labels"][order]
    overlaps = box_iou(boxes, objects) * ~crowd  # (N, M)
    on_crowd = _share_inside(boxes, objects[crowd]) >= 0.5
    free = ~crowd  # objects that nothing has found yet
    kinds, chosen = [], []
    for i, overlap in enumerate(overlaps):
        of_class = names == labels[i]
        here, elsewhere = _highest(overlap[of_class]), _highest(overlap[~of_class])
        if _highest(overlap[of_class & free]) >= iou_threshold:
            kind = RIGHT
            free[(overlap * (of_class & free)).argmax()] = False
        elif on_crowd[i]:
            continue
        elif here >= iou_threshold:
            kind = DUPLICATE
        elif elsewhere >= iou_threshold:
            kind = CLASS
        elif here >= near:
            kind = LOCALISATION
        else:
            kind = BOTH if elsewhere >= near else BACKGROUND
        kinds.append(kind)
        chosen.append(i)
    return Fates(kinds, order[chosen], free)


@dataclass(frozen=True)
class Tally:
    """Fates counted by class, (number of classes,) each; an object or a detection counts for its own class."""

    kinds: dict[str, list[int]]  # detections, by kind
    missed: list[int]
    objects: list[int]  # without those to ignore


def tally(
    fates: Sequence[Fates], detections: Sequence[dict[str, Tensor]], targets: Sequence[dict[str, Any]], classes: int
) -> Tally:
    """Count the fates of many images by class, given their detections and targets; class 0 is the background."""
    kinds = {kind: [0] * classes for kind in KINDS}
    missed, objects = torch.zeros(classes, dtype=torch.int64), torch.zeros(classes, dtype=torch.int64)
    for fate, found, target in zip(fates, detections, targets, strict=True):
        for kind, label in zip(fate.kinds, found["labels"][fate.chosen].tolist()):
            kinds[kind][label] += 1
        crowd = target["iscrowd"].bool() if "iscrowd" in target else torch.zeros_like(fate.missed)
        missed += target["labels"][fate.missed].bincount(minlength=classes)
        objects += target["labels"][~crowd].bincount(minlength=classes)
    return Tally(kinds, missed.tolist(), objects.tolist())


def _highest(values: Tensor) -> float:
    return float(values.max()) if len(values) else 0.0


def _share_inside(boxes: Tensor, others: Tensor) -> Tensor:
    """The largest share of each box, (N, 4), that lies inside one of the others, (M, 4): (N,)."""
    if len(others) == 0:
        return boxes.new_zeros(len(boxes))
    corner = torch.minimum(boxes[:, None, 2:], others[:, 2:]) - torch.maximum(boxes[:, None, :2], others[:, :2])
    return (corner.clamp(min=0).prod(dim=2) / box_area(boxes)[:, None]).max(dim=1).values
