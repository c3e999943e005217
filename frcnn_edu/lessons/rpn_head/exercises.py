"""Checkers for notebook 06: predictions in the anchors' order, one logit instead of two scores, one cell by hand."""

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
    """`one_list(maps, k)` turns the maps (N, A·k, H, W) of all levels into one list (N·ΣH·W·A, k) in the anchors' order."""
    for images, anchors, k in ((1, 2, 1), (1, 3, 4), (2, 3, 4)):
        logits, deltas = _numbered(images, anchors), _numbered(images, anchors * 4)
        maps = logits if k == 1 else deltas
        expected = concat_box_prediction_layers(logits, deltas)[0 if k == 1 else 1]
        given = one_list([level.clone() for level in maps], k)
        expect_shape(given, tuple(expected.shape), "The list")
        plain = torch.cat([level.reshape(images, -1, k) for level in maps], dim=1).reshape(-1, k)
        expect(
            not torch.equal(given, plain),
            "The shape is right, but the order is not. reshape reads a map channel by channel, so the first rows all come "
            "from the first channel. Put the channels last before you reshape.",
        )
        across = torch.cat([level.permute(0, 3, 2, 1).reshape(images, -1, k) for level in maps], dim=1)
        expect(
            not torch.equal(given, across.reshape(-1, k)),
            "You go down the columns. In the anchors' order, y comes before x, so you need (N, H, W, C) and not (N, W, H, C).",
        )
        by_number = [level.unflatten(1, (k, -1)).permute(0, 3, 4, 2, 1).reshape(images, -1, k) for level in maps]
        expect(
            k == 1 or not torch.equal(given, torch.cat(by_number, dim=1).reshape(-1, k)),
            "The channels are ordered anchor by anchor: the first four are dx, dy, dw, dh of anchor 0. You take every dx first.",
        )
        by_level = torch.cat([level.permute(0, 2, 3, 1).reshape(-1, k) for level in maps])
        expect(
            images == 1 or not torch.equal(given, by_level),
            "With two images, your list begins with the first level of both. The image is the outermost index, so join the "
            "levels along dimension 1 of (N, H·W·A, k) before you join the images.",
        )
        expect(
            torch.equal(given, expected),
            "The numbers are not in the order of the anchors, which is image → level → y → x → anchor.",
        )
    return "The head and the anchor generator agree on this order, and nothing else connects their lists."


@checker
def one_logit_for_two_scores(one_logit: Callable[[Tensor, Tensor], Any]) -> str:
    """`one_logit(weight, bias)` turns a layer with two scores per anchor, (2·A, C) and (2·A,), into one with one logit, (A, C) and (A,)."""
    generator = torch.Generator().manual_seed(0)
    for anchors, channels in ((1, 4), (3, 8)):
        weight, bias = (
            torch.randn(2 * anchors, channels, generator=generator),
            torch.randn(2 * anchors, generator=generator),
        )
        answer = one_logit(weight.clone(), bias.clone())
        expect(isinstance(answer, tuple | list) and len(answer) == 2, "Return two tensors: a weight and a bias.")
        expect_shape(answer[0], (anchors, channels), "The weight")
        expect_shape(answer[1], (anchors,), "The bias")
        right_weight, right_bias = weight[anchors:] - weight[:anchors], bias[anchors:] - bias[:anchors]
        expect(
            not torch.allclose(answer[0], -right_weight),
            "Your sigmoid is the probability of *no* object. Subtract the other way round.",
        )
        expect(
            anchors == 1 or not torch.allclose(answer[0], weight[1::2] - weight[::2]),
            "You subtract neighbouring channels. Here the first A channels are those of *no object*, and the last A are those "
            "of *object*.",
        )
        expect(
            not torch.allclose(answer[0], weight[anchors:]),
            "The score of *object* alone does not decide: a softmax depends on the difference between the two scores.",
        )
        expect(
            torch.allclose(answer[0], right_weight), "The weight does not give the softmax's probability of *object*."
        )
        expect(
            torch.allclose(answer[1], right_bias),
            "The weight is right, but the bias is not: it should be the difference between the two biases.",
        )
    return "A softmax of two scores is the sigmoid of their difference, so half of these weights are enough."


@checker
def predictions_of_one_cell(one_cell: Callable[[Tensor, RPNHead], Any]) -> str:
    """`one_cell(patch, head)` returns the logits (A,) and deltas (A, 4) of the middle cell of a patch (C, 3, 3)."""
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
            "The four deltas of an anchor are neighbours, so turn (4·A,) into (A, 4) with .view(A, 4), not with .view(4, A).T.",
        )
        expect(
            torch.allclose(answer[1], deltas.view(anchors, 4), atol=1e-4),
            "The logits are right, but the deltas are not those that the head predicts for the middle cell.",
        )
    return "An anchor's five numbers depend on 3×3 cells of its level and on nothing else."


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
        "You flipped the kernel, as a convolution in mathematics does. nn.Conv2d does not: weight (i, j) is multiplied by "
        "cell (i, j).",
    )
    expect(False, "The logits are not those that the head predicts for the middle cell.")
