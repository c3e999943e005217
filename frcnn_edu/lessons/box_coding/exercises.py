"""Checkers for the exercises of notebook 07."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape
from frcnn_edu.ops import BoxCoder

PLAIN = BoxCoder((1.0, 1.0, 1.0, 1.0))


def _boxes(number: int, seed: int) -> Tensor:
    """Boxes (N, 4) with sides of 10 to 60 pixels, somewhere in the first 100."""
    random = torch.rand(number, 4, generator=torch.Generator().manual_seed(seed))
    corners, sizes = 100 * random[:, :2], 10 + 50 * random[:, 2:]
    return torch.cat((corners, corners + sizes), dim=1)


def _parts(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 4) → centres and sizes, (N, 2) each."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


@checker
def encoded_deltas(encode: Callable[[Tensor, Tensor], Any]) -> str:
    """`encode(targets, anchors)` returns the deltas (N, 4) from anchors (N, 4) to targets (N, 4), with weights of 1."""
    targets, anchors = _boxes(8, seed=0), _boxes(8, seed=1)
    given = encode(targets.clone(), anchors.clone())
    expect_shape(given, (8, 4), "The deltas")
    (centre, size), (centre_a, size_a) = _parts(targets), _parts(anchors)
    shift = centre - centre_a

    def gives(move: Tensor, columns: slice) -> bool:
        return torch.allclose(given[:, columns], move, rtol=1e-3, atol=1e-4)

    xy, wh = slice(0, 2), slice(2, 4)
    expect(
        not torch.allclose(given, PLAIN.encode_single(anchors, targets), rtol=1e-3, atol=1e-4),
        "These deltas lead from the target to the anchor: you have exchanged the two.",
    )
    expect(not gives(shift, xy), "dx and dy are in pixels. Divide them by the anchor's width and height.")
    expect(
        not gives(shift / size, xy),
        "dx and dy are in units of the *target's* size. When a box is decoded, only the anchor is known, so its size has to be the unit.",
    )
    expect(
        not gives(-shift / size_a, xy), "dx and dy have the wrong sign: subtract the anchor's centre from the target's."
    )
    expect(
        not gives((targets[:, :2] - anchors[:, :2]) / size_a, xy),
        "dx and dy compare the top left corners. Compare the centres.",
    )
    expect(
        gives(shift / size_a, xy), "dx or dy is not (centre of the target − centre of the anchor) / size of the anchor."
    )
    factor = size / size_a
    expect(not gives(factor, wh), "dw and dh are the factors themselves. Take their logarithm.")
    expect(not gives(factor - 1, wh), "dw and dh are relative changes. Take the logarithm of the factor instead.")
    expect(
        not gives(factor.log2(), wh) and not gives(factor.log10(), wh),
        "The logarithm has the wrong base. Use the natural logarithm, which exp undoes.",
    )
    expect(
        not gives(((size + 1) / (size_a + 1)).log(), wh),
        "You add 1 to widths and heights, as older code does. Here a box from 10 to 20 is 10 pixels wide.",
    )
    expect(gives(factor.log(), wh), "dw or dh is not log(size of the target / size of the anchor).")
    return "Nothing in the four numbers depends on the size of the anchor in pixels, which is why one head can serve all levels."


@checker
def decoded_boxes(decode: Callable[[Tensor, Tensor, tuple[float, float, float, float]], Any]) -> str:
    """`decode(deltas, boxes, weights)` applies deltas (N, 4), clamped at log(1000 / 16), to boxes (N, 4)."""
    boxes = _boxes(6, seed=2)
    moves = torch.randn(6, 4, generator=torch.Generator().manual_seed(3)) * 0.3
    for weights in ((1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)):
        given = decode((moves * torch.tensor(weights)).clone(), boxes.clone(), weights)
        expect_shape(given, (6, 4), "The boxes")
        deltas = moves * torch.tensor(weights)
        if not _same(given, BoxCoder(weights).decode_single(deltas, boxes)):
            _explain_decoded(given, deltas, boxes, weights)
    weights = (10.0, 10.0, 5.0, 5.0)
    box = torch.tensor([[0.0, 0.0, 16.0, 16.0]])
    low = decode(torch.tensor([[0.0, 0.0, -30.0, -30.0]]), box.clone(), weights)
    expect(
        _same(low, torch.tensor([[8.0, 8.0, 8.0, 8.0]]) + torch.tensor([-1.0, -1, 1, 1]) * 8 * math.exp(-6)),
        "With dw = −6, the width should shrink to 1/403, but yours does not. Clamp dw and dh from above only.",
    )
    high = decode(torch.tensor([[0.0, 0.0, 30.0, 30.0]]), box.clone(), weights)
    wide = float(high[0, 2] - high[0, 0])
    expect(
        not math.isclose(wide, 16 * math.exp(6), rel_tol=1e-3),
        "With dw = 6, your box becomes 403 times as wide. Clamp dw and dh at log(1000 / 16) before exp, which can overflow.",
    )
    expect(
        not math.isclose(wide, 16 * math.exp(math.log(1000 / 16) / 5), rel_tol=1e-3),
        "You clamp dw before you divide by the weight. You have to divide first.",
    )
    expect(_same(high, BoxCoder(weights).decode_single(torch.tensor([[0.0, 0.0, 30.0, 30.0]]), box)),
           f"A box that is 16 pixels wide becomes at most 1000 pixels wide, but yours becomes {wide:.0f}. Clamp at log(1000 / 16).")  # fmt: skip
    return "The clamp never changes a sensible box. It only keeps a wild prediction from becoming infinite if training diverges."


def _same(given: Tensor, boxes: Tensor) -> bool:
    return torch.allclose(given, boxes, rtol=1e-3, atol=1e-2)


def _explain_decoded(given: Tensor, deltas: Tensor, boxes: Tensor, weights: tuple[float, float, float, float]) -> None:
    """Names the likely mistake that leads to these boxes (N, 4)."""
    of = torch.tensor(weights)
    expect(not _same(given, PLAIN.decode_single(deltas, boxes)), "The weights are not used. Divide the deltas by them.")
    expect(
        not _same(given, PLAIN.decode_single(deltas * of, boxes)),
        "You multiply by the weights. Encoding multiplies by them, so decoding has to divide.",
    )
    (centre, size), move = _parts(boxes), deltas / of
    moved, grown = centre + move[:, :2] * size, size * move[:, 2:].exp()
    expect(
        not _same(given, torch.cat((moved, moved + grown), dim=1))
        and not _same(given, torch.cat((moved, grown), dim=1)),
        "These are not the corners of the moved boxes. The corners lie half a width and half a height from the moved centre.",
    )
    expect(
        not _same(
            given, torch.cat((boxes[:, :2] + move[:, :2] * size, boxes[:, :2] + move[:, :2] * size + grown), dim=1)
        ),
        "You move the top left corner. dx and dy move the centre, and the box grows around it.",
    )
    pixels = centre + move[:, :2]
    expect(
        not _same(given, torch.cat((pixels - grown / 2, pixels + grown / 2), dim=1)),
        "You add dx and dy as pixels. They are in units of the box, so multiply them by its width and height.",
    )
    linear = size * (1 + move[:, 2:])
    expect(
        not _same(given, torch.cat((moved - linear / 2, moved + linear / 2), dim=1)),
        "dw and dh are logarithms. Multiply the size by exp(dw), not by 1 + dw.",
    )
    expect(False, "These are not the boxes that BoxCoder decodes. Compare each of your steps with the four formulas.")


@checker
def inverse_deltas(back: Callable[[Tensor], Any]) -> str:
    """`back(deltas)` turns the deltas (N, 4) that lead from A to B into those that lead from B to A."""
    a, b = _boxes(8, seed=4), _boxes(8, seed=5)
    there, expected = PLAIN.encode_single(b, a), PLAIN.encode_single(a, b)
    given = back(there.clone())
    expect_shape(given, (8, 4), "The deltas")

    def close(value: Tensor) -> bool:
        return torch.allclose(given, value, rtol=1e-3, atol=1e-4)

    expect(
        not close(-there),
        "For dw and dh, changing the sign is enough. But dx was measured in widths of A, and on the way back the unit is the width of B.",
    )
    factor = there[:, 2:].exp()
    expect(
        not close(torch.cat((-there[:, :2] * factor, -there[:, 2:]), dim=1)),
        "You convert the unit the wrong way round: if B is twice as wide as A, the same distance is only *half* as many widths of B.",
    )
    expect(
        not close(torch.cat((-there[:, :2] / factor, 1 / there[:, 2:]), dim=1)),
        "The inverse of a factor has the negative logarithm, which is −dw, not 1 / dw.",
    )
    expect(close(expected), "Decoding these deltas from B does not lead back to A.")
    return (
        "Logarithms make the sizes symmetric. The shifts are not, because each is measured in units of a different box."
    )
