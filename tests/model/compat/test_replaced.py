"""What is replaced in torchvision does nothing to these models, and so it is an error that says where to put it."""

import pytest
import torch
import torchvision.models.detection as theirs
import torchvision.ops
from torch import Tensor, nn

import frcnn_edu
from frcnn_edu import fasterrcnn_small_fpn
from frcnn_edu.model.compat import replaced

IMAGES = [torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))]
TARGETS = [{"boxes": torch.tensor([[8.0, 8, 40, 50]]), "labels": torch.tensor([1])}]
PLACES = [
    (theirs.roi_heads, "fastrcnn_loss", r"in frcnn_edu\.model\.roi_heads or in frcnn_edu\.ops\.losses"),
    (theirs.roi_heads.RoIHeads, "postprocess_detections", r"in frcnn_edu\.model\.roi_heads\.RoIHeads,"),
    (theirs.rpn.RegionProposalNetwork, "compute_loss", r"in frcnn_edu\.model\.rpn\.RegionProposalNetwork,"),
    (theirs.generalized_rcnn.GeneralizedRCNN, "forward", r"in frcnn_edu\.model\.generalized_rcnn\.GeneralizedRCNN,"),
    (theirs._utils.BoxCoder, "decode_single", r"in frcnn_edu\.ops\.box_coder\.BoxCoder,"),
    (torchvision.ops.boxes, "batched_nms", r"in frcnn_edu\.model\.rpn or in frcnn_edu\.model\.roi_heads"),
    (torchvision.ops.boxes, "nms", r"in frcnn_edu\.ops\.boxes"),
    (frcnn_edu.ops.boxes, "batched_nms", r"in frcnn_edu\.model\.rpn or in frcnn_edu\.model\.roi_heads"),
]


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return fasterrcnn_small_fpn()


@pytest.mark.parametrize(("owner", "name", "message"), PLACES, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_a_replacement_that_would_do_nothing(
    model: nn.Module, owner: object, name: str, message: str, training: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *args, **kwargs: original(*args, **kwargs))
    with pytest.raises(RuntimeError, match=rf"\.{name} has been replaced, but .* replace {name} {message}"):
        model.train(training)(IMAGES, TARGETS)


def test_nobody_objects_if_it_is_replaced_here_as_well(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    def mine(logits: Tensor, deltas: Tensor, labels: list[Tensor], targets: list[Tensor]) -> tuple[Tensor, Tensor]:
        return logits.sum() * 0 + 5, deltas.sum() * 0 + 7

    monkeypatch.setattr(theirs.roi_heads, "fastrcnn_loss", mine)
    for ours in (frcnn_edu.model.roi_heads, frcnn_edu.ops.losses):
        with monkeypatch.context() as patch:
            patch.setattr(ours, "fastrcnn_loss", mine)
            losses = model.train()(IMAGES, TARGETS)
        assert (losses["loss_classifier"].item(), losses["loss_box_reg"].item()) == (5, 7)


def test_as_installed_nothing_is_replaced() -> None:
    places = replaced._places()
    assert len(places) > 50
    assert not [(owner, name) for owner, name, _ in places if replaced._is_replaced(owner, name)]
    assert not [(owner, name) for _, name, ours in places for owner in ours if replaced._is_replaced(owner, name)]
