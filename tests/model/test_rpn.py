"""The RPN head asked about single anchors, and what the region proposal network makes of it."""

import pytest
import torch

from frcnn_edu import RPNHead, fasterrcnn_small_fpn
from frcnn_edu.model.rpn import concat_box_prediction_layers

SIZES = ((7, 9), (4, 5), (1, 2))  # the last: smaller than a patch


@pytest.mark.parametrize("conv_depth", [1, 2, 3])
@pytest.mark.parametrize("which", ["all", "some", "twice", "one level"])
def test_the_head_says_the_same_of_single_anchors(conv_depth: int, which: str) -> None:
    """At edges and corners too, where the convolutions are padded; and so for the gradients."""
    torch.manual_seed(0)
    head = RPNHead(6, num_anchors=3, conv_depth=conv_depth).double()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)  # biases too
    maps = [torch.randn(2, 6, *size, dtype=torch.float64, requires_grad=True) for size in SIZES]
    count = 2 * 3 * sum(h * w for h, w in SIZES)
    anchors = {
        "all": torch.randperm(count),
        "some": torch.randperm(count)[:20],
        "twice": torch.tensor([5, 5, 200, 5]),
        "one level": torch.arange(30),
    }[which]

    def of_the_maps() -> list[torch.Tensor]:
        logits, deltas = concat_box_prediction_layers(*head(maps))
        return [logits[anchors, 0], deltas[anchors]]

    def at() -> list[torch.Tensor]:
        return list(head.at(maps, anchors))

    results = []
    for compute in (of_the_maps, at):
        outputs = compute()
        upstream = [torch.linspace(-1, 2, out.numel(), dtype=torch.float64).view_as(out) for out in outputs]
        results.append([*outputs, *torch.autograd.grad(outputs, [*maps, *head.parameters()], upstream)])
    for one, other in zip(*results, strict=True):
        assert one.shape == other.shape
        assert torch.allclose(one, other, rtol=0, atol=1e-12)


def test_levels_with_different_numbers_of_anchors_are_refused() -> None:
    logits, deltas = ([torch.zeros(1, a * k, 2, 2) for a in (3, 6)] for k in (1, 4))
    with pytest.raises(ValueError, match=r"equally many anchors at a location, got \[3, 6\]"):
        concat_box_prediction_layers(logits, deltas)


def test_a_box_of_just_the_smallest_size_stays() -> None:
    rpn = fasterrcnn_small_fpn(num_classes=2).eval().rpn
    rpn.min_size = 8.0
    boxes = torch.tensor([[[0.0, 0, 8, 8], [20, 20, 28, 27.99], [40, 40, 47.99, 48], [60, 60, 70, 70]]])
    found, _ = rpn.filter_proposals(boxes, torch.tensor([[3.0, 2, 1, 0]]), [(100, 100)], [4])
    assert torch.equal(found[0], boxes[0, [0, 3]])


@pytest.mark.parametrize("exact", [False, True])
def test_gradients_come_from_the_sampled_anchors_alone(exact: bool) -> None:
    """By default nothing is kept of the head's whole maps; `exact` keeps them, as torchvision does."""
    model = fasterrcnn_small_fpn(num_classes=2, exact=exact, min_size=64, max_size=64).train()
    kept = []
    model.rpn.head.register_forward_hook(lambda head, inputs, maps: kept.extend(m.requires_grad for m in maps[0]))
    target = {"boxes": torch.tensor([[5.0, 5, 40, 50]]), "labels": torch.tensor([1])}
    losses = model([torch.rand(3, 64, 64)], [target])
    assert kept == [exact] * 5
    losses["loss_objectness"].backward()
    assert model.rpn.head.cls_logits.weight.grad.abs().sum() > 0
