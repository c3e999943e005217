import math

import torch
from box_strategies import boxes, seeds
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from frcnn_edu.ops import BoxCoder

WEIGHTS = st.sampled_from([(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0), (1.0, 2.0, 3.0, 4.0)])


@given(boxes(min_count=1), boxes(min_count=1), WEIGHTS)
def test_decoding_undoes_encoding(gt_boxes: Tensor, proposals: Tensor, weights: tuple) -> None:
    count = min(len(gt_boxes), len(proposals))
    gt_boxes, proposals = gt_boxes[:count].double(), proposals[:count].double()
    ratio = (gt_boxes[:, 2:] - gt_boxes[:, :2]) / (proposals[:, 2:] - proposals[:, :2])
    fits = (ratio < 1000 / 16).all(dim=1)  # above, decoding stops growing
    coder = BoxCoder(weights)
    (deltas,) = coder.encode([gt_boxes], [proposals])
    decoded = coder.decode(deltas, [proposals])
    assert decoded.shape == (count, 1, 4)
    assert torch.allclose(decoded[fits, 0], gt_boxes[fits], rtol=1e-9, atol=1e-9)
    assert deltas.isfinite().all()


@given(boxes(min_count=1), WEIGHTS)
def test_no_move_is_zero(proposals: Tensor, weights: tuple) -> None:
    (deltas,) = BoxCoder(weights).encode([proposals], [proposals])
    assert deltas.abs().max() == 0


def test_deltas_in_words() -> None:
    """Half a width to the right, a quarter of a height down, twice as wide, half as high."""
    proposal = torch.tensor([[0.0, 0, 40, 20]])
    move = torch.tensor([[0.5, 0.25, math.log(2), math.log(0.5)]])
    moved = BoxCoder((1.0, 1.0, 1.0, 1.0)).decode(move, [proposal])
    assert torch.allclose(moved, torch.tensor([[[0.0, 10, 80, 20]]]))
    weighted = BoxCoder((10.0, 8.0, 5.0, 4.0)).decode(move * torch.tensor([10, 8, 5, 4]), [proposal])
    assert torch.allclose(weighted, moved)


def test_every_class_moves_the_box_in_its_own_way() -> None:
    proposals = [torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[50.0, 50, 60, 70], [0, 0, 2, 2]])]
    deltas = torch.zeros(3, 12)
    deltas[:, 4] = 1.0  # class 1 moves one width to the right
    decoded = BoxCoder((1.0, 1.0, 1.0, 1.0)).decode(deltas, proposals)
    assert decoded.shape == (3, 3, 4)
    assert torch.equal(decoded[:, 0], torch.cat(proposals))
    assert decoded[:, 1].tolist() == [[10, 0, 20, 10], [60, 50, 70, 70], [2, 0, 4, 2]]


def test_lists_keep_their_lengths() -> None:
    proposals = [torch.rand(n, 4) + torch.tensor([0, 0, 2, 2]) for n in (3, 0, 5)]
    assert [len(deltas) for deltas in BoxCoder((1.0, 1.0, 1.0, 1.0)).encode(proposals, proposals)] == [3, 0, 5]


@given(boxes(min_count=1), WEIGHTS, seeds())
def test_encoding_undoes_decoding(proposals: Tensor, weights: tuple, seed: int) -> None:
    """For deltas below the limit; above it a box grows no further, and is read back as one at the limit."""
    coder = BoxCoder(weights)
    proposals = proposals.double()
    deltas = 6 * torch.randn(len(proposals), 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    decoded = coder.decode(deltas, [proposals])[:, 0]
    limits = torch.tensor([math.inf, math.inf, weights[2] * math.log(1000 / 16), weights[3] * math.log(1000 / 16)])
    (back,) = coder.encode([decoded], [proposals])
    assert torch.allclose(back, deltas.minimum(limits), rtol=1e-6, atol=1e-6)


@given(boxes(min_count=1, whole=True), boxes(min_count=1, whole=True), st.integers(-60, 60), st.integers(-5, 5))
def test_deltas_do_not_depend_on_place_and_scale(gt_boxes: Tensor, proposals: Tensor, shift: int, power: int) -> None:
    count = min(len(gt_boxes), len(proposals))
    gt_boxes, proposals = gt_boxes[:count], proposals[:count]
    coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
    deltas = coder.encode_single(gt_boxes, proposals)
    assert torch.equal(coder.encode_single(gt_boxes + shift, proposals + shift), deltas)
    assert torch.equal(coder.encode_single(gt_boxes * 2.0**power, proposals * 2.0**power), deltas)


@given(boxes(min_count=1), WEIGHTS, seeds())
def test_a_decoded_box_is_never_turned_inside_out(proposals: Tensor, weights: tuple, seed: int) -> None:
    deltas = 30 * torch.randn(len(proposals), 8, generator=torch.Generator().manual_seed(seed))
    decoded = BoxCoder(weights).decode(deltas, [proposals])
    assert decoded.isfinite().all()
    assert (decoded[..., 2:] >= decoded[..., :2]).all()
    sides = proposals[:, None, 2:] - proposals[:, None, :2]
    assert (decoded[..., 2:] - decoded[..., :2] <= sides * 1000 / 16 * 1.001 + 1e-2).all()
