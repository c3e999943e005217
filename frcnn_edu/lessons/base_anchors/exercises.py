"""Checkers for notebook 04: the shapes of anchors."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape
from frcnn_edu.model import AnchorGenerator
from frcnn_edu.ops import box_iou

#: Sizes and ratios on which an answer is tried. The first case alone reveals most mistakes; 25 and 27 show how halves are rounded.
CASES = (((32,), (0.5,)), ((32, 64), (0.5, 1.0, 2.0)), ((25, 27), (1.0,)), ((12, 33, 100), (0.4, 1.3)))


@checker
def base_anchors(answer: Callable[[Tensor, Tensor], Tensor]) -> str:
    """`answer(sizes (s,), ratios (r,))` returns the base anchors (r·s, 4) as `AnchorGenerator.generate_anchors` does."""
    for sizes, ratios in CASES:
        right = AnchorGenerator((sizes,), (ratios,)).cell_anchors[0]
        got = answer(torch.tensor(sizes, dtype=torch.float32), torch.tensor(ratios))
        expect_shape(got, (len(right), 4), f"For {len(sizes)} sizes and {len(ratios)} ratios, what you return")
        got = got.float()
        if not torch.equal(got, right):
            _explain(got, right, sizes, ratios)
    return "The ratio sets the shape, and the size sets the area. Base anchors are the same for every image."


def _explain(got: Tensor, right: Tensor, sizes: tuple[int, ...], ratios: tuple[float, ...]) -> None:
    """Report which of the likely mistakes turns `right` into `got`."""
    size, ratio = torch.tensor(sizes, dtype=torch.float32), torch.tensor(ratios)
    heights, widths = (ratio.sqrt()[:, None] * size).flatten(), (size / ratio.sqrt()[:, None]).flatten()
    exact = torch.stack((-widths, -heights, widths, heights), dim=1) / 2
    first = f"For size {sizes[0]} and ratio {ratios[0]:g}, the box should be {right[0].long().tolist()}"
    mine = [round(value, 2) for value in got[0].tolist()]
    expect(
        not torch.equal(got, right[:, [1, 0, 3, 2]]),
        f"The ratio is height / width, but yours gives the {'wide' if ratios[0] < 1 else 'tall'} box a ratio of {1 / ratios[0]:g}.",
    )
    by_size = right.view(len(ratios), len(sizes), 4).transpose(0, 1).reshape(-1, 4)
    expect(
        not torch.equal(got, by_size),
        "The boxes are right, but their order is not: the ratio belongs in the outer loop, and the size in the inner one.",
    )
    expect(
        not torch.allclose(got, exact, atol=1e-3),
        f"The sides are right, but the corners must still be rounded to whole pixels. {first}, but yours is {mine}.",
    )
    halves_up = (exact.abs() + 0.5).floor() * exact.sign()
    expect(
        not torch.equal(got, halves_up),
        "A half is rounded to the even neighbour, as torch.round does: 12.5 becomes 12, so size 25 gives a square of 24.",
    )
    cut_off = exact.trunc()
    expect(
        not torch.equal(got, cut_off),
        f"The corners are truncated, but they should be rounded. {first}, but yours is {mine}.",
    )
    sides_first = torch.stack((-widths, -heights, widths, heights), dim=1).round() / 2
    expect(
        not torch.equal(got, sides_first),
        f"You round the sides and then halve them. Halve them first, then round the corners. {first}, but yours is {mine}.",
    )
    sides = got[:, 2:] - got[:, :2]
    expect(
        not bool((got[:, :2] == 0).all()),
        f"Base anchors are centred on (0, 0), but yours have their upper left corner there. {first}.",
    )
    area = float(sides[0].prod())
    wanted = float((right[0, 2:] - right[0, :2]).prod())
    close = 0.9 < area / wanted < 1.1
    expect(
        close,
        f"{first}, but yours is {mine}, with an area of {area:.0f} instead of about {sizes[0] ** 2}. A ratio does not change the "
        "area: h = s·√r, w = s/√r.",
    )
    expect(False, f"{first}, but yours is {mine}.")


@checker
def shape_iou(answer: Callable[[Tensor, Tensor], Tensor]) -> str:
    """`answer((N, 2), (M, 2))` returns the IoU (N, M) of boxes on one centre, given as (width, height)."""
    generator = torch.Generator().manual_seed(0)
    hand = torch.tensor([[44.0, 33.0]]), torch.tensor([[48.0, 48.0], [16.0, 64.0]])
    random = torch.rand(5, 2, generator=generator) * 90 + 10, torch.rand(3, 2, generator=generator) * 90 + 10
    for first, second in (hand, random):
        right = box_iou(torch.cat((-first, first), dim=1) / 2, torch.cat((-second, second), dim=1) / 2)
        got = answer(first.clone(), second.clone())
        if isinstance(got, Tensor) and got.shape == right.T.shape != right.shape:
            expect(
                False,
                "The table is transposed: it needs a row for each shape in the first set and a column for each shape in the second.",
            )
        expect_shape(got, tuple(right.shape), f"For {len(first)} and {len(second)} shapes, what you return")
        if not torch.allclose(got, right, atol=1e-5):
            _explain_iou(got, first, second, right)
    return "On one centre, IoU compares shapes only, so you can judge a set of anchors before any training."


def _explain_iou(got: Tensor, first: Tensor, second: Tensor, right: Tensor) -> None:
    shared = torch.min(first[:, None], second[None]).prod(dim=2)  # (N, M)
    one, other = first.prod(dim=1)[:, None], second.prod(dim=1)[None]
    wrong = {
        "You divide by the sum of both areas, which counts the intersection twice. Subtract it once.": shared
        / (one + other),
        "This is the smaller area divided by the larger. It ignores the shape: 16×64 and 64×16 have equal areas but share little.": (
            torch.min(one, other) / torch.max(one, other)
        ),
        "You divide by the smaller of the two areas, so a box inside another one always has an IoU of 1.": (
            shared / torch.min(one, other)
        ),
        "You divide by the larger of the two areas. Divide by the area that both cover together.": (
            shared / torch.max(one, other)
        ),
        "This is the intersection in square pixels. Divide it by the area that both cover together.": shared,
    }
    # If one box contains the other, several of these formulas agree; so all pairs are compared.
    for message, values in wrong.items():
        expect(not torch.allclose(got, values, atol=1e-5), message)
    row, column = divmod(int((got - right).abs().argmax()), right.shape[1])
    pair = " and ".join(
        "×".join(f"{side:.0f}" for side in shape.flip(0).tolist()) for shape in (first[row], second[column])
    )
    expect(False, f"The IoU of {pair} is {float(right[row, column]):.2f}, but yours is {float(got[row, column]):.2f}.")


SMALLEST, LARGEST = 16, 75


@checker
def five_sizes(answer: Any) -> str:
    """Five sizes such that each square of 16 … 75 pixels has an IoU of at least 0.7 with one of their square anchors."""
    sizes = [int(s) for size in answer for s in (size if isinstance(size, tuple | list) else (size,))]
    expect(len(sizes) == 5, f"Give five sizes, one for each level. Your answer has {len(sizes)}.")
    sizes.sort()
    anchors = AnchorGenerator((tuple(sizes),), ((1.0,),)).cell_anchors[0]
    made = (anchors[:, 2] - anchors[:, 0]).long().tolist()
    sides = torch.linspace(SMALLEST, LARGEST, 10 * (LARGEST - SMALLEST) + 1)[:, None]
    squares = torch.cat((-sides, -sides, sides, sides), dim=1) / 2
    best = box_iou(squares, anchors).amax(dim=1)
    missed = sides[best < 0.7 - 1e-4, 0]
    if len(missed) > 0:
        odd = [f"{size} becomes {side}" for size, side in zip(sizes, made, strict=True) if size != side]
        note = f" Remember the rounding: {', '.join(odd)}." if odd else ""
        worst = f"A square with a side of {float(missed[0]):.1f} pixels has a best IoU of {float(best[best < 0.7 - 1e-4][0]):.2f}."
        hint = " Neighbouring sizes may be no more than a factor of 1 / 0.7 ≈ 1.43 apart"
        if any(b >= 2 * a for a, b in pairwise(sizes)):
            hint += "; with a factor of 2, the IoU falls to 0.5 between them"
        expect(False, f"{worst}{hint}.{note}")
    return "At an IoU of 0.7, five sizes reach from 16 to 75. Sizes that double would reach from 16 to 512, but only at an IoU of 0.5."
