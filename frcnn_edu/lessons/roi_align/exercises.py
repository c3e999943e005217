"""Checkers of notebook 11: bilinear interpolation, sampling points, and the order of the boxes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import NotYet, checker, expect, expect_shape
from frcnn_edu.model.fast.roi_align import bilinear_samples
from frcnn_edu.ops import roi_align


def _read(plane: Tensor, y: float, x: float) -> float:
    """One point of a map (H, W), read by RoIAlign: a box of one cell with one bin and one point."""
    roi = torch.tensor([[0, x - 0.5, y - 0.5, x + 0.5, y + 0.5]])
    return float(roi_align(plane[None, None], roi, (1, 1), 1.0, 1))


@checker
def interpolation(answer: Callable[[Tensor, float, float], Any]) -> str:
    """`answer(plane, y, x)` → the value between the cells of a map (H, W)."""
    plane = torch.randint(0, 20, (5, 5), generator=torch.Generator().manual_seed(0)).float()
    for y, x in ((1.0, 2.0), (2.0, 1.25), (0.5, 2.25), (3.75, 0.1)):
        found, right = float(answer(plane, y, x)), _read(plane, y, x)
        if abs(found - right) < 1e-4:
            continue
        top, left = int(y), int(x)
        expect(
            abs(found - _read(plane, x, y)) > 1e-4,
            f"At y = {y}, x = {x}: you exchanged the axes; y counts rows, and x counts columns.",
        )
        mirrored = _read(plane, 2 * top + 1 - y, 2 * left + 1 - x)
        expect(
            abs(found - mirrored) > 1e-4,
            f"At y = {y}, x = {x}: your weights are reversed. The nearer a cell, the larger its weight.",
        )
        expect(
            min(abs(found - float(plane[top + j, left + i])) for i in (0, 1) for j in (0, 1)) > 1e-4,
            f"At y = {y}, x = {x} you return the value of a single cell. Do not round: mix the four cells around the point.",
        )
        expect(
            abs(found - float(plane[top : top + 2, left : left + 2].mean())) > 1e-4,
            f"At y = {y}, x = {x} you give the four cells equal weights. The weights depend on the point's distance.",
        )
        expect(False, f"At y = {y}, x = {x} the value should be {right:.3f}; yours is {found:.3f}.")
    try:
        edge = float(answer(plane, 4.0, 1.5))
    except IndexError:
        raise NotYet("On the last row, y = 4.0, there is no row below: use the last row again.") from None
    expect(abs(edge - _read(plane, 4.0, 1.5)) < 1e-4, "On the last row, y = 4.0, only that row should have a weight.")
    return "Each weight is an area, so they add up to 1, and if the point moves a little, the value changes a little."


@checker
def sampling_points(answer: Callable[[float, float, int, int], Tensor]) -> str:
    """`answer(start, length, bins, ratio)` → the coordinates of the points along one axis, (bins · ratio,)."""
    for start, length, bins, ratio in ((2.0, 7.0, 7, 2), (21.45, 10.55, 7, 2), (3.0, 4.0, 2, 3), (1.5, 5.0, 5, 1)):
        found = answer(start, length, bins, ratio)
        expect_shape(found, (bins * ratio,), f"For {bins} bins of {ratio} points, the result")
        cells, weights = bilinear_samples(torch.tensor([start]), torch.tensor([length]), bins, ratio, 100)
        right = (cells * weights).unflatten(2, (ratio, 2)).sum(dim=3).flatten() * ratio  # (bins · ratio,)
        if torch.allclose(found.float(), right, atol=1e-4):
            continue
        given, step = f"A box from {start:g} with length {length:g}", length / (bins * ratio)
        spread = torch.linspace(start, start + length, bins * ratio)
        mistakes = [
            (
                right - step / 2,
                f"{given}: your first point is on the box's border. Each point is in the *middle* of its share.",
            ),
            (
                right + step / 2,
                f"{given}: your last point is on the box's border. Each point is in the *middle* of its share.",
            ),
            (spread, f"{given}: your points reach from border to border. Each point is in the *middle* of its share."),
            (right - 0.5, f"{given}: you subtract half a cell, as aligned=True does. This network uses aligned=False."),
            (right - start, f"{given}: your points start at 0. Add the start of the box."),
            (torch.floor(right), f"{given}: your points are whole numbers. RoIAlign rounds nothing."),
        ]
        for wrong, message in mistakes:
            expect(not torch.allclose(found.float(), wrong.float(), atol=1e-4), message)
        expect(False, f"{given}: the first point should be at {right[0]:.3f}; yours is at {float(found[0]):.3f}.")
    return "The points are evenly spaced over the whole box; the bins only decide which of them are averaged."


@checker
def original_order(answer: Callable[[Tensor, Tensor], Tensor]) -> str:
    """`answer(pooled, order)` → the features in the original order, if pooled is original[order]."""
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        original = torch.rand(6, 2, 3, 3, generator=generator)
        order = torch.tensor([[2, 0, 4, 1, 5, 3], [1, 2, 3, 4, 5, 0], [3, 5, 0, 1, 4, 2]][seed])
        pooled = original[order]
        found = answer(pooled.clone(), order)
        expect_shape(found, tuple(original.shape), "The result")
        expect(not torch.equal(found, pooled), "The boxes are still ordered by level: no row has moved.")
        expect(
            not torch.equal(found, pooled[order]),
            "pooled[order] applies the order a second time. Row i of pooled belongs to place order[i].",
        )
        expect(torch.equal(found, original), "Some rows are in the wrong place: row i belongs to place order[i].")
    return "pooled[order.argsort()] works, too: the argsort of a permutation is its inverse."
