"""Checkers of notebook 10: the level of a box, and the scale of a map."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape
from frcnn_edu.model import LevelMapper
from frcnn_edu.model.roi_align import infer_scale
from frcnn_edu.ops import box_area

_SIDES = torch.tensor(
    [[20, 30], [40, 40], [56, 56], [120, 30], [30, 200], [90, 100], [112, 112], [150, 150], [300, 240]]
)


def _boxes() -> Tensor:
    corners = torch.tensor([[3.0, 7.0]]).expand(len(_SIDES), 2)
    return torch.cat((corners, corners + _SIDES), dim=1)  # (9, 4)


@checker
def levels_of_boxes(answer: Callable[[Tensor, float], Tensor]) -> str:
    """`answer(boxes, canonical_scale)` → the index of each box's map, (N,) int64, 0 for P2."""
    boxes = _boxes()
    for scale in (112, 224, 56):
        found = answer(boxes, scale)
        expect_shape(found, (len(boxes),), "What the function returns")
        _expect_levels(found, boxes, scale)
    hair = torch.tensor([[0.0, 0, 223.9999, 223.9999]])  # tolerated because of ε
    expect(
        int(answer(hair, 224)[0]) == 2,
        "A box with a side of 223.9999 pixels should have index 2, P4. To allow for rounding errors, add ε after the logarithm.",
    )
    return "A box with twice the side is read one level higher, so every box has about the same size in cells of its own map."


def _expect_levels(found: Tensor, boxes: Tensor, scale: int) -> None:
    right = LevelMapper(2, 5, canonical_scale=scale)([boxes])
    if torch.equal(found.long(), right):
        expect(found.dtype == torch.int64, f"The levels are right, but an index is an int64; yours are {found.dtype}.")
        return
    side = box_area(boxes).sqrt()
    longest = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1)
    exact = 4 + torch.log2(side / scale)

    def indices(k: Tensor) -> Tensor:
        return k.clamp(2, 5).long() - 2

    mistakes = [
        (right + 2, "You returned the number in the level's name. The first map, P2, has index 0: subtract 2."),
        (
            torch.floor(exact).long() - 2,
            "Some of your indices are not between 0 and 3: clamp the levels to P2…P5 first.",
        ),
        (
            indices(torch.floor(4 + torch.log2(side**2 / scale))),
            "You used the area. The formula uses a side, √(w·h).",
        ),
        (indices(torch.round(exact)), "You rounded to the nearest level. The formula rounds down: use floor."),
        (indices(torch.floor(4 + torch.log2(longest / scale))), "You used the longer side. The formula uses √(w·h)."),
        (
            indices(torch.floor(4 + torch.log(side / scale))),
            "You used the natural logarithm. The formula uses log2, which counts doublings.",
        ),
    ]
    for wrong, message in mistakes:
        expect(not torch.equal(found.long(), wrong), message)
    i = int((found.long() != right).nonzero()[0])
    width, height = (boxes[i, 2:] - boxes[i, :2]).tolist()
    expect(
        False,
        f"With canonical_scale {scale}, a box of {height:.0f}×{width:.0f} pixels should have index {int(right[i])}; "
        f"yours has {int(found[i])}.",
    )


@checker
def scale_of_map(answer: Callable[[int, int], float]) -> str:
    """`answer(map_height, image_height)` → the nearest power of two."""
    for rows, height in ((32, 120), (76, 1201), (10, 148), (8, 12), (8, 11), (4, 90)):
        found, right, given = float(answer(rows, height)), infer_scale(rows, height), f"{rows} rows for {height} pixels"
        if abs(found - right) < 1e-9:
            continue
        expect(
            abs(found - rows / height) > 1e-9,
            f"{given}: {found:.3f} is the ratio itself. Round its log2, then raise 2 to that power.",
        )
        expect(
            abs(found * right - 1) > 1e-9,
            f"{given}: {found:g} is pixels per cell. A scale is cells per pixel, {right:g}.",
        )
        expect(found > 0, f"{given}: {found:g} is the exponent. The scale is 2 to that power.")
        expect(
            abs(found / right - 0.5) > 1e-9 and abs(found / right - 2) > 1e-9,
            f"{given}: {found:g} is not the nearest power of two; that is {right:g}. Round log2 to the nearest integer, "
            "not always up or always down.",
        )
        expect(False, f"{given}: the scale should be {right:g}; yours is {found:g}.")
    return "8 rows for 11 pixels give 1.0, as in torchvision, although 1/4 would be right."


@checker
def canonical_scale(answer: Any) -> str:
    """The canonical scale with which a box spans 10 to 20 cells of its map: 10 · 2⁴."""
    value = float(answer)
    expect(
        value != 320,
        "With 320, boxes span 20 to 40 cells: a cell of P4 is 16 pixels wide, and 320 / 16 is the lower limit.",
    )
    expect(
        value not in (40, 80), f"{value:g} would be right for a canonical level of {3 if value == 80 else 2}; k₀ is 4."
    )
    expect(
        value not in (10, 20),
        f"{value:g} is in cells. The canonical scale is in pixels, and a cell of P4 is 16 pixels wide.",
    )
    low = value / 16
    expect(value == 160, f"With {value:g}, boxes span {low:g} to {2 * low:g} cells.")
    side = torch.tensor([159.9, 160.0, 319.9])
    levels = LevelMapper(2, 5, canonical_scale=160)([torch.stack((0 * side, 0 * side, side, side), dim=1)]) + 2
    assert levels.tolist() == [3, 4, 4]
    return (
        "canonical_scale / 2^k₀ is the smallest number of cells, so 224 with level 4 is the same as 112 with level 3."
    )
