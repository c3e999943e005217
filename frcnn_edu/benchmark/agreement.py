"""Checks, before anything is timed, that both models give the same results."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..exceptions import CannotContinue
from ..ops import box_iou
from .models import NUM_CLASSES, images_of, set_size
from .realistic import Target, make_targets
from .steps import inference, training_step

# Largest differences in float64: pixels, probabilities, and shares of a loss or of a tensor's largest gradient.
BOXES, SCORES, LOSSES, GRADIENTS = 1e-6, 1e-9, 1e-8, 1e-8
# In float32, one in twenty detections may differ, if a rounded score or IoU falls on the other side of a threshold.
LEAST_SHARE = 0.95


class Disagreement(CannotContinue):
    """The two models give different results, so comparing their speed makes no sense."""


@dataclass(frozen=True)
class Differences:
    """The largest differences in float64 (in the units of the limits above), and the number of detections compared."""

    detections: int
    boxes: float
    scores: float
    losses: float
    gradients: float


def compare_in_float64(ours: Any, theirs: Any, size: int) -> Differences:
    """Compares detections, losses and gradients of copies of both models in float64, on two images of `size`.

    Raises:
        Disagreement: they differ by more than rounding.
    """
    ours, theirs = (set_size(copy.deepcopy(model).double(), size) for model in (ours, theirs))
    with_labels_of_dtype(theirs, torch.float64)
    images = [image.double() for image in images_of(size, 2)]
    targets = [{**t, "boxes": t["boxes"].double()} for t in make_targets(images, [5, 20], NUM_CLASSES)]

    found, expected = inference(ours, images), inference(theirs, images)
    labels, their_labels = ([image["labels"].tolist() for image in result] for result in (found, expected))
    if labels != their_labels:
        raise Disagreement(f"in float64 the detected classes differ: ours {labels}, torchvision's {their_labels}")
    losses, their_losses = training_step(ours, images, targets), training_step(theirs, images, targets)
    gradients, their_gradients = (
        {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
        for model in (ours, theirs)
    )
    if gradients.keys() != their_gradients.keys():
        raise Disagreement(f"different weights have gradients: {sorted(gradients.keys() ^ their_gradients.keys())}")
    differences = Differences(
        detections=sum(map(len, labels)),
        boxes=max(_largest(a["boxes"] - b["boxes"]) for a, b in zip(found, expected)),
        scores=max(_largest(a["scores"] - b["scores"]) for a, b in zip(found, expected)),
        losses=max(_relative(losses[name], their_losses[name]) for name in their_losses),
        gradients=max(_relative(gradients[name], their_gradients[name]) for name in their_gradients),
    )
    _check(differences)
    return differences


def compare_in_float32(ours: Any, theirs: Any, images: Sequence[Tensor]) -> tuple[int, int]:
    """The number of torchvision's detections that are also among ours, and their total number.

    Raises:
        Disagreement: fewer than 95 %, or none at all.
    """
    pairs = list(zip(inference(ours, images), inference(theirs, images)))
    same = sum(found_again(found, expected) for found, expected in pairs)
    total = sum(len(expected["labels"]) for _, expected in pairs)
    if total == 0 or same < LEAST_SHARE * total:
        raise Disagreement(
            f"only {same} of torchvision's {total} detections are among ours (same class, IoU above 0.99, score within "
            f"0.001) on images of {tuple(images[0].shape[-2:])} pixels; models that disagree are not timed"
        )
    return same, total


def found_again(found: Target, expected: Target) -> int:
    """The number of expected detections that were found: same class, nearly the same box, nearly the same score."""
    same_class = expected["labels"][:, None] == found["labels"]
    same_score = (expected["scores"][:, None] - found["scores"]).abs() < 1e-3
    same_place = box_iou(expected["boxes"], found["boxes"]) > 0.99
    return int((same_class & same_score & same_place).any(dim=1).sum())


def with_labels_of_dtype(model: Any, dtype: torch.dtype) -> None:
    """Converts the labels of torchvision's RPN, which are always float32, and so its loss, to another dtype."""
    assign = model.rpn.assign_targets_to_anchors

    def assign_and_convert(anchors: list, targets: list) -> tuple:
        labels, matched = assign(anchors, targets)
        return [label.to(dtype) for label in labels], matched

    model.rpn.assign_targets_to_anchors = assign_and_convert


def _check(differences: Differences) -> None:
    if differences.detections == 0:
        raise Disagreement("in float64 neither model detects anything: there is nothing to compare")
    for name, limit in (("boxes", BOXES), ("scores", SCORES), ("losses", LOSSES), ("gradients", GRADIENTS)):
        difference = getattr(differences, name)
        if not difference <= limit:  # NaN is rejected, too
            raise Disagreement(
                f"in float64 {name} differ by up to {difference:.1e}; rounding explains at most {limit:.0e}"
            )


def _largest(x: Tensor) -> float:
    return x.abs().max().item() if x.numel() else 0.0


def _relative(ours: Tensor, theirs: Tensor) -> float:
    scale = _largest(theirs.detach())
    difference = _largest((ours - theirs).detach())
    return difference / scale if scale else difference
