"""Checkers of notebook 03: the feature pyramid."""

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from frcnn_edu.lessons.checking import NotYet, checker, expect, expect_shape
from frcnn_edu.model import FeaturePyramidNetwork


@checker
def nearest_upsampling(nearest: Callable[[Tensor, tuple[int, int]], Tensor]) -> str:
    """Checks `nearest(x, size)`: (N, C, H, W) → (N, C, *size), each cell copied as PyTorch's "nearest" does."""
    generator = torch.Generator().manual_seed(3)
    for (rows, columns), size in (((2, 2), (4, 4)), ((2, 3), (4, 6)), ((13, 19), (25, 38)), ((7, 5), (13, 10))):
        x = torch.rand(1, 2, rows, columns, generator=generator)
        before, what = x.clone(), f"{rows}×{columns} → {size[0]}×{size[1]}"
        result = nearest(x, size)
        expect(isinstance(result, Tensor), "The function should return a tensor.")
        doubled = (1, 2, 2 * rows, 2 * columns)
        if result.shape == doubled != (1, 2, *size):
            raise NotYet(
                f"{what}: your function doubles every cell and returns {doubled[2]}×{doubled[3]}, but the lateral has an odd side."
            )
        if result.shape == (1, 2, size[1], size[0]) != (1, 2, *size):
            raise NotYet(f"{what}: your result is {size[1]}×{size[0]}. Sizes are (height, width), as in a map's shape.")
        expect_shape(result, (1, 2, *size), f"{what}: the result")
        expect(torch.equal(x, before), "The input map has changed: write into a new tensor.")
        _explain_nearest(x, size, result, what)
    return "Integer division is all it takes: row i of the output is row i·H // H′ of the input, whether H′ is 2·H or one less."


def _explain_nearest(x: Tensor, size: tuple[int, int], result: Tensor, what: str) -> None:
    rows, columns = (_corner_to_corner(side, larger) for side, larger in zip(x.shape[-2:], size, strict=True))
    right = F.interpolate(x, size=size, mode="nearest")
    if torch.equal(result, right):
        return
    if torch.allclose(result, F.interpolate(x, size=size, mode="bilinear", align_corners=False)):
        raise NotYet(
            f"{what}: your function blends neighbours, as bilinear upsampling does. Nearest upsampling only copies."
        )
    if torch.equal(result, F.interpolate(x, size=size, mode="nearest-exact")):
        raise NotYet(
            f"{what}: your function takes the cell whose centre is nearest. PyTorch's nearest rounds i·H / H′ down instead."
        )
    if torch.equal(result, x[..., rows, :][..., columns]):
        raise NotYet(
            f"{what}: your function aligns the first cells of both maps and also the last ones. The step should be H / H′."
        )
    raise NotYet(f"{what}: {int((result != right).sum())} of {right.numel()} numbers come from the wrong cell.")


def _corner_to_corner(size: int, larger: int) -> Tensor:
    return (torch.arange(larger) * (size - 1) / (larger - 1)).round().long()


@checker
def top_down_path(top_down: Callable[[list[Tensor]], list[Tensor]]) -> str:
    """Checks `top_down(laterals)`: maps (N, C, Hᵢ, Wᵢ), finest first → their sums with all coarser levels, finest first."""
    generator = torch.Generator().manual_seed(4)
    for sizes in ([(16, 20), (8, 10), (4, 5), (2, 3)], [(25, 38), (13, 19), (7, 10), (4, 5)]):
        laterals = [torch.rand(1, 2, *size, generator=generator) for size in sizes]
        given = [lateral.clone() for lateral in laterals]
        try:
            result = top_down(laterals)
        except RuntimeError as error:
            expect(
                "must match" not in str(error),
                f"Sizes do not match: {error}. Here, a map of 13 rows has to be copied to 25.",
            )
            raise
        expect(
            len(result) == len(given),
            f"There should be {len(given)} sums, one per level, but you return {len(result)}.",
        )
        _explain_sums(given, list(result))
        same = all(torch.equal(now, then) for now, then in zip(laterals, given, strict=True))
        expect(same, "The laterals have changed, because `+=` wrote the sums into them. Make new tensors.")
    return "The running sum is the whole trick: C5 reaches P2 without a direct connection between the two."


def _explain_sums(laterals: list[Tensor], result: list[Tensor]) -> None:
    sums = _sums(laterals)
    if all(map(_close, result, sums)):
        return
    expect(
        not all(map(_close, result[::-1], sums)),
        "The sums are right, but the coarsest comes first. Please reverse the list.",
    )
    expect(_close(result[-1], laterals[-1]), "The coarsest level has nothing above it, so its sum is its lateral.")
    neighbours = [fine + F.interpolate(coarse, size=fine.shape[-2:]) for fine, coarse in pairwise(laterals)]
    if all(map(_close, result, [*neighbours, laterals[-1]])):
        raise NotYet(
            "Each level gets the *lateral* above it, so the coarsest level reaches the next one and no further. Pass down the sum."
        )
    wrong = next(level for level in reversed(range(len(sums))) if not _close(result[level], sums[level]))
    raise NotYet(f"On the way down, level {wrong} is the first whose sum is wrong (level 0 is the finest).")


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, atol=1e-5)


def _sums(laterals: list[Tensor]) -> list[Tensor]:
    """The package's sums: its pyramid with convolutions that change nothing."""
    channels = laterals[0].shape[1]
    pyramid = FeaturePyramidNetwork([channels] * len(laterals), channels)
    with torch.no_grad():
        for block in [*pyramid.inner_blocks, *pyramid.layer_blocks]:
            torch.nn.init.dirac_(block[0].weight)
        return list(pyramid({str(level): lateral for level, lateral in enumerate(laterals)}).values())


@checker
def reached_cells(side: Callable[[int], int]) -> str:
    """Checks `side(steps)`: the number of cells in a row that change `steps` levels further down if one cell changes."""
    for steps in range(5):
        found, measured = side(steps), _reached(steps)
        if found == measured:
            continue
        hint = ""
        if found == 2**steps:
            hint = " Copying makes that many cells, but the 3×3 convolution of that level then reaches one cell further on each side."
        elif found == 3 * 2**steps:
            hint = " This would be right if the smoothed map were passed down. But the sum is passed down, and each level smooths its own sum."
        elif found == 2**steps + 1:
            hint = " The 3×3 convolution adds one cell on each of two sides."
        raise NotYet(
            f"For steps = {steps}, {measured} cells in a row change in the package, but your function returns {found}.{hint}"
        )
    return "The 3×3 convolution adds one cell on each side, and the cells get smaller from level to level, so what comes from C5 is hardly smoothed on P2."


def _reached(steps: int) -> int:
    """Measured: how many cells in a row of the finest map change with a middle cell of the coarsest."""
    levels = steps + 1
    pyramid = FeaturePyramidNetwork([1] * levels, 1)
    for parameter in pyramid.parameters():
        torch.nn.init.ones_(parameter)
    maps = {
        str(level): torch.zeros(1, 1, 7 * 2 ** (steps - level), 7 * 2 ** (steps - level)) for level in range(levels)
    }
    with torch.no_grad():
        before = pyramid(maps)["0"]
        maps[str(steps)][..., 3, 3] = 1.0
        return int((pyramid(maps)["0"] != before)[0, 0].any(dim=0).sum())
