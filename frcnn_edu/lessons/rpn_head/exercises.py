"""Checkers for the exercises of notebook 06."""

from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape
from frcnn_edu.model.rpn import RPNHead, concat_box_prediction_layers

GRIDS = ((4, 6), (2, 3))


def _numbered(images: int, channels: int) -> list[Tensor]:
    """Maps of two levels in which every number occurs once."""
    start, maps = 0, []
    for rows, columns in GRIDS:
        size = images * channels * rows * columns
        maps.append(torch.arange(start, start + size, dtype=torch.float32).view(images, channels, rows, columns))
        start += size
    return maps


@checker
def predictions_in_one_list(one_list: Callable[[list[Tensor], int], Any]) -> str:
    """`one_list(maps, k)`: maps (N, A·k, H, W) of all levels → (N·ΣH·W·A, k) in the anchors' order."""
    for images, anchors, k in ((1, 2, 1), (1, 3, 4), (2, 3, 4)):
        logits, deltas = _numbered(images, anchors), _numbered(images, anchors * 4)
        maps = logits if k == 1 else deltas
        expected = concat_box_prediction_layers(logits, deltas)[0 if k == 1 else 1]
        given = one_list([level.clone() for level in maps], k)
        expect_shape(given, tuple(expected.shape), "The list")
        plain = torch.cat([level.reshape(images, -1, k) for level in maps], dim=1).reshape(-1, k)
        expect(
            not torch.equal(given, plain),
            "The shape is right and the order is not: reshape goes through a map channel by channel, so the first rows "
            "are all of the first channel. Bring the channels last before you reshape.",
        )
        across = torch.cat([level.permute(0, 3, 2, 1).reshape(images, -1, k) for level in maps], dim=1)
        expect(
            not torch.equal(given, across.reshape(-1, k)),
            "You go down the columns: the anchors' order is y, then x, which is (N, H, W, C) and not (N, W, H, C).",
        )
        by_number = [level.unflatten(1, (k, -1)).permute(0, 3, 4, 2, 1).reshape(images, -1, k) for level in maps]
        expect(
            k == 1 or not torch.equal(given, torch.cat(by_number, dim=1).reshape(-1, k)),
            "The channels are anchor by anchor: the first four are dx, dy, dw, dh of anchor 0. You take them as all dx first.",
        )
        by_level = torch.cat([level.permute(0, 2, 3, 1).reshape(-1, k) for level in maps])
        expect(
            images == 1 or not torch.equal(given, by_level),
            "With two images all of the first level comes first, of both images. The image is the outermost: join the "
            "levels along dimension 1 of (N, H·W·A, k), and take the images together only then.",
        )
        expect(
            torch.equal(given, expected),
            "The numbers are in another order than the anchors: image → level → y → x → anchor.",
        )
    return "This order is a contract between two classes that never meet: the head, and the anchor generator."


@checker
def location(place: Callable[[int, list[tuple[int, int]], int], Any]) -> str:
    """`place(index, grids, anchors)` → (level, row, column, anchor)."""
    grids, anchors = [(8, 10), (4, 5), (2, 3)], 3
    everything = [
        (level, y, x, a)
        for level, (rows, columns) in enumerate(grids)
        for y in range(rows)
        for x in range(columns)
        for a in range(anchors)
    ]
    answers = []
    for index in range(len(everything)):
        answer = place(index, list(grids), anchors)
        expect(
            isinstance(answer, tuple | list) and len(answer) == 4,
            f"Return four numbers (level, row, column, anchor); for index {index} it is {answer!r}.",
        )
        answers.append(tuple(int(number) for number in answer))
    wrong = [i for i, (a, b) in enumerate(zip(answers, everything, strict=True)) if a != b]
    if wrong:
        first = wrong[0]
        given, right = answers[first], everything[first]
        expect(
            any(answers[i] != (e[0], e[2], e[1], e[3]) for i, e in enumerate(everything)),
            "Row and column are exchanged: row = cell // columns, column = cell % columns.",
        )
        expect(
            first < anchors * grids[0][0] * grids[0][1],
            f"On the first level all is right; index {first} is the first beyond it and should give {right}, you say {given}. "
            "Subtract the anchors of the levels before.",
        )
        (rows, columns), cells = grids[0], grids[0][0] * grids[0][1]
        on_first = range(cells * anchors)
        expect(
            any(answers[i] != (0, *divmod(i % cells, columns), i // cells) for i in on_first),
            f"Index {first} is anchor {right[3]} of its cell: the anchor varies fastest. You go through all cells first.",
        )
        expect(
            any(answers[i][1:3] != divmod(i // anchors, rows) for i in on_first),
            "Divide the cell by the number of *columns*: that many cells make a row.",
        )
        expect(False, f"Index {first} should give {right}, you say {given}.")
    return "With this, any number in any list of the network can be traced back to a place in the image."


@checker
def predictions_of_one_cell(one_cell: Callable[[Tensor, RPNHead], Any]) -> str:
    """`one_cell(patch, head)`: a patch (C, 3, 3) → logits (A,) and deltas (A, 4)."""
    generator = torch.Generator().manual_seed(0)
    for channels, anchors in ((4, 2), (8, 3)):
        head = RPNHead(channels, anchors)
        with torch.no_grad():
            for parameter in head.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
        patch = torch.randn(channels, 3, 3, generator=generator)
        with torch.no_grad():
            logits, deltas = (maps[0][0, :, 1, 1] for maps in head([patch[None]]))
            answer = one_cell(patch.clone(), head)
        expect(isinstance(answer, tuple | list) and len(answer) == 2, "Return two tensors: the logits and the deltas.")
        expect_shape(answer[0], (anchors,), "The logits")
        expect_shape(answer[1], (anchors, 4), "The deltas")
        if not torch.allclose(answer[0], logits, atol=1e-4):
            _explain_logits(answer[0], patch, head)
        expect(
            not torch.allclose(answer[1], deltas.view(4, anchors).T, atol=1e-4),
            "The four deltas of an anchor are neighbours: (4·A,) is .view(A, 4), and not .view(4, A).T.",
        )
        expect(
            torch.allclose(answer[1], deltas.view(anchors, 4), atol=1e-4),
            "The logits are right, the deltas are not those of the head at the middle cell.",
        )
    return (
        "So few numbers decide about an anchor. `at` makes the sampled anchors' numbers in this way, without the rest "
        "of the maps."
    )


@torch.no_grad()
def _explain_logits(given: Tensor, patch: Tensor, head: RPNHead) -> None:
    """Says which of the likely mistakes makes these logits (A,) of a patch (C, 3, 3)."""
    conv, last = cast(Any, head.conv)[0][0], cast(Any, head.cls_logits)

    def is_given(hidden: Tensor, *, bias: bool = True) -> bool:
        return torch.allclose(given, last.weight[:, :, 0, 0] @ hidden + (last.bias if bias else 0), atol=1e-4)

    products = (conv.weight * patch).sum(dim=(1, 2, 3))  # (C,)
    turned = (conv.weight.flip(2, 3) * patch).sum(dim=(1, 2, 3))
    expect(not is_given(products + conv.bias), "The ReLU between the 3×3 and the 1×1 convolutions is missing.")
    without_bias = [is_given(F.relu(products + conv.bias), bias=False)]
    without_bias += [is_given(F.relu(products), bias=bias) for bias in (True, False)]
    expect(not any(without_bias), "A bias is missing: each of the three convolutions has one.")
    expect(
        not is_given(F.relu(turned + conv.bias)),
        "You turned the kernel around, as a convolution in mathematics does. nn.Conv2d does not: weight (i, j) meets "
        "cell (i, j).",
    )
    expect(False, "The logits are not those of the head at the middle cell.")
