import math

import pytest
import torch

from frcnn_edu.ops.losses import fastrcnn_loss, rpn_loss


def test_rpn_losses_teach_the_sampled_anchors_only() -> None:
    torch.manual_seed(0)
    logits, deltas = torch.randn(10, requires_grad=True), torch.randn(10, 4, requires_grad=True)
    positives, negatives = torch.tensor([2, 5]), torch.tensor([0, 7, 9])
    sampled, labels = torch.cat([positives, negatives]), torch.tensor([1.0, 1, 0, 0, 0])
    objectness, box = rpn_loss(logits[sampled], labels, deltas[positives], torch.randn(2, 4))
    (objectness + box).backward()
    assert torch.where(logits.grad)[0].tolist() == [0, 2, 5, 7, 9]
    assert torch.where(deltas.grad.any(dim=1))[0].tolist() == [2, 5]
    assert (logits.grad[positives] < 0).all()  # a step of descent raises them
    assert (logits.grad[negatives] > 0).all()


def test_box_head_loss_teaches_the_true_class_only() -> None:
    torch.manual_seed(0)
    logits, deltas = torch.randn(4, 3, requires_grad=True), torch.randn(4, 12, requires_grad=True)
    labels = [torch.tensor([0, 2]), torch.tensor([1, 0])]
    classification, box = fastrcnn_loss(logits, deltas, labels, [torch.randn(2, 4), torch.randn(2, 4)])
    (classification + box).backward()
    taught = deltas.grad.view(4, 3, 4).any(dim=2)
    assert taught.nonzero().tolist() == [[1, 2], [2, 1]]
    assert (logits.grad != 0).all()


def test_no_positives_cost_no_box_loss() -> None:
    _, box = rpn_loss(torch.randn(5), torch.zeros(5), torch.zeros(0, 4), torch.zeros(0, 4))
    assert box == 0
    _, box = fastrcnn_loss(torch.randn(5, 3), torch.randn(5, 12), [torch.zeros(5).long()], [torch.randn(5, 4)])
    assert box == 0


def smooth_l1(difference: float) -> float:
    """A parabola up to 1/9, a line from there on."""
    return 4.5 * difference**2 if abs(difference) < 1 / 9 else abs(difference) - 1 / 18


def test_the_losses_in_numbers() -> None:
    """Both box losses are sums over positives, divided by all that was sampled."""
    targets = torch.zeros(1, 4)
    moves = torch.tensor([[0.06, -0.5, 2.0, 0.0]])
    expected = sum(map(smooth_l1, moves[0].tolist())) / 3
    logits = torch.tensor([2.0, -1.0, 0.0])
    objectness, box = rpn_loss(logits, torch.tensor([1.0, 0, 0]), moves, targets)
    assert box.item() == pytest.approx(expected)
    logistic = [math.log(1 + math.exp(-2)), math.log(1 + math.exp(-1)), math.log(2)]
    assert objectness.item() == pytest.approx(sum(logistic) / 3)

    of_classes = torch.full((3, 12), 7.0)
    of_classes[1, 8:] = moves[0]
    labels, target_deltas = [torch.tensor([0, 2]), torch.tensor([0])], [torch.zeros(2, 4), torch.zeros(1, 4)]
    classification, box = fastrcnn_loss(torch.zeros(3, 3), of_classes, labels, target_deltas)
    assert box.item() == pytest.approx(expected)
    assert classification.item() == pytest.approx(math.log(3))
