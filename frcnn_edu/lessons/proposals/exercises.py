"""Checkers of notebook 09: NMS level by level, recall, and the number of boxes that enter NMS."""

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
    """`answer(boxes, scores, levels, threshold)` → the indices of the kept boxes, best first."""
    for seed in range(3):
        boxes, scores, levels = _scene(seed)
        right = batched_nms(boxes, scores, levels, 0.5)
        given = answer(boxes.clone(), scores.clone(), levels.clone(), 0.5)
        expect(isinstance(given, Tensor), f"Return a tensor of indices, not a {type(given).__name__}.")
        expect(
            given.shape != (len(right), 4),
            "These are boxes. Return the indices of the boxes that are kept.",
        )
        expect(
            not torch.equal(given, nms(boxes, scores, 0.5)),
            "This is one NMS for all levels, so a box of one level removes boxes of another. Move the levels so far "
            "apart that they do not overlap.",
        )
        one_pixel = boxes + levels[:, None]
        expect(
            not torch.equal(given, nms(one_pixel, scores, 0.5)),
            "The levels are moved by too little. Move each by more than the largest coordinate: by "
            "levels · (boxes.max() + 1).",
        )
        moved_scores = scores + levels
        expect(
            not torch.equal(given, nms(boxes, moved_scores, 0.5)),
            "You changed the scores. Move the boxes apart, not the scores.",
        )
        expect_shape(given, tuple(right.shape), "The tensor of kept indices")
        expect(
            not (torch.equal(given.sort().values, right.sort().values) and not torch.equal(given, right)),
            "These are the right boxes in a different order. Sort them by score, across levels, which is the order "
            "in which nms returns them.",
        )
        expect(
            torch.equal(given, right), "These are not the boxes that NMS keeps when it runs on each level separately."
        )
    return (
        "An offset replaces a loop over levels. In the NMS of the detections, the same trick separates the classes, "
        "of which the full model has up to 90."
    )


@checker
def recall_at(answer: Callable[..., Any]) -> str:
    """`answer(proposals, ground_truth, number)` → the share of the objects that the first `number` proposals find."""
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
        expect(isinstance(given, (float, int)), f"Return one number, not a {type(given).__name__}.")
        overlaps = box_iou(ground_truth, boxes)
        hits = int((overlaps[:, :number] >= 0.5).sum())
        precision = (overlaps[:, :number].amax(dim=0) >= 0.5).float().mean().item()
        all_of_them = (overlaps.amax(dim=1) >= 0.5).float().mean().item()
        expect(
            abs(given - right) < 1e-6 or abs(given - precision) > 1e-6,
            "This is the share of the *proposals* that overlap an object. Recall is the share of the *objects* that are "
            "found, so take the maximum over the proposals for each object.",
        )
        expect(
            abs(given - right) < 1e-6 or abs(given - all_of_them) > 1e-6,
            f"This uses all {len(boxes)} proposals, but only the first {number} count.",
        )
        expect(
            abs(given - right) < 1e-6 or abs(given - hits / len(ground_truth)) > 1e-6,
            "An object that two proposals find counts once, but your function counts it twice.",
        )
        expect(
            abs(given - right) < 1e-6 or abs(given - right * len(ground_truth)) > 1e-6 or len(ground_truth) == 1,
            f"That is the number of objects found. Recall is their share, so divide by {len(ground_truth)}.",
        )
        expect(
            abs(given - right) < 1e-6 or index != 3,
            "An object with an IoU of exactly 0.5 counts as found: the IoU must be *at least* 0.5.",
        )
        expect(abs(given - right) < 1e-6, f"The recall should be {right:.2f}, but yours is {given:.2f}.")
    return (
        "Recall is what matters for the RPN: the second stage cannot find an object without a proposal, but it can reject a "
        "proposal without an object."
    )


@checker
def boxes_into_nms(answer: Any) -> str:
    """The largest number of boxes of an 800×800 image that can enter the RPN's NMS in the full model at inference."""
    wrong = {
        5000: "That is five times 1000. But `pool` has only 13·13 cells, so it has fewer than 1000 anchors.",
        1000: "1000 may *leave* NMS, over all levels together. Before NMS, the limit holds for each level.",
        159882: "These are all the anchors. At most 1000 of each level enter NMS.",
        3794: "That counts one anchor per cell, but there are three.",
        8382: "In training, the limit is 2000 for each level, but at inference it is 1000.",
        4000: "You left out `pool`: all of its anchors enter NMS, because it has fewer than 1000.",
    }
    expect(isinstance(answer, (int, float)), "Give one number.")
    expect(answer not in wrong, wrong.get(answer, ""))
    expect(answer == 4507, "Each level contributes three boxes per cell, but at most 1000. Add the five numbers up.")
    return "Of P2's 120,000 anchors, 0.8 % enter NMS, but all 507 of `pool` do, so large objects keep their candidates."
