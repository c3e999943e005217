"""In exact mode the same weights and random numbers give torchvision's proposals, detections, losses and gradients.

What the default mode gives is compared in test_rounding.py.
"""

import pytest
import torch
from cases import CASES, FAST, TALL, WIDE
from twins import detect, make_images, make_targets, relative_difference, small_fpn, train_step, twins

pytestmark = pytest.mark.slow  # whole models; the stages one by one are in test_stages.py


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
