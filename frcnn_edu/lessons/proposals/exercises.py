"""Checkers of notebook 09: NMS level by level, recall, and how many boxes may enter NMS."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape
from frcnn_edu.ops import box_iou
from frcnn_edu.ops.boxes import batched_nms, nms


def _scene(seed: int, number: int = 60) -> tuple[Tensor, Tensor, Tensor]:
    """Overlapping boxes (N, 4), scores (N,) without ties and levels (N,) from 0 to 2."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(number, 2, generator=generator) * 60
    sizes = 20 + torch.rand(number, 2, generator=generator) * 20
    scores = (torch.randperm(number, generator=generator) + 0.5) / number
    return torch.cat((corners, corners + sizes), dim=1), scores, torch.randint(3, (number,), generator=generator)


@checker
def nms_per_level(answer: Callable[..., Tensor]) -> str:
    """A function of boxes (N, 4), scores (N,), levels (N,) and a threshold: the kept indices, best first."""
    for seed in range(3):
        boxes, scores, levels = _scene(seed)
        right = batched_nms(boxes, scores, levels, 0.5)
        given = answer(boxes.clone(), scores.clone(), levels.clone(), 0.5)
        expect(isinstance(given, Tensor), f"Return a tensor of indices; yours is a {type(given).__name__}.")
        expect(
            given.shape != (len(right), 4),
            "These are the boxes that nms was given, not the indices of those it keeps.",
        )
        expect(
            not torch.equal(given, nms(boxes, scores, 0.5)),
            "This is one NMS for all levels: a box of one level drops boxes of another. Move each level to a place "
            "where it meets no other.",
        )
        one_pixel = boxes + levels[:, None]
        expect(
            not torch.equal(given, nms(one_pixel, scores, 0.5)),
            "The levels are moved by too little: a level has to be moved further than any coordinate reaches, by "
            "levels · (boxes.max() + 1).",
        )
        moved_scores = scores + levels
        expect(
            not torch.equal(given, nms(boxes, moved_scores, 0.5)),
            "It is the boxes that must be moved apart, not the scores.",
        )
        expect_shape(given, tuple(right.shape), "The tensor of kept indices")
        expect(
            not (torch.equal(given.sort().values, right.sort().values) and not torch.equal(given, right)),
            "These are the right boxes in another order: best score first, whatever the level. That is how nms "
            "returns them.",
        )
        expect(torch.equal(given, right), "These are not the boxes that an NMS on each level by itself would keep.")
    return (
        "An offset in space replaces a loop over levels; in the box head the same trick keeps the classes apart, and "
        "there are up to 90 of them."
    )


@checker
def recall_at(answer: Callable[..., Any]) -> str:
    """A function of proposals (N, 4), ground-truth boxes (M, 4) and a number: the share of them that the first few find."""
    squares = torch.tensor([[0.0, 0, 20, 20], [40, 0, 60, 20], [0, 40, 20, 60], [40, 40, 60, 60]])
    close = squares + 2
    proposals = torch.cat((close[[0]], close[[0]] + 1, squares[[1]] + 100, close[[1]], close[[2]]))
    cases = [  # proposals, ground truth, number, answer
        (proposals, squares, 5, 3 / 4),
        (proposals, squares, 3, 1 / 4),
        (proposals[:3], squares, 300, 1 / 4),
        (torch.tensor([[0.0, 0, 20, 10]]), squares[[0]], 1, 1.0),
    ]
    for index, (boxes, ground_truth, number, right) in enumerate(cases):
        given = answer(boxes.clone(), ground_truth.clone(), number)
        given = given.item() if isinstance(given, Tensor) and given.numel() == 1 else given
        expect(isinstance(given, (float, int)), f"Return one number; yours is a {type(given).__name__}.")
        overlaps = box_iou(ground_truth, boxes)
        hits = int((overlaps[:, :number] >= 0.5).sum())
        precision = (overlaps[:, :number].amax(dim=0) >= 0.5).float().mean().item()
        all_of_them = (overlaps.amax(dim=1) >= 0.5).float().mean().item()
        expect(
            abs(given - right) < 1e-6 or abs(given - precision) > 1e-6,
            "This is the share of the *proposals* that lie on an object (precision). Recall is the share of the "
            "*objects* that are found: for each object, the best over the proposals.",
        )
        expect(
            abs(given - right) < 1e-6 or abs(given - all_of_them) > 1e-6,
            f"This uses all {len(boxes)} proposals; only the first {number} count.",
        )
        expect(
            abs(given - right) < 1e-6 or abs(given - hits / len(ground_truth)) > 1e-6,
            "An object that two proposals find is found once: yours counts it twice.",
        )
        expect(
            abs(given - right) < 1e-6 or abs(given - right * len(ground_truth)) > 1e-6 or len(ground_truth) == 1,
            f"That is how many of the {len(ground_truth)} objects are found; recall is their share.",
        )
        expect(
            abs(given - right) < 1e-6 or index != 3,
            "An IoU of exactly 0.5 counts as found: 0.5 *or more*.",
        )
        expect(abs(given - right) < 1e-6, f"The recall should be {right:.2f}, yours is {given:.2f}.")
    return (
        "Recall is the RPN's own measure: an object without a proposal is lost, whatever the second stage does; a "
        "proposal without an object is only some work."
    )


@checker
def boxes_into_nms(answer: Any) -> str:
    """How many boxes of a padded 640×640 image may enter NMS in the full model's evaluation."""
    wrong = {
        5000: "Five times 1000: but `pool` has only 10·10 cells, so it cannot give 1000 boxes.",
        1000: "1000 is what may *leave*, over all levels together. Before NMS, the limit holds for each level.",
        102300: "These are all the anchors; of each level at most 1000 enter NMS.",
        3500: "That takes one anchor a cell; there are three.",
        8000: "2000 is the limit in training, and `pool` has fewer anchors than that.",
        7500: "2000 of each level is the limit in training; in evaluation it is 1000.",
        4000: "The level with fewer than 1000 anchors gives all it has.",
    }
    expect(isinstance(answer, (int, float)), "Give one number.")
    expect(answer not in wrong, wrong.get(answer, ""))
    expect(answer == 4300, "For each level: cells · 3 anchors, at most 1000. Add the five up.")
    return (
        "P2 has 76,800 anchors and sends 1.3 % of them, pool has 300 and sends all: so large objects are not outvoted."
    )
