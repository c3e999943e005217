"""Checkers for notebook 00: how many anchors an image gets, and which level a box is read from."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect
from frcnn_edu.model import LevelMapper, fasterrcnn_small_fpn


def _anchors_of_model(height: int, width: int) -> int:
    """Counted in the model itself, on an empty image of this size."""
    model = fasterrcnn_small_fpn(num_classes=6).eval()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        batch = model.transform.batch_images([torch.zeros(3, height, width)])
        maps = model.backbone(batch).values()
        head: Any = model.rpn.head
        return sum(head.cls_logits.out_channels * level.shape[-2] * level.shape[-1] for level in maps)


@checker
def number_of_anchors(function: Callable[[int, int], int]) -> str:
    """Checks (height, width) of a resized image → number of anchors of the small model."""
    for height, width in ((128, 160), (120, 160), (96, 64), (100, 130)):
        number = function(height, width)
        expect(
            isinstance(number, int),
            f"A number of anchors is an int, yours is a {type(number).__name__}: use // to divide.",
        )
        right = _anchors_of_model(height, width)
        if number == right:
            continue
        name = f"For {height}×{width} pixels"
        padded = [32 * math.ceil(side / 32) for side in (height, width)]

        def cells(sides: list[int] | tuple[int, int], pool: str = "up") -> int:
            levels = [(sides[0] // stride, sides[1] // stride) for stride in (4, 8, 16, 32)]
            rows, columns = levels[-1]
            last = {"up": (-(-rows // 2), -(-columns // 2)), "down": (rows // 2, columns // 2), "none": (0, 0)}[pool]
            return sum(rows * columns for rows, columns in [*levels, last])

        expect(
            number != cells(padded),
            f"{name} you count {number}: those are the cells. Each has three anchors, one of each shape.",
        )
        expect(
            number != 15 * cells(padded),
            f"{name} you count 15 anchors at each cell. 15 is what five levels add up to: a cell has 3, of its level's one size.",
        )
        expect(
            number != 3 * cells(padded, "none"),
            f"{name} you count {number}: the fifth level is missing. `pool` takes every second row and column of P5.",
        )
        expect(
            number != 3 * cells(padded, "down"),
            f"{name} you count {number}: `pool` begins with the first row and column of P5, so 3 rows make 2. Round up.",
        )
        expect(
            number not in (3 * cells((height, width)), 3 * cells((height, width), "down")),
            f"{name} you count {number}: the image is padded first, so that both sides are multiples of 32.",
        )
        expect(False, f"{name} the model has {right} anchors, you count {number}.")
    return "Four times as many pixels, four times as many anchors: most of them stand on P2."


@checker
def level_of(function: Callable[[Tensor], int]) -> str:
    """Checks a box (4,) in pixels of the resized image → 2 … 5, the level that the small model pools it from."""
    mapper = LevelMapper(2, 5, canonical_scale=112)
    boxes = torch.tensor(
        [
            [0.0, 0.0, 112.0, 112.0],  # the order tells mistakes apart
            [0.0, 0.0, 240.0, 240.0],
            [10.0, 10.0, 110.0, 110.0],
            [0.0, 0.0, 140.0, 30.0],
            [5.0, 5.0, 15.0, 25.0],
            [0.0, 0.0, 160.0, 120.0],
            [0.0, 0.0, 600.0, 600.0],
            [20.0, 30.0, 84.0, 76.0],
        ]
    )
    for box in boxes:
        right = int(mapper([box[None]])[0]) + 2
        answer = function(box.clone())
        expect(
            isinstance(answer, int | float | Tensor),
            f"The level should be a number, yours is a {type(answer).__name__}.",
        )
        level = float(answer)
        if level == right:
            continue
        wide, high = (box[2:] - box[:2]).tolist()
        name = f"The box of {wide:.0f}×{high:.0f} pixels is read from P{right}, you say P{level:g}."
        exact = 4 + math.log2(math.sqrt(wide * high) / 112)
        expect(level == int(level), f"{name} A level is a whole number: round down.")
        expect(2 <= level <= 5, f"{name} There is no such level to pool from: keep it between 2 and 5.")

        def kept(value: float) -> int:
            return min(max(math.floor(value), 2), 5)

        expect(
            level != kept(4 + math.log(math.sqrt(wide * high) / 112)),
            f"{name} You take the natural logarithm: each level is twice as coarse as the one before, so it is log2.",
        )
        expect(
            level != kept(exact - 1),
            f"{name} You compare it with 224, as the full-size model does. The small model's reference size is 112.",
        )
        expect(
            level != min(max(round(exact), 2), 5),
            f"{name} Its k is {exact:.2f}, and that is rounded down, not to the nearest.",
        )
        expect(
            level != kept(4 + math.log2(max(wide, high) / 112)),
            f"{name} You measure its longer side: it is the square root of the area that counts.",
        )
        expect(
            level != kept(4 + math.log2(wide * high / 112)),
            f"{name} You take the area: its square root is compared with 112.",
        )
        expect(False, name)
    return "A box twice as large goes one level up, and so it covers as many cells as before."
