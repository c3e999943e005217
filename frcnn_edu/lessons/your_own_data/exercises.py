"""Checkers for notebook 16: boxes as tools write them, and what is wrong with a detection."""

from collections.abc import Callable

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape
from frcnn_edu.training.errors import judge

CORNERS = torch.tensor(
    [[11.0, 21, 30, 60], [50, 60, 20, 10], [-4, 5, 200, 90], [0, 0, 0, 0], [120, 10, 140, 20], [7, 3, 9, 100]]
)
SIZE = (100, 80)  # width, height


def usable(corners: Tensor, width: int, height: int) -> Tensor:
    """VOC's corners (N, 4) → the usable boxes."""
    first, last = torch.minimum(corners[:, :2], corners[:, 2:]) - 1, torch.maximum(corners[:, :2], corners[:, 2:])
    limit = torch.tensor([width, height, width, height])
    boxes = torch.minimum(torch.cat((first, last), dim=1).clamp(min=0), limit)
    return boxes[(boxes[:, 2:] > boxes[:, :2]).all(dim=1)]


@checker
def voc_boxes(function: Callable[[Tensor, int, int], Tensor]) -> str:
    """Check a function (corners (N, 4) as VOC writes them, width, height) → the usable boxes (M, 4), xyxy."""
    one = function(CORNERS[:1].clone(), *SIZE)
    expect_shape(one, (1, 4), "For one good box, the answer")
    expect(
        one.tolist() != CORNERS[:1].tolist(),
        "You left the numbers as they are. VOC counts pixels from 1, so the left edge of pixel 1 is at 0.",
    )
    expect(
        one.tolist() != (CORNERS[:1] - 1).tolist(),
        "You subtracted 1 from all four numbers. The second corner is the last pixel inside the box, and its right edge is at that very number.",
    )
    expect(
        one.tolist() == [[10, 20, 30, 60]],
        f"{CORNERS[0].tolist()} should become [10, 20, 30, 60], not {one[0].tolist()}.",
    )
    swapped = function(CORNERS[1:2].clone(), *SIZE)
    expect(len(swapped) == 1, "A box whose corners are swapped can be corrected, so do not drop it.")
    expect(
        swapped.tolist() == [[19, 9, 50, 60]],
        f"The corners {CORNERS[1].tolist()} are swapped. Corrected, they are [19, 9, 50, 60], but yours are {swapped[0].tolist()}: "
        "swap first, then subtract 1 from the smaller ones.",
    )
    over = function(CORNERS[2:3].clone(), *SIZE)
    expect_shape(over, (1, 4), "For a box that overhangs, the answer")
    expect(
        over.tolist() == [[0, 4, 100, 80]],
        f"Clipped to {SIZE[0]}×{SIZE[1]} pixels, it is [0, 4, 100, 80], not {over[0].tolist()}.",
    )
    outside = function(CORNERS[4:5].clone(), *SIZE)
    expect(
        isinstance(outside, Tensor) and len(outside) == 0,
        "A box outside the image has no area once it is clipped, so leave it out.",
    )
    nothing = function(CORNERS[3:4].clone(), *SIZE)
    expect(
        len(nothing) == 0, "The corners (0, 0, 0, 0) are before the first pixel, so the box has no area. Leave it out."
    )
    right = usable(CORNERS, *SIZE)
    answer = function(CORNERS.clone(), *SIZE)
    expect_shape(answer, tuple(right.shape), "For all six boxes, the answer")
    expect(
        torch.equal(answer, right),
        "Each box alone is right, but all of them together are not, or they are not in their original order.",
    )
    expect(len(function(torch.zeros(0, 4), *SIZE)) == 0, "An image may be empty: for no boxes, return no boxes.")
    return "Four of the six boxes can be used. The next folder will contain a different mistake, so run `check-data` on each new one."


CASES = (
    (0.9, 0.0),
    (0.5, 0.6),
    (0.49, 0.0),
    (0.3, 0.7),
    (0.05, 0.5),
    (0.05, 0.3),
    (0.1, 0.0),
    (0.09, 0.09),
    (0.0, 0.0),
)


def kind_of(same: float, other: float) -> str:
    """What `judge` calls one detection, given its best IoU with an object of its own class and with one of a different class."""
    target = {"boxes": torch.tensor([[0.0, 0, 100, 1], [0, 10, 100, 11]]), "labels": torch.tensor([1, 2])}
    # The two objects are far apart, and no box overlaps both, so each IoU is judged by itself.
    words = []
    for row, iou in ((0, same), (10, other)):
        box = torch.tensor([[0.0, row, max(100 * iou, 1e-3), row + 1]])
        found = {"boxes": box, "labels": torch.tensor([1]), "scores": torch.ones(1)}
        words.append(judge(found, target).kinds[0])
    of_same, of_other = words
    if of_same == "right":
        return "right"
    if of_other == "class":
        return "class"
    return of_same if of_same == "localisation" else of_other


@checker
def kind_of_error(function: Callable[[float, float], str]) -> str:
    """Check a function (best IoU with an object of its own class, best IoU with one of a different class) → the kind of error."""
    words = {"right", "localisation", "class", "both", "background"}
    for same, other in CASES:
        answer, right = function(same, other), kind_of(same, other)
        expect(answer in words, f"{answer!r} is not one of the words {', '.join(sorted(words))}.")
        where = f"IoU {same:g} with its own class, {other:g} with a different one"
        expect(
            not (right == "right" and answer == "class"),
            f"{where}: it is right, even if it also overlaps an object of a different class.",
        )
        expect(
            not (right == "class" and answer == "localisation"),
            f"{where}: the detection fits the other object. Test that before you test whether it is near its own.",
        )
        expect(answer == right or same != 0.1, f"{where}: an IoU of exactly 0.1 counts as near.")
        expect(answer == right, f"{where}: it is {right!r}, but you return {answer!r}.")
    return "Tested in this order, the kinds exclude each other, and each detection has exactly one."
