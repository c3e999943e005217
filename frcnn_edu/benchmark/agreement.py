"""Before anything is timed: do the two models find the same?"""

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

# The most that float64 may differ by: pixels, probabilities, and shares of a loss or of a tensor's largest gradient.
BOXES, SCORES, LOSSES, GRADIENTS = 1e-6, 1e-9, 1e-8, 1e-8
# In float32 one in twenty detections may be another, where a rounded score or overlap falls on the other side.
LEAST_SHARE = 0.95


class Disagreement(CannotContinue):
    """The two models do not compute the same, so there is nothing to compare."""


@dataclass(frozen=True)
class Differences:
    """The largest differences in float64, and over how many detections: each as its limit above is meant."""

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
        raise Disagreement(f"gradients arrive at other weights: {sorted(gradients.keys() ^ their_gradients.keys())}")
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
    """How many of torchvision's detections are also among ours, and how many there are.

    Raises:
        Disagreement: fewer than 95 %, or none at all.
    """
    pairs = list(zip(inference(ours, images), inference(theirs, images)))
    same = sum(found_again(found, expected) for found, expected in pairs)
    total = sum(len(expected["labels"]) for _, expected in pairs)
    if total == 0 or same < LEAST_SHARE * total:
        raise Disagreement(
            f"only {same} of torchvision's {total} detections are among ours (same class, IoU above 0.99, score within "
            f"0.001) on images of {tuple(images[0].shape[-2:])} pixels; nothing is timed for models that disagree"
        )
    return same, total


def found_again(found: Target, expected: Target) -> int:
    """How many expected detections have one of the same class in nearly the same place with nearly the same score."""
    same_class = expected["labels"][:, None] == found["labels"]
    same_score = (expected["scores"][:, None] - found["scores"]).abs() < 1e-3
    same_place = box_iou(expected["boxes"], found["boxes"]) > 0.99
    return int((same_class & same_score & same_place).any(dim=1).sum())


def with_labels_of_dtype(model: Any, dtype: torch.dtype) -> None:
    """Lets torchvision's RPN have its labels, always float32, and with them its loss, in the precision of the rest."""
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
        if not difference <= limit:  # nan is not, either
            raise Disagreement(f"in float64 {name} differ by up to {difference:.1e}; at most {limit:.0e} is rounding")


def _largest(x: Tensor) -> float:
    return x.abs().max().item() if x.numel() else 0.0


def _relative(ours: Tensor, theirs: Tensor) -> float:
    scale = _largest(theirs.detach())
    difference = _largest((ours - theirs).detach())
    return difference / scale if scale else difference
