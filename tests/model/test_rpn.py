"""The RPN head asked about single anchors, and what the region proposal network makes of it."""

import pytest
import torch

from frcnn_edu import RPNHead
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
