"""The checkers of notebook 13: stubs and likely mistakes are recognised, right answers pass."""

import pytest
import torch
import torch.nn.functional as F

from frcnn_edu.lessons.losses import exercises as check


def stub(*args):
    raise NotImplementedError


@pytest.mark.parametrize("checker", [check.smooth_l1, check.rpn_losses, check.validation_losses])
def test_stub_is_not_right(checker):
    verdict = checker(stub)
    assert not verdict
    assert "no body yet" in verdict.message
    assert not checker(...)


# ----------------------------------------------------------------------------------------------------------- smooth L1


def smooth(d, beta):
    return torch.where(d.abs() < beta, d**2 / (2 * beta), d.abs() - beta / 2)


def test_smooth_l1_right():
    assert check.smooth_l1(smooth)
    assert check.smooth_l1(lambda d, beta: F.smooth_l1_loss(d, torch.zeros_like(d), beta=beta, reduction="none"))


def in_place(d, beta):
    cost = smooth(d, beta)
    d.abs_()
    return cost


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda d, b: d.abs(), "That is L1"),
        (lambda d, b: torch.where(d.abs() < b, 0.5 * d**2, d.abs() - b / 2), "Your parabola is ½ d²"),
        (lambda d, b: torch.where(d.abs() < b, d**2 / (2 * b), d.abs() - 0.5), "right only for β = 1"),
        (lambda d, b: torch.where(d.abs() < b, d**2 / (2 * b), d.abs()), "subtract β/2 from the line"),
        (lambda d, b: torch.where(d < b, d**2 / (2 * b), d - b / 2) - (d < 0) * 9, "as bad as one to the right"),
        (lambda d, b: smooth(d, b).sum(), "return the cost of each"),
        (lambda d, b: smooth(d, b).flatten(), "should have shape (2, 4)"),
        (lambda d, b: d**2 / (2 * b), "at β and above are not"),
        (in_place, "changes the differences"),
    ],
)
def test_smooth_l1_mistakes(wrong, message):
    verdict = check.smooth_l1(wrong)
    assert not verdict
    assert message in verdict.message


# ------------------------------------------------------------------------------------------------------- the RPN's two


def objectness(logits, labels, sampled):
    return F.binary_cross_entropy_with_logits(logits[sampled], labels[sampled])


def cost(deltas, wanted, beta=1 / 9):
    return F.smooth_l1_loss(deltas, wanted, beta=beta, reduction="sum")


def right(logits, deltas, wanted, labels, sampled):
    positive = sampled & (labels == 1)
    return objectness(logits, labels, sampled), cost(deltas[positive], wanted[positive]) / sampled.sum()


def with_box(box):
    """A right objectness loss with another box loss."""
    return lambda logits, deltas, wanted, labels, sampled: (
        objectness(logits, labels, sampled),
        box(deltas, wanted, labels, sampled),
    )


def with_objectness(loss):
    return lambda logits, deltas, wanted, labels, sampled: (
        loss(logits, labels, sampled),
        right(logits, deltas, wanted, labels, sampled)[1],
    )


def positives(labels, sampled):
    return sampled & (labels == 1)


def test_rpn_losses_right():
    assert check.rpn_losses(right)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (with_box(lambda d, w, y, m: cost(d[positives(y, m)], w[positives(y, m)]) / positives(y, m).sum().clamp(min=1)),
         "You divide by the positive samples"),
        (with_box(lambda d, w, y, m: F.smooth_l1_loss(d[positives(y, m)], w[positives(y, m)], beta=1 / 9)),
         "a mean over the four deltas"),
        (with_box(lambda d, w, y, m: cost(d[m], w[m]) / m.sum()), "A negative anchor has no target box"),
        (with_box(lambda d, w, y, m: cost(d[y == 1], w[y == 1]) / m.sum()), "only those that were sampled"),
        (with_box(lambda d, w, y, m: cost(d[positives(y, m)], w[positives(y, m)], 1.0) / m.sum()), "β = 1"),
        (with_box(lambda d, w, y, m: cost(d[positives(y, m)], w[positives(y, m)])), "yours differs"),
        (with_objectness(lambda z, y, m: objectness(z.sigmoid(), y, m)), "takes the logits themselves"),
        (with_objectness(lambda z, y, m: objectness(z, y, y >= 0)), "mean over all labelled anchors"),
        (with_objectness(lambda z, y, m: objectness(z, y, m) * m.sum()), "is a sum"),
        (lambda *given: right(*given)[0], "Return two losses"),
    ],
)  # fmt: skip
def test_rpn_losses_mistakes(wrong, message):
    verdict = check.rpn_losses(wrong)
    assert not verdict
    assert message in verdict.message


def test_rpn_losses_without_objects():
    def divides_by_positives(logits, deltas, wanted, labels, sampled):
        loss, box = right(logits, deltas, wanted, labels, sampled)
        return loss, box if positives(labels, sampled).any() else box / 0

    assert "NaN" in check.rpn_losses(divides_by_positives).message


# --------------------------------------------------------------------------------------------------- validation losses


def careful(model, images, targets, *, seed=True, norms=True, fork=True, back=True, as_float=True):
    modes = {module: module.training for module in model.modules()}
    model.train()
    for module in model.modules():
        if norms and isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    state = torch.get_rng_state()
    with torch.no_grad():
        if seed:
            torch.manual_seed(0)
        losses = model(images, targets)
    if fork:
        torch.set_rng_state(state)
    for module, mode in modes.items():
        if back:
            module.training = mode
    return {name: loss.item() if as_float else loss for name, loss in losses.items()}


def only_model_mode(model, images, targets):
    was = model.training
    losses = careful(model, images, targets, back=False)
    model.train(was)
    return losses


def with_graph(model, images, targets):
    return model.train()(images, targets)


def unseeded(model, images, targets):
    return careful(model, images, targets, seed=False, fork=False)


def test_validation_losses_right():
    assert check.validation_losses(careful)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda model, images, targets: model.eval()(images, targets), "returns detections"),
        (with_graph, "carry the graph"),
        (lambda *given: careful(*given, norms=False), "Put the BatchNorms in evaluation mode"),
        (lambda *given: careful(*given, back=False), "is in training mode now"),
        (only_model_mode, "its modes are different"),
        (unseeded, "Two calls give different numbers"),
        (lambda *given: careful(*given, fork=False), "fork_rng"),
        (lambda *given: careful(*given, as_float=False), "plain numbers"),
        (lambda *given: {"loss": 1.0}, "names of the four losses"),
    ],
)
def test_validation_losses_mistakes(wrong, message):
    verdict = check.validation_losses(wrong)
    assert not verdict
    assert message in verdict.message


def test_checking_leaves_the_random_numbers_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    check.validation_losses(careful)
    assert torch.equal(torch.rand(2), expected)
