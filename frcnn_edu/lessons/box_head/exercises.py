"""Checkers of notebook 12: candidates, the deltas of a label, and the head's parameters."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape


@checker
def candidates(answer: Callable[..., Any]) -> str:
    """A function of probabilities (N, K), boxes (N, K, 4) and a threshold: boxes, scores and labels of the candidates."""
    probabilities = torch.tensor(
        [[0.50, 0.30, 0.20], [0.0, 0.75, 0.25], [0.98, 0.01, 0.01], [0.125, 0.0, 0.875]]
    )  # exact in float32 where it matters
    boxes = torch.arange(48.0).view(4, 3, 4)
    for threshold, proposal, label in ((0.125, [0, 0, 1, 1, 3], [1, 2, 1, 2, 2]), (0.25, [0, 1, 3], [1, 1, 2])):
        given = answer(probabilities.clone(), boxes.clone(), threshold)
        expect(
            isinstance(given, (tuple, list)) and len(given) == 3,
            "Return three tensors: boxes (M, 4), scores (M,) and labels (M,).",
        )
        given_boxes, scores, labels = given
        expect(isinstance(labels, Tensor), f"The labels should be a tensor; yours are a {type(labels).__name__}.")
        right = torch.tensor(label)
        number = len(label)
        with_background = int((probabilities > threshold).sum())
        expect(
            len(labels) != with_background and not bool((labels == 0).any() and len(labels) > number),
            f"There are {len(labels)} candidates, and background is among them, but column 0 is never a detection.",
        )
        expect(
            not (len(labels) == number and torch.equal(labels, right - 1)),
            "The labels are one too small: if you drop the first column, column 0 of the rest is class 1.",
        )
        likeliest = probabilities[:, 1:].amax(dim=1)
        expect(
            threshold > 0.2 or len(labels) != int((likeliest > threshold).sum()),
            "You return one candidate per proposal. Every class above the threshold is a candidate with its own box.",
        )
        expect(
            len(labels) == number or len(labels) != int((probabilities[:, 1:] >= threshold).sum()),
            f"You keep a score of exactly {threshold}, but a score has to be *above* the threshold.",
        )
        expect_shape(labels, (number,), "The tensor of labels")
        expect(
            torch.equal(labels.long(), right), f"The labels should be {right.tolist()}; yours are {labels.tolist()}."
        )
        expect_shape(scores, (number,), "The tensor of scores")
        expect(
            torch.equal(scores, probabilities[proposal, label]),
            "The labels are right, but the scores are not: use each pair's own probability.",
        )
        expect_shape(given_boxes, (number, 4), "The tensor of boxes")
        expect(
            not torch.equal(given_boxes, boxes[proposal, right - 1]),
            "The boxes are those of the previous class: if you drop the background's scores, drop its boxes, too.",
        )
        expect(
            torch.equal(given_boxes, boxes[proposal, label]),
            "The scores are right, but the boxes are not: each candidate has the box of its own proposal *and* class.",
        )
    return (
        "Applied to the table of scores, torch.where returns proposals and classes at once, so only the candidates' boxes "
        "would have to be decoded."
    )


@checker
def deltas_of(answer: Callable[..., Tensor]) -> str:
    """A function of deltas (N, 4·K) and labels (N,): the four deltas of each label, (N, 4)."""
    for proposals, classes in ((5, 3), (4, 4), (6, 7)):
        table = torch.randn(proposals, 4 * classes, generator=torch.Generator().manual_seed(classes))
        labels = (torch.arange(proposals) * 2 + 1) % classes
        by_class = table.view(proposals, classes, 4)
        rows = torch.arange(proposals)
        right = by_class[rows, labels]
        given = answer(table.clone(), labels.clone())
        expect(isinstance(given, Tensor), f"Return a tensor; yours is a {type(given).__name__}.")
        expect(
            given.shape != (proposals, proposals, 4),
            "Indexing with [:, labels] takes every label for every proposal. Pair them: [torch.arange(N), labels].",
        )
        expect_shape(given, (proposals, 4), "The deltas")
        expect(
            not torch.equal(given, table.view(proposals, 4, classes)[rows, :, labels]),
            "You read the columns as 4 × classes. They are classes × 4: the four deltas of a class are neighbours.",
        )
        expect(
            not torch.equal(given, by_class[rows, labels - 1]),
            "These are the deltas of the previous class: the background has four deltas, too, so label 1 is row 1.",
        )
        expect(torch.equal(given, right), "For proposal i these should be columns 4·label to 4·label + 3 of row i.")
    return "In training, only these four deltas of a proposal get a gradient, so each class's deltas are trained by its own objects."


@checker
def parameters(answer: Any) -> str:
    """How many parameters the full model's box head and predictor have with 20 classes and the background."""
    expect(isinstance(answer, (int, float)), "Give one number.")

    def count(classes: int, bias: int = 1, boxes: int | None = None) -> int:
        boxes = 4 * classes if boxes is None else boxes
        return (256 * 49 + bias) * 1024 + (1024 + bias) * (1024 + classes + boxes)

    mistakes = {
        count(20): "That is for 20 outputs: the background is a class, too.",
        count(21, bias=0): "The biases are missing: each of the four layers has one bias for each output.",
        count(20, bias=0): "The background is a class, too, and each layer has biases.",
        count(21, boxes=4): "Each class has four deltas of its own, 84 in all.",
        count(21, boxes=80): "The predictor has four deltas for the background as well, although they are never used.",
        count(91): "That is the head for COCO's 91 classes.",
        (256 * 49 + 1) * 1024 + 1025 * 1024: "That is `box_head` alone; add the two layers of `box_predictor`.",
    }
    expect(answer not in mistakes, mistakes.get(answer, ""))
    expect(
        answer == count(21),
        "Add (inputs + 1) · outputs for four layers: 12544 → 1024, 1024 → 1024, 1024 → 21 and 1024 → 84.",
    )
    return "The number of classes hardly matters: with 21 instead of 91, the head loses only 2.5 % of its parameters, because fc6 has most of them."
