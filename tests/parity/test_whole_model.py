"""The same weights and random numbers give torchvision's proposals, detections, losses and gradients, to the last bit.

So the textbook does, and so does the exact mode. What the fast mode gives is compared in test_rounding.py.
"""

import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from cases import CASES, FAST, TALL, WIDE
from torch import Tensor, nn
from twins import detect, make_images, make_targets, small_fpn, train_step, twins

from frcnn_edu import run_as

pytestmark = pytest.mark.slow  # whole models; the stages one by one are in test_stages.py

BIT_EQUAL = ("textbook", "exact")


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def scene(request: pytest.FixtureRequest) -> Any:
    """A case, our model, and what torchvision's model made of it."""
    case = request.param
    images = make_images(*case.sizes)
    targets = make_targets(images, case.counts, case.num_classes)
    ours, theirs = twins(case.recipe, images, num_classes=case.num_classes, **{**FAST, **case.settings})
    detected, trained = detect(theirs, images), train_step(theirs, images, targets)
    return SimpleNamespace(
        case=case, images=images, targets=targets, ours=ours, theirs=theirs, detected=detected, trained=trained
    )


def ours_as(mode: str, scene: Any) -> nn.Module:
    """A copy of our model, as it was before any training step."""
    return run_as(copy.deepcopy(scene.ours), mode)


@pytest.mark.parametrize("mode", BIT_EQUAL)
def test_detections_are_identical(mode: str, scene: Any) -> None:
    case = scene.case
    detections, proposals, rng = detect(ours_as(mode, scene), scene.images)
    their_detections, their_proposals, their_rng = scene.detected

    assert all(len(boxes) >= case.least_proposals for boxes in their_proposals)
    assert_equal(proposals, their_proposals)
    assert len(detections) == len(their_detections) == len(scene.images)
    for found, expected in zip(detections, their_detections):
        assert len(expected["boxes"]) >= case.least_detections
        assert len(expected["labels"].unique()) >= min(2, case.num_classes - 1)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert torch.equal(rng, their_rng)


@pytest.mark.parametrize("mode", BIT_EQUAL)
def test_losses_and_gradients_are_identical(mode: str, scene: Any) -> None:
    """Gradients are identical because one thread computes them; several may add in another order."""
    assert torch.get_num_threads() == 1
    ours = ours_as(mode, scene)
    losses, gradients, proposals, rng = train_step(ours, scene.images, scene.targets)
    their_losses, their_gradients, their_proposals, their_rng = scene.trained

    assert_equal(proposals, their_proposals)
    assert losses.keys() == their_losses.keys()
    assert all(torch.equal(losses[name], their_losses[name]) for name in losses), (losses, their_losses)
    for name in ("loss_rpn_box_reg", "loss_box_reg"):
        assert (losses[name] > 0) == (sum(scene.case.counts) > 0)
    assert torch.equal(rng, their_rng)

    assert gradients.keys() == their_gradients.keys()
    different = [name for name in gradients if not torch.equal(gradients[name], their_gradients[name])]
    assert different == []
    # BatchNorm's running statistics have moved alike.
    assert all(torch.equal(value, scene.theirs.state_dict()[name]) for name, value in ours.state_dict().items())


def assert_equal(found: list[Tensor], expected: list[Tensor]) -> None:
    assert len(found) == len(expected)
    assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize("mode", BIT_EQUAL)
def test_three_steps_of_training_stay_identical(mode: str) -> None:
    images = make_images(WIDE, TALL)
    targets = make_targets(images, (5, 2), 7)
    ours, theirs = twins(small_fpn, images, mode, **FAST)
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


@pytest.mark.parametrize("mode", BIT_EQUAL)
def test_float64_agrees_as_well(mode: str) -> None:
    """torchvision's RPN labels stay float32, and with them its objectness loss; ours is float64 throughout."""
    images = make_images(WIDE, TALL)
    targets = make_targets(images, (5, 2), 7)
    ours, theirs = (model.double() for model in twins(small_fpn, images, mode, **FAST))
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
