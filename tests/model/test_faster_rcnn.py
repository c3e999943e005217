"""The model as a whole: its constructor, its boundary, and what a newcomer may do with it."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import frcnn_edu
from frcnn_edu import MODELS, AnchorGenerator, FasterRCNN, fasterrcnn_small_fpn

PUBLIC = {
    "AnchorGenerator",
    "BalancedPositiveNegativeSampler",
    "BoxCoder",
    "FastRCNNPredictor",
    "FasterRCNN",
    "FeaturePyramidNetwork",
    "FrozenBatchNorm2d",
    "GeneralizedRCNN",
    "GeneralizedRCNNTransform",
    "ImageList",
    "LastLevelMaxPool",
    "LevelMapper",
    "Matcher",
    "MultiScaleRoIAlign",
    "RPNHead",
    "RegionProposalNetwork",
    "RoIHeads",
    "TwoMLPHead",
    "batched_nms",
    "box_area",
    "box_iou",
    "clip_boxes_to_image",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_small_fpn",
    "nms",
    "resnet_fpn_backbone",
}


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return fasterrcnn_small_fpn(num_classes=5)


def batch() -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    generator = torch.Generator().manual_seed(0)
    images = [torch.rand(3, 60, 80, generator=generator), torch.rand(3, 90, 50, generator=generator)]
    targets = [
        {"boxes": torch.tensor([[1.0, 2, 30, 40], [20, 5, 60, 50]]), "labels": torch.tensor([1, 4])},
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
    ]
    return images, targets


def backbone(*sizes: int) -> nn.Module:
    class Maps(nn.Module):
        out_channels = 8

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {str(i): torch.zeros(len(x), 8, size, size) for i, size in enumerate(sizes)}

    return Maps()


def test_public_names() -> None:
    assert PUBLIC - set(frcnn_edu.__all__) == set()
    assert all(hasattr(frcnn_edu, name) for name in frcnn_edu.__all__)


# --- use -----------------------------------------------------------------------------------------------------------


def test_losses_in_training_and_detections_in_evaluation(model: nn.Module) -> None:
    images, targets = batch()
    losses = model.train()(images, targets)
    assert set(losses) == {"loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"}
    assert all(loss.shape == () and loss.isfinite() for loss in losses.values())

    model.roi_heads.score_thresh = 0.0
    for given in (None, targets):
        detections = model.eval()(images, given)
        for image, found in zip(images, detections, strict=True):
            count = len(found["scores"])
            assert 0 < count <= 100
            assert found["boxes"].shape == (count, 4)
            assert found["labels"].shape == (count,)
            assert found["labels"].dtype == torch.int64
            assert ((found["labels"] >= 1) & (found["labels"] <= 4)).all()
            assert torch.equal(found["scores"], found["scores"].sort(descending=True).values)
            height, width = image.shape[-2:]
            assert (found["boxes"] >= 0).all()
            assert (found["boxes"][:, 2] <= width + 1e-3).all()
            assert (found["boxes"][:, 3] <= height + 1e-3).all()


def test_a_batched_tensor_is_a_list_of_images(model: nn.Module) -> None:
    images = torch.rand(2, 3, 60, 80)
    with torch.no_grad():
        for found, expected in zip(model.eval()(images), model(list(images)), strict=True):
            assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_the_callers_batch_is_left_alone(model: nn.Module) -> None:
    images, targets = batch()
    model.train()(images, targets)
    for image, same in zip(images, batch()[0]):
        assert torch.equal(image, same)
    for target, same in zip(targets, batch()[1]):
        assert target.keys() == same.keys()
        assert all(torch.equal(target[key], same[key]) for key in same)


def test_learning_lowers_the_loss() -> None:
    torch.manual_seed(0)
    model = fasterrcnn_small_fpn(num_classes=5).train()
    images, targets = batch()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    history = []
    for _ in range(8):
        loss = sum(model(images, targets).values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    assert history[-1] < 0.6 * history[0]


def test_a_backbone_that_returns_one_tensor() -> None:
    single = nn.Conv2d(3, 8, 16, stride=16)
    single.out_channels = 8
    anchors = AnchorGenerator(((16, 32),), ((1.0,),))
    model = FasterRCNN(single, 5, min_size=64, max_size=64, rpn_anchor_generator=anchors)
    losses = model(*batch())
    assert all(loss.isfinite() for loss in losses.values())


def test_bfloat16_autocast_trains(model: nn.Module) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = model.train()(*batch())
    assert all(loss.isfinite() for loss in losses.values())


def test_every_registered_model_can_be_built() -> None:
    with torch.device("meta"):
        for build in MODELS.values():
            options = {} if build is fasterrcnn_small_fpn else {"weights_backbone": None}
            model = build(weights=None, num_classes=3, min_size=64, max_size=96, box_score_thresh=0.3, **options)
            assert model.roi_heads.box_predictor.cls_score.out_features == 3
            assert model.transform.min_size == (64,)
            assert model.roi_heads.score_thresh == 0.3


# --- constructor ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FasterRCNN(backbone(8, 4, 2, 1, 1)), r"num_classes=None and box_predictor=None"),
        (
            lambda: FasterRCNN(backbone(8), 3, box_predictor=frcnn_edu.FastRCNNPredictor(1024, 3)),
            r"num_classes=3 and box_predictor=FastRCNNPredictor",
        ),
        (lambda: FasterRCNN(nn.ReLU(), 3), r"the backbone needs an attribute out_channels"),
        (
            lambda: FasterRCNN(backbone(8, 4), 3, rpn_anchor_generator=AnchorGenerator(((8,), (8, 16)), ((1.0,),) * 2)),
            r"same number of anchors; got \[1, 2\]",
        ),
        (
            lambda: fasterrcnn_small_fpn(rpn_anchor_generator=AnchorGenerator(((8,), (16,)), ((1.0,),) * 2)),
            r"given for 2 feature maps .* the backbone returns 5",
        ),
        (
            lambda: frcnn_edu.fasterrcnn_mobilenet_v3_large_fpn(
                weights_backbone=None, rpn_anchor_generator=AnchorGenerator(((8,),) * 5, ((1.0,),) * 5)
            ),
            r"given for 5 feature maps .* the backbone returns 3",
        ),
    ],
)
def test_constructor_names_what_is_wrong(call: Callable, message: str) -> None:
    with torch.device("meta"), pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("levels", [1, 4, 6])
def test_anchors_for_another_number_of_levels(levels: int) -> None:
    model = FasterRCNN(backbone(*[8] * levels), 3, min_size=32, max_size=32).eval()
    with pytest.raises(ValueError, match=rf"given for 5 feature maps .* the backbone returned {levels}"):
        model([torch.rand(3, 32, 32)])


# --- bad input, through the model ----------------------------------------------------------------------------------


class MustNotRun(nn.Module):
    """Stands where the transform or the backbone is, and fails the test if anything gets that far."""

    def __init__(self, original: nn.Module) -> None:
        super().__init__()
        self.image_mean, self.image_std = getattr(original, "image_mean", None), getattr(original, "image_std", None)

    def forward(self, *args: object) -> None:
        pytest.fail("something was computed before the batch was checked")


def in_targets(key: str, value: object) -> Callable:
    return lambda images, targets: targets[0].update({key: value})


def pixel(value: float) -> Callable:
    return lambda images, targets: images[1][0, 5, 5].fill_(value)


def in_float64(images: list[Tensor], targets: list[dict[str, Tensor]]) -> None:
    images[:] = [image.double() for image in images]
    for target in targets:
        target["boxes"] = target["boxes"].double()


BAD = [
    ("no targets", lambda images, targets: targets.clear(), ValueError, r"2 images and 0 targets"),
    ("no images", lambda images, targets: (images.clear(), targets.clear()), ValueError, r"empty list"),
    ("uint8", lambda images, targets: images.__setitem__(1, (images[1] * 255).byte()), TypeError, r"images\[1\].*uint8"),
    ("HWC", lambda images, targets: images.__setitem__(1, images[1].permute(1, 2, 0)), ValueError, r"images\[1\].*\(H, W, C\)"),
    ("float64, as from numpy", in_float64, TypeError, r"images\[0\] is torch.float64 but the model is torch.float32"),
    ("elsewhere", lambda images, targets: images.__setitem__(slice(None), [image.to("meta") for image in images]), ValueError,
     r"images\[0\] is on meta but the model is on cpu"),
    ("0-255", lambda images, targets: images[1].mul_(255), ValueError, r"images\[1\].*divide by 255"),
    ("NaN", pixel(float("nan")), ValueError, r"images\[1\] contains NaN"),
    ("infinite", pixel(float("inf")), ValueError, r"images\[1\] contains an infinite value"),
    ("infinite box", in_targets("boxes", torch.tensor([[1.0, 2, float("inf"), 40], [0, 0, 9, 9]])), ValueError, r"\[0\].*inf"),
    ("empty box", in_targets("boxes", torch.tensor([[1.0, 2, 30, 40], [5, 5, 5, 9]])), ValueError, r"\['boxes'\]\[1\].*width 0"),
    ("label 0", in_targets("labels", torch.tensor([1, 0])), ValueError, r"\['labels'\]\[1\] is 0"),
    ("label 5 of 5 classes", in_targets("labels", torch.tensor([5, 1])), ValueError, r"\['labels'\]\[0\] is 5.*1 … 4"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "exception", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_nothing_is_computed_before_a_bad_batch_is_named(
    model: nn.Module, training: bool, spoil: Callable, exception: type[Exception], message: str, monkeypatch
) -> None:
    images, targets = batch()
    spoil(images, targets)
    rng = torch.get_rng_state()
    monkeypatch.setitem(model._modules, "transform", MustNotRun(model.transform))
    monkeypatch.setitem(model._modules, "backbone", MustNotRun(model.backbone))
    with pytest.raises(exception, match=message):
        model.train(training)(images, targets)
    assert torch.equal(rng, torch.get_rng_state())


def test_the_guard_itself_fails_on_a_good_batch(model: nn.Module, monkeypatch) -> None:
    monkeypatch.setitem(model._modules, "transform", MustNotRun(model.transform))
    with pytest.raises(pytest.fail.Exception, match="something was computed"):
        model.train()(*batch())


def test_training_without_targets(model: nn.Module) -> None:
    with pytest.raises(ValueError, match="targets are required in training"):
        model.train()(batch()[0])


def test_labels_have_no_upper_limit_where_the_predictor_does_not_tell_it() -> None:
    class Predictor(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.logits, self.deltas = nn.Linear(256, 3), nn.Linear(256, 12)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.logits(x), self.deltas(x)

    model = fasterrcnn_small_fpn(num_classes=3, box_predictor=Predictor())
    images, targets = batch()
    targets[0]["labels"] = torch.tensor([1, 2])
    assert set(model(images, targets))
    targets[0]["labels"] = torch.tensor([1, -2])
    with pytest.raises(ValueError, match=r"is -2"):
        model(images, targets)


def test_a_caller_who_normalises_says_so_by_mean_0_and_deviation_1() -> None:
    images, _ = batch()
    normalised = [(image - 0.5) / 0.1 for image in images]
    with pytest.raises(ValueError, match="do not normalise"):
        fasterrcnn_small_fpn().eval()(normalised)
    model = fasterrcnn_small_fpn(image_mean=[0.0, 0.0, 0.0], image_std=[1.0, 1.0, 1.0]).eval()
    assert len(model(normalised)) == 2
    normalised[1][0, 0, 0] = float("inf")
    with pytest.raises(ValueError, match=r"images\[1\] contains an infinite value"):
        model(normalised)


def test_a_replica_without_parameters_detects_the_same(model: nn.Module) -> None:
    """As nn.DataParallel makes them: each holds its weights as plain tensors."""
    images, _ = batch()
    model.eval()
    replica = copy.deepcopy(model)
    for module in replica.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None:
                del module._parameters[name]
                setattr(module, name, parameter.detach())
    assert next(replica.parameters(), None) is None
    with torch.no_grad():
        for found, expected in zip(replica(images), model(images), strict=True):
            assert len(expected["boxes"]) > 0
            assert all(torch.equal(found[name], expected[name]) for name in expected)
    with pytest.raises(ValueError, match=r"images\[1\] must have shape"):
        replica([images[0], images[1][:2]])
