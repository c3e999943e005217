"""The RPN head asked about single anchors, and what the region proposal network makes of it."""

import pytest
import torch

from frcnn_edu import RPNHead, fasterrcnn_small_fpn, run_as
from frcnn_edu.model.fast import rpn
from frcnn_edu.model.fast.rpn import predict_at
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
        return list(predict_at(head, maps, anchors))

    results = []
    for compute in (of_the_maps, at):
        outputs = compute()
        upstream = [torch.linspace(-1, 2, out.numel(), dtype=torch.float64).view_as(out) for out in outputs]
        results.append([*outputs, *torch.autograd.grad(outputs, [*maps, *head.parameters()], upstream)])
    for one, other in zip(*results, strict=True):
        assert one.shape == other.shape
        assert torch.allclose(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", ["textbook", "exact", "fast"])
def test_only_the_fast_mode_has_no_gradient_of_the_heads_maps(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = run_as(fasterrcnn_small_fpn(num_classes=2, min_size=64, max_size=64), mode).train()
    asked, maps_with_gradient = [], []
    monkeypatch.setattr(rpn, "predict_at", lambda *call: asked.append(len(call[2])) or predict_at(*call))
    cut = concat_box_prediction_layers

    def noting(objectness: list[torch.Tensor], deltas: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        maps_with_gradient.extend(level.requires_grad for level in (*objectness, *deltas))
        return cut(objectness, deltas)

    monkeypatch.setattr(rpn, "concat_box_prediction_layers", noting)
    target = {"boxes": torch.tensor([[5.0, 5, 40, 50]]), "labels": torch.tensor([1])}
    losses = model([torch.rand(3, 64, 64)], [target])
    assert asked == ([64] if mode == "fast" else [])
    assert maps_with_gradient == ([] if mode == "textbook" else [mode == "exact"] * 10)
    losses["loss_objectness"].backward()
    assert model.rpn.head.cls_logits.weight.grad.abs().sum() > 0
