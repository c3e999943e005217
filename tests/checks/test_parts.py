"""Parts that do not fit together are named: before a forward pass if it shows there, else in one."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
import torchvision.models.detection.faster_rcnn as theirs
from makers import Maps, Predictor, batch, box_stage, detector, says_channels, two_mlp_head
from torch import Tensor, nn
from torchvision.models.detection.rpn import RPNHead as TheirRPNHead

import frcnn_edu
from frcnn_edu import AnchorGenerator, FasterRCNN, FastRCNNPredictor, MultiScaleRoIAlign, RPNHead, TwoMLPHead, run_as
from frcnn_edu.model import BackboneWithFPN, SlimResNet
from frcnn_edu.model.fast import MODES

ANCHORS = AnchorGenerator(((8,), (16,), (32,), (64,), (80,)), ((0.5, 1.0, 2.0),) * 5)
BEFORE: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "head for other channels": (
        lambda: box_stage(two_mlp_head(channels=16), FastRCNNPredictor(16, 3)), ValueError,
        r"box_head takes 784 numbers .*box_roi_pool returns 392: 8 channels \(the backbone's\) of 7×7 \(output_size\)",
    ),
    "head for another window": (
        lambda: box_stage(two_mlp_head(side=5), FastRCNNPredictor(16, 3)), ValueError, r"takes 200 numbers .* returns 392",
    ),
    "window for another head": (
        lambda: box_stage(two_mlp_head(), FastRCNNPredictor(16, 3), MultiScaleRoIAlign(["0", "1"], (5, 3), 2)), ValueError,
        r"takes 392 numbers .* returns 120: 8 channels .* of 5×3",
    ),
    "torchvision's head": (
        lambda: box_stage(theirs.TwoMLPHead(784, 16), FastRCNNPredictor(16, 3)), ValueError, r"takes 784 .* returns 392"
    ),
    "predictor for another head": (
        lambda: box_stage(two_mlp_head(), FastRCNNPredictor(32, 3)), ValueError,
        r"box_head returns 16 numbers .*predictor takes 32: pass box_predictor=FastRCNNPredictor\(16, …\)",
    ),
    "default predictor": (
        lambda: box_stage(two_mlp_head(), None), ValueError, r"returns 16 numbers .* takes 1024: .* instead of num_classes"
    ),
    "default head": (lambda: box_stage(None, FastRCNNPredictor(512, 3)), ValueError, r"returns 1024 numbers .* takes 512"),
    "torchvision's predictor": (
        lambda: box_stage(two_mlp_head(), theirs.FastRCNNPredictor(32, 3)), ValueError, r"returns 16 numbers .* takes 32"
    ),
    "no window": (
        lambda: detector(box_roi_pool=nn.Identity()), TypeError, r"box_roi_pool needs an attribute output_size, \(rows, columns\)"
    ),
    "RPN head for other channels": (
        lambda: detector(rpn_head=RPNHead(16, 3)), ValueError, r"rpn_head takes maps of 16 channels, but the backbone's have 8"
    ),
    "RPN head for other anchors": (
        lambda: detector(rpn_head=RPNHead(8, 4)), ValueError,
        r"rpn_head is made for num_anchors=4 at each location, but rpn_anchor_generator has \[3, 3, 3, 3, 3\]",
    ),
    "torchvision's RPN head": (lambda: detector(rpn_head=TheirRPNHead(16, 3)), ValueError, r"takes maps of 16 channels"),
    "anchors that are none": (
        lambda: detector(rpn_anchor_generator=nn.Identity()), TypeError, r"rpn_anchor_generator must be an AnchorGenerator"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("build", "exception", "message"), BEFORE.values(), ids=BEFORE.keys())
def test_parts_that_do_not_fit_are_named_at_once(
    build: Callable[[], Any], exception: type[Exception], message: str
) -> None:
    with torch.device("meta"), pytest.raises(exception, match=message):
        build()


class OwnHead(TwoMLPHead):
    """A head whose layers do not say what it takes."""

    def forward(self, x: Tensor) -> Tensor:
        return self.fc6(x.mean(dim=(2, 3)))


class OwnPool(nn.Module):
    """One vector for each proposal, twice as long as the maps have channels; it does not say so."""

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        pooled = torchvision.ops.roi_align(x["0"], boxes, 1, 0.25)  # (N, 8, 1, 1)
        return torch.cat((pooled, pooled), dim=1)


class OwnAnchors(nn.Module):
    """It makes anchors, and does not say how many."""

    def forward(self, images: Any, maps: list[Tensor]) -> list[Tensor]:
        return ANCHORS(images, maps)


@pytest.mark.parametrize(
    "build",
    [
        lambda: box_stage(OwnHead(8, 16), Predictor(3, 12)),
        lambda: box_stage(TwoMLPHead(16, 16), FastRCNNPredictor(16, 3), OwnPool()),
        lambda: detector(rpn_anchor_generator=OwnAnchors(), rpn_head=RPNHead(8, 3)),
        lambda: detector(rpn_head=RPNHead(8, 3, conv_depth=0)),
    ],
    ids=["head and predictor", "pool", "anchors", "head without 3×3"],
)
def test_custom_parts_are_not_guessed_at(build: Callable[[], FasterRCNN]) -> None:
    """They keep the names of the layers and use them in their own way, or do not say what they take."""
    images, targets = batch()
    assert all(loss.isfinite() for loss in build().train()(images, targets).values())


# --- in a forward pass --------------------------------------------------------------------------------------------


class Returns(Maps):
    """A backbone that returns something else."""

    def __init__(self, change: Callable[[dict[str, Tensor]], Any]) -> None:
        super().__init__()
        self.change = change

    def forward(self, x: Tensor) -> Any:
        return self.change(super().forward(x))


def swapped(path: str, part: Any) -> Callable[[], FasterRCNN]:
    """A detector one part of which is exchanged after it was made, as one does to fine-tune."""

    def build() -> FasterRCNN:
        model = box_stage(two_mlp_head(), FastRCNNPredictor(16, 3))
        owner, _, name = path.rpartition(".")
        setattr(model.get_submodule(owner), name, part)
        return model

    return build


def pyramid(channels: list[int], body: nn.Module | None = None) -> Callable[[], FasterRCNN]:
    """A pyramid on a custom body, or on the first stages of a ResNet, for maps of these channels."""

    def build() -> FasterRCNN:
        layers = {f"layer{k + 1}": str(k) for k in range(len(channels))}
        backbone = BackboneWithFPN(body or SlimResNet(), None if body else layers, channels, 8)
        levels = len(channels) + 1
        anchors = AnchorGenerator(tuple((8 * 2**level,) for level in range(levels)), ((1.0,),) * levels)
        return FasterRCNN(backbone, 3, min_size=64, max_size=96, rpn_anchor_generator=anchors)

    return build


IN_A_PASS: dict[str, tuple[Callable[[], FasterRCNN], type[Exception], str]] = {
    "backbone of other channels than it says": (
        lambda: detector(backbone=says_channels(16)), ValueError,
        r"model\.rpn\.head does not fit its input, a tensor of shape \(2, 8, 24, 24\)",
    ),
    "backbone that returns a list": (
        lambda: detector(backbone=Returns(lambda maps: [*maps.values()])), TypeError,
        r"the backbone must return a map .* or a dict of them by name, got a list",
    ),
    "backbone that returns nothing": (
        lambda: detector(backbone=Returns(lambda maps: {})), ValueError, r"the backbone returned no map at all"
    ),
    "backbone that returns vectors": (
        lambda: detector(backbone=Returns(lambda maps: {**maps, "1": maps["1"].flatten(1)})), TypeError,
        r"the backbone's map '1' must be a tensor \(N, C, H, W\), got a tensor of shape \(2, 1152\)",
    ),
    "maps from coarse to fine": (
        lambda: detector(backbone=Returns(lambda maps: dict(zip(maps, reversed(maps.values()))))), ValueError,
        r"maps must be ordered from fine to coarse",
    ),
    "RPN head, exchanged": (swapped("rpn.head", RPNHead(16, 3)), ValueError, r"model\.rpn\.head does not fit .* \(2, 8, 24, 24\)"),
    "RPN head that returns no pair": (
        swapped("rpn.head", nn.Identity()), ValueError,
        r"model\.rpn\.head must return two lists, logits and deltas, with a map for each of the 5 levels, got a list",
    ),
    "box head, exchanged": (
        swapped("roi_heads.box_head", two_mlp_head(channels=16)), ValueError,
        r"model\.roi_heads\.box_head does not fit its input, a tensor of shape \(\d+, 8, 7, 7\)",
    ),
    "predictor, exchanged": (
        swapped("roi_heads.box_predictor", FastRCNNPredictor(512, 3)), ValueError,
        r"model\.roi_heads\.box_predictor does not fit its input, a tensor of shape \(\d+, 16\)",
    ),
    "predictor of logits only": (
        swapped("roi_heads.box_predictor", nn.Linear(16, 3)), ValueError,
        r"box_predictor must return two tensors, logits \(N, C\) and deltas \(N, 4·C\), got a tensor of shape \(\d+, 3\)",
    ),
    "predictor of one box": (
        swapped("roi_heads.box_predictor", Predictor(3, 4)), ValueError, r"four for each class, got \(\d+, 3\) and \(\d+, 4\)"
    ),
    "predictor of a box too many": (
        swapped("roi_heads.box_predictor", Predictor(3, 16)), ValueError, r"four for each class, got \(\d+, 3\) and \(\d+, 16\)"
    ),
    "predictor of ten numbers": (
        swapped("roi_heads.box_predictor", Predictor(3, 10)), ValueError, r"four for each class, got \(\d+, 3\) and \(\d+, 10\)"
    ),
    "pyramid for other channels": (
        pyramid([32, 96]), ValueError, r"in_channels_list\[1\] is 96, but the backbone's map '1' has 64 channels"
    ),
    "pyramid for more maps": (
        pyramid([8, 8, 8], Maps(("a", "b"))), ValueError,
        r"the pyramid is made for 3 maps \(in_channels_list\), but the backbone below it returned 2: \['a', 'b'\]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize(("build", "exception", "message"), IN_A_PASS.values(), ids=IN_A_PASS.keys())
def test_parts_that_do_not_fit_are_named_in_a_pass(
    build: Callable[[], FasterRCNN], exception: type[Exception], message: str, training: bool
) -> None:
    model, (images, targets) = build().train(training), batch()
    for mode in MODES:
        with pytest.raises(exception, match=message) as caught:
            run_as(copy.deepcopy(model), mode)(images, targets)
        assert "\n" not in str(caught.value)


def test_other_errors_of_a_part_are_left_as_they_are() -> None:
    def broken(x: Tensor) -> Tensor:
        raise RuntimeError("the cat sat on the keyboard")

    with pytest.raises(RuntimeError, match=r"^the cat sat on the keyboard$"):
        box_stage(broken, Predictor(3, 12)).eval()(batch()[0])


# --- labels of a custom predictor ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_label_that_a_custom_predictor_does_not_know_is_named(mode: str) -> None:
    images, targets = batch()
    targets = [targets[1], targets[0]]
    model = run_as(box_stage(two_mlp_head(), Predictor(2, 8)), mode)
    with pytest.raises(
        ValueError, match=r"targets\[1\]\['labels'\]\[1\] is 2, but objects are 1 … 1 \(num_classes=2, by the logits"
    ):
        model.train()(images[::-1], targets)
    model.eval()(images, targets)  # nobody looks at labels there
    targets[1]["labels"][:] = 1
    model.train()(images[::-1], targets)
    model([images[0]], [{key: value[:0] for key, value in targets[1].items()}])  # no labels at all


def test_a_custom_loss_may_take_other_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    """One score for each class without the background, one box for all: legal if loss and selection are custom, too."""
    images, targets = batch()
    model = box_stage(two_mlp_head(), Predictor(2, 4))
    monkeypatch.setattr(
        frcnn_edu.model.roi_heads, "fastrcnn_loss", lambda logits, deltas, *_: (logits.sum(), deltas.sum())
    )
    losses = model.train()(images, targets)
    assert all(loss.isfinite() for loss in losses.values())
    empty = ([torch.zeros(0, 4)] * 2, [torch.zeros(0)] * 2, [torch.zeros(0, dtype=torch.int64)] * 2)
    model.roi_heads.postprocess_detections = lambda *_: empty
    assert [len(found["boxes"]) for found in model.eval()(images)] == [0, 0]
