"""What a step computes and holds."""

import pytest
import torch
from torch import nn
from torchvision.models.detection import backbone_utils

import frcnn_edu
from frcnn_edu import FrozenBatchNorm2d, fasterrcnn_small_fpn, resnet_fpn_backbone, roi_align, run_as
from frcnn_edu.lessons.why_it_is_fast import work

GRIDS = [(200, 272), (100, 136), (50, 68), (25, 34), (13, 17)]


@pytest.fixture(scope="module")
def layers() -> list[work.Layer]:
    return work.convolutions_of_full_model()


def test_every_convolution_of_the_full_model_is_counted(layers: list[work.Layer]) -> None:
    assert [sum(layer.stage == stage for layer in layers) for stage in ("backbone", "FPN", "RPN head")] == [53, 8, 15]
    assert sum(layer.frozen_norm for layer in layers) == 53
    stem = layers[0]
    assert (stem.name, stem.output, stem.weights) == ("conv1", (64, 400, 544), 64 * 3 * 49)
    assert stem.multiplications == stem.fast == 64 * 3 * 49 * 400 * 544
    assert [layer.output[1:] for layer in layers if layer.name == "cls_logits"] == GRIDS


def test_fewer_multiplications_are_those_of_winograd(layers: list[work.Layer]) -> None:
    fewer = [layer for layer in layers if layer.fast != layer.multiplications]
    assert {layer.stage for layer in fewer} == {"backbone", "FPN", "RPN head"}
    assert all(0.25 < layer.fast / layer.multiplications < 0.4 for layer in fewer)
    assert work.winograd_multiplications(2, 3, height=5, width=4) == 2 * (36 * 36 * 3 + 36 * 6 + 16 * 36 * 2)


@torch.no_grad()
def test_a_batch_counts_as_a_whole_and_no_hook_is_left() -> None:
    """The same convolutions for two images: twice the work, and Winograd's algorithm wherever it pays for both together."""
    backbone, head = resnet_fpn_backbone(backbone_name="resnet18", weights=None), frcnn_edu.RPNHead(256, 3)
    one, two = (work.convolutions_of(backbone, head, torch.zeros(n, 3, 96, 128)) for n in (1, 2))
    assert [2 * layer.multiplications for layer in one] == [layer.multiplications for layer in two]
    assert sum(a.fast == a.multiplications and b.fast < b.multiplications for a, b in zip(one, two)) > 0
    assert all(b.fast in (2 * a.fast, b.multiplications) for a, b in zip(one, two) if a.fast < a.multiplications)
    assert not any(module._forward_hooks for part in (backbone, head) for module in part.modules())


def test_the_small_model_has_nothing_to_fold_and_nothing_for_winograd() -> None:
    small = fasterrcnn_small_fpn(weights=None, num_classes=4)
    layers = work.convolutions_of(small.backbone, small.rpn.head, torch.zeros(8, 3, 128, 160))
    names = {(layer.stage, layer.name) for layer in layers}
    assert len(names) == sum(isinstance(module, nn.Conv2d) for module in small.modules()) == 31
    assert not any(layer.frozen_norm or layer.fast < layer.multiplications for layer in layers)


def test_peak_bytes_counts_what_is_alive() -> None:
    x = torch.zeros(1000)  # 4000 bytes, which were there before

    def step() -> None:
        a = x + 1
        b = (a * 2)[:10]  # a view keeps all that is behind it
        del a
        c = b.view(2, 5) + 1
        x.add_(1)
        assert len(c) == 2

    assert work.peak_bytes(step) == 8000
    assert work.peak_bytes(lambda: [x.clone() for _ in range(3)]) == 12000
    assert work.peak_bytes(lambda: x[:3].add_(1)) == 0


def test_savings_are_less(layers: list[work.Layer]) -> None:
    savings = work.savings_of_full_model(layers, objects=20)
    assert all(saving.fast < saving.textbook / 2 for saving in savings[:4])
    assert savings[4].fast < savings[4].textbook * 0.8
    assert (savings[0].textbook, savings[0].fast) == (217_413, 4_663)
    assert (savings[3].textbook, savings[3].fast) == (72_471, 2_304)
    assert savings[1].textbook == 9 * 4 * 20 * 217_413  # bytes


def test_weights_of_a_bin_give_what_roi_align_gives() -> None:
    features = torch.randn(1, 3, 12, 15, dtype=torch.float64)
    box = torch.tensor([1.3, 2.2, 11.9, 9.7], dtype=torch.float64)
    pooled = roi_align(features, torch.cat((torch.zeros(1), box))[None].double(), (7, 7), 1.0, 2)[0]
    for row, column in ((0, 0), (3, 6), (6, 2)):
        weights = work.bin_weights(box, 7, 2, row, column, (12, 15))
        assert weights.sum().item() == pytest.approx(1)
        assert torch.allclose((weights * features[0]).sum(dim=(1, 2)), pooled[:, row, column])


def test_patches_touch_the_cells_around_an_anchor() -> None:
    anchors = 3 * torch.tensor([0, 5 * 7 + 1, 5 * 7 + 1]) + torch.tensor([0, 1, 2])  # a corner; twice the same cell
    first, second = work.patches_over_cells([(5, 7), (3, 2)], anchors, num_anchors=3, radius=1)
    assert first[:2, :2].tolist() == [[1, 1], [1, 1]]
    assert first.sum() == 4
    assert second.tolist() == [[2, 2], [2, 2], [0, 0]]
    other = work.patches_over_cells([(5, 7), (3, 2)], anchors[:1], num_anchors=3, radius=1)[1]
    assert other.sum() == 0


def test_a_backbone_holds_what_is_needed_for_the_backward_pass() -> None:
    """One layer by hand; and the full model less than torchvision's, where blocks are made again."""

    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            conv = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 1))
            self.body = nn.ModuleDict({"layer": conv})
            self.body.return_layers = {"layer": "0"}
            self.fpn = nn.Identity()

    with torch.device("meta"):
        tiny = Tiny()
        ours, theirs = (lib(backbone_name="resnet50", weights=None, norm_layer=FrozenBatchNorm2d) for lib in
                        (resnet_fpn_backbone, backbone_utils.resnet_fpn_backbone))  # fmt: skip
    run_as(ours, "fast")
    cells = 10 * 12 * 4  # bytes of a channel
    # What ReLU gives is held for itself and the convolution after it; what the last layer gives is the output.
    assert work.held_by_stage(tiny, (10, 12)) == {"layer": (8 + 4) * cells, "FPN": 0}
    here, textbook = (work.held_by_stage(backbone) for backbone in (ours, theirs))  # an image of 800×1088
    assert list(here) == list(textbook) == ["layer2", "layer3", "layer4", "FPN"]
    for name, channels, cells, blocks in (("layer2", 512, 100 * 136, 4), ("layer3", 1024, 50 * 68, 6)):
        outputs_between = (blocks - 2) * channels * cells * 4
        scaled_weights = sum(p.numel() for p in ours.body[name].parameters()) * 4
        shifts = (
            sum(m.bias.numel() for m in ours.body[name].modules() if isinstance(m, FrozenBatchNorm2d)) * 4
        )  # cached
        assert textbook[name] - here[name] == outputs_between - scaled_weights - shifts
    assert textbook["FPN"] - here["FPN"] == 256 * 200 * 272 * 4  # the finest sum
