"""The same weights and the same random numbers give torchvision's proposals, detections, losses and gradients."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import nn
from twins import (
    detect,
    make_images,
    make_targets,
    mobilenet_v3_large_fpn,
    mobilenet_v3_large_single_map,
    relative_difference,
    resnet18_fpn,
    resnet50_fpn,
    small_fpn,
    train_step,
    twins,
    vgg16_single_map,
)

from frcnn_edu.ops import roi_align

WIDE, TALL, SQUARE = (90, 160), (150, 60), (100, 100)

# Fewer samples than the defaults: the large box heads are most of the work.
FAST = {
    "min_size": 96,
    "max_size": 192,
    "rpn_post_nms_top_n_test": 60,
    "rpn_post_nms_top_n_train": 200,
    "box_batch_size_per_image": 48,
}


@dataclass
class Case:
    """Images of the given sizes with so many boxes each, and a model of that recipe and settings."""

    name: str
    recipe: Callable[..., nn.Module] = small_fpn
    sizes: tuple[tuple[int, int], ...] = (WIDE, TALL)
    counts: tuple[int, ...] = (5, 2)
    num_classes: int = 7
    settings: dict[str, Any] = field(default_factory=dict)
    least_proposals: int = 30
    least_detections: int = 5


CASES = [
    Case("resnet50_fpn", resnet50_fpn, counts=(5, 0)),
    Case("mobilenet_v3_large_fpn", mobilenet_v3_large_fpn),
    Case("resnet18_fpn, frozen BatchNorm", resnet18_fpn, (SQUARE, WIDE, TALL), (3, 0, 120)),
    Case("mobilenet_v3_large, one map", mobilenet_v3_large_single_map, least_proposals=10),
    Case("vgg16, one map", vgg16_single_map, (SQUARE,), (4,)),
    Case("one image", sizes=(SQUARE,), counts=(3,)),
    Case("three images", sizes=(TALL, SQUARE, WIDE), counts=(1, 7, 3)),
    Case("an image without objects", counts=(0, 4)),
    Case("no objects at all", counts=(0, 0)),
    Case("120 boxes", counts=(120, 1)),
    Case("very wide and very tall", sizes=((40, 170), (180, 36)), counts=(4, 4)),
    Case("two classes", num_classes=2),
    Case("91 classes", num_classes=91, settings={"box_score_thresh": 0.02}),
    Case(
        "several anchors a level",
        settings={"sizes": ((8, 14), (20, 28), (40, 56), (64, 90), (100, 140)), "ratios": ((0.3, 1.0, 1.7, 3.0),) * 5},
    ),
    Case(
        "default top-n: more than 4000 elements in NMS",
        settings={"rpn_post_nms_top_n_test": 1000, "rpn_post_nms_top_n_train": 2000, "box_batch_size_per_image": 512},
    ),
    Case(
        "few proposals, strict thresholds",
        settings={
            "rpn_pre_nms_top_n_train": 40,
            "rpn_pre_nms_top_n_test": 30,
            "rpn_post_nms_top_n_train": 25,
            "rpn_post_nms_top_n_test": 20,
            "rpn_nms_thresh": 0.5,
            "rpn_score_thresh": 0.1,
            "box_score_thresh": 0.2,
            "box_nms_thresh": 0.3,
            "box_detections_per_img": 6,
        },
        least_proposals=10,
        least_detections=3,
    ),
    Case(
        "other thresholds of matching and sampling",
        counts=(20, 9),
        settings={
            "rpn_fg_iou_thresh": 0.5,
            "rpn_bg_iou_thresh": 0.2,
            "rpn_batch_size_per_image": 33,
            "rpn_positive_fraction": 0.25,
            "box_fg_iou_thresh": 0.6,
            "box_bg_iou_thresh": 0.3,
            "box_batch_size_per_image": 31,
            "box_positive_fraction": 0.6,
            "bbox_reg_weights": (1.0, 2.0, 3.0, 4.0),
        },
    ),
    Case("several sizes to draw from", settings={"min_size": (64, 96, 128)}),
    Case("one size for all", settings={"fixed_size": (160, 96), "size_divisible": 64}),
    Case("the caller's mean and deviation", settings={"image_mean": [0.5, 0.4, 0.3], "image_std": [0.1, 0.2, 0.3]}),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def pair(request: pytest.FixtureRequest):
    case = request.param
    images = make_images(*case.sizes)
    targets = make_targets(images, case.counts, case.num_classes)
    settings = {**FAST, **case.settings}
    ours, theirs = twins(case.recipe, images, num_classes=case.num_classes, **settings)
    return case, images, targets, ours, theirs


def test_detections_are_identical(pair) -> None:
    case, images, _, ours, theirs = pair
    detections, proposals, rng = detect(ours, images)
    their_detections, their_proposals, their_rng = detect(theirs, images)

    assert all(len(boxes) >= case.least_proposals for boxes in their_proposals)
    assert all(map(torch.equal, proposals, their_proposals))
    assert len(detections) == len(their_detections) == len(images)
    for found, expected in zip(detections, their_detections):
        assert len(expected["boxes"]) >= case.least_detections
        assert len(expected["labels"].unique()) >= min(2, case.num_classes - 1)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert torch.equal(rng, their_rng)


def test_losses_are_identical_and_gradients_agree(pair) -> None:
    """Gradients are bit-identical too where one thread computes them; several may add in another order."""
    case, images, targets, ours, theirs = pair
    losses, gradients, proposals, rng = train_step(ours, images, targets)
    their_losses, their_gradients, their_proposals, their_rng = train_step(theirs, images, targets)

    assert all(map(torch.equal, proposals, their_proposals))
    assert losses.keys() == their_losses.keys()
    assert all(torch.equal(losses[name], their_losses[name]) for name in losses), (losses, their_losses)
    for name in ("loss_rpn_box_reg", "loss_box_reg"):
        assert (losses[name] > 0) == (sum(case.counts) > 0)
    assert torch.equal(rng, their_rng)

    assert gradients.keys() == their_gradients.keys()
    differences = {name: relative_difference(gradients[name], their_gradients[name]) for name in gradients}
    assert max(differences.values()) <= 1e-5, sorted(differences.items(), key=lambda item: -item[1])[:3]
    # BatchNorm's running statistics have moved alike.
    assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in ours.state_dict().items())


def test_three_steps_of_training_stay_identical() -> None:
    images = make_images(WIDE, TALL)
    targets = make_targets(images, (5, 2), 7)
    ours, theirs = twins(small_fpn, images, **FAST)
    history: dict[str, list] = {}
    for name, model in (("ours", ours), ("theirs", theirs)):
        optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        history[name] = []
        for step in range(3):
            losses, *_ = train_step(model, images, targets, seed=step)
            optimiser.step()
            history[name].append({key: value.item() for key, value in losses.items()})
    assert history["ours"] == history["theirs"]
    assert history["ours"][0] != history["ours"][2]


def test_float64_agrees_as_well() -> None:
    """torchvision's RPN labels stay float32, and with them its objectness loss; ours is float64 throughout."""
    images = make_images(WIDE, TALL)
    targets = make_targets(images, (5, 2), 7)
    ours, theirs = (model.double() for model in twins(small_fpn, images, **FAST))
    images = [image.double() for image in images]
    targets = [{**target, "boxes": target["boxes"].double()} for target in targets]

    for found, expected in zip(detect(ours, images)[0], detect(theirs, images)[0]):
        assert found["boxes"].dtype == torch.float64
        assert all(torch.equal(found[key], expected[key]) for key in expected)

    losses, their_losses = train_step(ours, images, targets)[0], train_step(theirs, images, targets)[0]
    assert all(loss.dtype == torch.float64 for loss in losses.values())
    objectness, their_objectness = losses.pop("loss_objectness"), their_losses.pop("loss_objectness")
    assert losses == their_losses
    assert objectness.item() == pytest.approx(their_objectness.item(), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_with_the_roi_align_for_cpus_all_agrees_to_rounding(dtype: torch.dtype) -> None:
    """The small model pools with it. It adds the same numbers in another order: in float64, 1e-10 is far above that."""
    images = [image.to(dtype) for image in make_images(WIDE, TALL)]
    targets = [{**t, "boxes": t["boxes"].to(dtype)} for t in make_targets(images, (5, 2), 7)]
    ours, theirs = twins(small_fpn, [image.float() for image in images], **FAST)
    ours, theirs = ours.to(dtype), theirs.to(dtype)
    ours.roi_heads.box_roi_pool.roi_align = roi_align
    tolerance = {torch.float64: 1e-10, torch.float32: 1e-4}[dtype]

    for found, expected in zip(detect(ours, images)[0], detect(theirs, images)[0], strict=True):
        assert len(expected["boxes"]) >= 5
        assert torch.equal(found["labels"], expected["labels"])
        assert (found["scores"] - expected["scores"]).abs().max() <= tolerance
        assert (found["boxes"] - expected["boxes"]).abs().max() <= 100 * tolerance  # pixels, of a hundred and more

    with_labels_of_dtype(theirs, dtype)
    losses, gradients, *_ = train_step(ours, images, targets)
    their_losses, their_gradients, *_ = train_step(theirs, images, targets)
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(their_losses[name].item(), rel=tolerance)
    differences = {name: relative_difference(gradients[name], their_gradients[name]) for name in their_gradients}
    assert max(differences.values()) <= tolerance, sorted(differences.items(), key=lambda item: -item[1])[:3]


def with_labels_of_dtype(model: nn.Module, dtype: torch.dtype) -> None:
    """Lets torchvision's RPN have its labels, always float32, in the precision of the rest."""
    assign = model.rpn.assign_targets_to_anchors

    def assign_and_convert(anchors: list, targets: list) -> tuple:
        labels, matched = assign(anchors, targets)
        return [label.to(dtype) for label in labels], matched

    model.rpn.assign_targets_to_anchors = assign_and_convert
