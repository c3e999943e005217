"""Checkers for notebook 13: smooth L1, the RPN's two losses, and a validation loss that leaves no trace."""

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape
from frcnn_edu.model import fasterrcnn_small_fpn
from frcnn_edu.ops import losses


@checker
def smooth_l1(function: Callable[[Tensor, float], Tensor]) -> str:
    """Checks (difference of any shape, β) → the cost of each, in the same shape."""
    differences = torch.tensor([[-3.0, -0.5, -0.1, 0.0], [0.05, 0.1, 0.5, 3.0]])
    for beta in (1.0, 1 / 9, 0.5):
        given = differences.clone()
        cost = function(given, beta)
        expect(
            torch.equal(given, differences),
            "Your function changes the differences that it is given; it should make a new tensor.",
        )
        expect(
            not isinstance(cost, Tensor) or cost.ndim > 0,
            "That is a single number: return the cost of each difference, not their sum or mean.",
        )
        expect_shape(cost, (2, 4), "The cost")
        right = F.smooth_l1_loss(differences, torch.zeros(2, 4), beta=beta, reduction="none")
        size = differences.abs()
        small = size < beta
        if torch.allclose(cost, right, atol=1e-6):
            continue
        expect(
            (cost >= 0).all(),
            "Some costs are negative: an error to the left is as bad as one to the right, so use |d|.",
        )
        expect(not torch.allclose(cost, size), "That is L1. Below β, the cost is a parabola: d² / (2β).")
        no_beta = torch.where(small, 0.5 * size**2, size - 0.5 * beta)
        expect(
            not torch.allclose(cost, no_beta, atol=1e-6),
            f"Your parabola is ½ d². It must meet the line at β, so it is d² / (2β). For β = {beta:.2f}, your curve has a step there.",
        )
        always_half = torch.where(small, size**2 / (2 * beta), size - 0.5)
        expect(
            not torch.allclose(cost, always_half, atol=1e-6),
            "You subtract ½ from |d|, which is right only for β = 1. The line is |d| − β/2, so that it meets the parabola.",
        )
        nothing_off = torch.where(small, size**2 / (2 * beta), size)
        expect(
            not torch.allclose(cost, nothing_off, atol=1e-6),
            "Your line is |d|, and the parabola ends at β/2: subtract β/2 from the line, or there is a step at β.",
        )
        expect(
            torch.allclose(cost[small], right[small], atol=1e-6),
            f"For β = {beta:.2f}, the costs below β are not d² / (2β).",
        )
        expect(False, f"For β = {beta:.2f}, the costs at β and above are not |d| − β/2.")
    return "Value and slope agree at β, so the gradient is continuous there."


def _anchors(number: int, objects: int, seed: int) -> tuple[Tensor, ...]:
    """Logits, deltas, target deltas, labels and the mask of the sampled ones; positive, negative and ignored labels take turns."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(number, generator=generator)
    deltas, wanted = torch.randn(2, number, 4, generator=generator) / 5
    labels = torch.tensor([1.0, 0.0, -1.0]).repeat(number)[:number]
    sampled = torch.zeros(number, dtype=torch.bool)
    sampled[torch.where(labels == 1)[0][:objects]] = True
    sampled[torch.where(labels == 0)[0][:7]] = True
    return logits, deltas, wanted, labels, sampled


@checker
def rpn_losses(function: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]) -> str:
    """Checks (logits, deltas, targets, labels, sampled) of all anchors → objectness loss and box loss."""
    for number, objects, seed in ((36, 3, 0), (60, 5, 1), (36, 0, 2)):
        given = _anchors(number, objects, seed)
        logits, deltas, wanted, labels, sampled = given
        answer = function(*(tensor.clone() for tensor in given))
        expect(
            isinstance(answer, tuple | list) and len(answer) == 2,
            "Return two losses: the objectness loss, then the box loss.",
        )
        objectness, box = (torch.as_tensor(value) for value in answer)
        expect(objectness.ndim == 0 and box.ndim == 0, "Each loss should be one number.")
        positive = sampled & (labels == 1)
        right = losses.rpn_loss(logits[sampled], labels[sampled], deltas[positive], wanted[positive])
        if not torch.allclose(objectness, right[0], atol=1e-6):
            _explain_objectness(objectness, logits, labels, sampled)
        expect(
            not box.isnan(),
            "Without positive samples, your box loss is NaN, because it is a mean over nothing or is divided by 0 positives. It should be 0.",
        )
        if not torch.allclose(box, right[1], atol=1e-6):
            _explain_box_loss(box, deltas, wanted, labels, sampled)
    return "Both losses have the same divisor, so a box weighs as much in a crowd as alone."


def _explain_objectness(value: Tensor, logits: Tensor, labels: Tensor, sampled: Tensor) -> None:
    with_sigmoid = F.binary_cross_entropy_with_logits(logits[sampled].sigmoid(), labels[sampled])
    expect(
        not torch.allclose(value, with_sigmoid, atol=1e-6),
        "You computed a sigmoid, and then a loss that computes another: `…_with_logits` takes the logits themselves.",
    )
    known = labels >= 0
    of_all = F.binary_cross_entropy_with_logits(logits[known], labels[known])
    expect(
        not torch.allclose(value, of_all, atol=1e-6),
        "Your objectness loss is a mean over all labelled anchors, but only the sampled ones count.",
    )
    summed = F.binary_cross_entropy_with_logits(logits[sampled], labels[sampled], reduction="sum")
    expect(
        not torch.allclose(value, summed, atol=1e-5),
        "Your objectness loss is a sum, but it should be the mean over the sampled anchors.",
    )
    expect(False, "The objectness loss is the mean binary cross entropy of the sampled anchors; yours differs.")


def _explain_box_loss(value: Tensor, deltas: Tensor, wanted: Tensor, labels: Tensor, sampled: Tensor) -> None:
    positive = sampled & (labels == 1)

    def cost(mask: Tensor, beta: float = losses.BETA) -> Tensor:
        return F.smooth_l1_loss(deltas[mask], wanted[mask], beta=beta, reduction="sum")

    number = int(sampled.sum())
    by_positives = (
        "You divide by the positive samples. The divisor is the number of all sampled anchors, positive and negative."
    )
    expect(not torch.allclose(value, cost(positive) / max(int(positive.sum()), 1), atol=1e-6), by_positives)
    expect(
        not torch.allclose(value, cost(positive) / max(4 * int(positive.sum()), 1), atol=1e-6),
        "That is a mean over the four deltas of the positive samples: sum them, and divide by the number of all sampled anchors.",
    )
    expect(
        not torch.allclose(value, cost(sampled) / number, atol=1e-6),
        "A negative anchor has no target box, so only sampled anchors labelled 1 have a box error.",
    )
    expect(
        not torch.allclose(value, cost(labels == 1) / number, atol=1e-6),
        "You count all positive anchors, but only those that were sampled count.",
    )
    expect(
        not torch.allclose(value, cost(positive, beta=1.0) / number, atol=1e-6),
        "That is smooth L1 with β = 1, PyTorch's default. The network uses 1/9.",
    )
    expect(
        False,
        "The box loss is the sum of smooth L1 (β = 1/9) over the positive samples, divided by the number of all samples; yours differs.",
    )


@checker
def validation_losses(function: Callable[[Any, list[Tensor], list[dict[str, Tensor]]], dict[str, float]]) -> str:
    """Checks (model, images, targets) → the four losses as numbers, with nothing changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = fasterrcnn_small_fpn(num_classes=6).eval()
        images = [torch.rand(3, 96, 128)]
        targets = [{"boxes": torch.tensor([[10.0, 10, 60, 50], [70, 20, 120, 90]]), "labels": torch.tensor([1, 3])}]
        state = copy.deepcopy(model.state_dict())
        values = function(model, images, targets)
        expect(
            isinstance(values, dict),
            f"Return a dictionary of losses; yours is a {type(values).__name__}. In evaluation mode, the model returns detections.",
        )
        names = {"loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"}
        expect(set(values) == names, f"The keys should be the names of the four losses; yours are {sorted(values)}.")
        expect(
            not any(isinstance(value, Tensor) and value.requires_grad for value in values.values()),
            "The losses still carry the graph of the whole forward pass: use torch.no_grad(), and .item().",
        )
        expect(
            all(isinstance(value, float) for value in values.values()),
            "The losses should be plain numbers: use .item().",
        )
        expect(
            all(p.grad is None for p in model.parameters()),
            "The parameters have gradients now, but nothing should be backpropagated.",
        )
        moved = [name for name, value in model.state_dict().items() if not torch.equal(value, state[name])]
        expect(
            not moved,
            f"{len(moved)} entries of the state have changed, such as {moved[0] if moved else ''}: in training mode, BatchNorm moves "
            "its running statistics. Put the BatchNorms in evaluation mode.",
        )
        still_training = any(module.training for module in model.modules())
        expect(
            not still_training,
            "The model was in evaluation mode before the call, but at least part of it is in training mode now.",
        )
        model.train()
        frozen = next(module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d))
        frozen.eval()
        torch.manual_seed(1)
        function(model, images, targets)
        expect(
            model.training and not frozen.training,
            "Before the call, the model was in training mode with one BatchNorm frozen; after it, its modes are different.",
        )
        model.eval()
        torch.manual_seed(5)
        again = function(model, images, targets)
        expect(
            again == values,
            "Two calls give different numbers, because anchors are sampled at random. Set a seed before the forward pass.",
        )
        torch.manual_seed(5)
        untouched = torch.rand(3)
        torch.manual_seed(5)
        function(model, images, targets)
        expect(
            torch.equal(torch.rand(3), untouched),
            "Your function changes the state of the random number generator, so validation changes the training that follows: "
            "wrap it in torch.random.fork_rng().",
        )
    return "Now a run with validation and a run without it end with the same weights."
