from typing import Any

import pytest
import torch
from torch import Tensor

from frcnn_edu.lessons.box_head import exercises as check


def candidates(probabilities: Tensor, boxes: Tensor, threshold: float) -> tuple[Tensor, Tensor, Tensor]:
    proposal, label = torch.where(probabilities[:, 1:] > threshold)
    label = label + 1
    return boxes[proposal, label], probabilities[proposal, label], label


def with_background(p: Tensor, b: Tensor, t: float) -> Any:
    proposal, label = torch.where(p > t)
    return b[proposal, label], p[proposal, label], label


def from_zero(p: Tensor, b: Tensor, t: float) -> Any:
    boxes, scores, labels = candidates(p, b, t)
    return boxes, scores, labels - 1


def likeliest(p: Tensor, b: Tensor, t: float) -> Any:
    scores, labels = p[:, 1:].max(dim=1)
    keep = torch.where(scores > t)[0]
    return b[keep, labels[keep] + 1], scores[keep], labels[keep] + 1


def boxes_of_the_class_before(p: Tensor, b: Tensor, t: float) -> Any:
    proposal, label = torch.where(p[:, 1:] > t)
    return b[proposal, label], p[proposal, label + 1], label + 1


def scores_of_the_class_before(p: Tensor, b: Tensor, t: float) -> Any:
    proposal, label = torch.where(p[:, 1:] > t)
    return b[proposal, label + 1], p[proposal, label], label + 1


def or_equal(p: Tensor, b: Tensor, t: float) -> Any:
    return candidates(p, b, t - 1e-6)


def stub(*args: object) -> None:
    raise NotImplementedError


def test_stubs_are_not_yet() -> None:
    for checker in (check.candidates, check.deltas_of):
        assert not checker(stub)
        assert "no body yet" in checker(stub).message
    assert not check.parameters(...)


def test_candidates_is_right() -> None:
    assert check.candidates(candidates)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (with_background, "background is among them"),
        (from_zero, "one too small"),
        (likeliest, "one candidate per proposal"),
        (boxes_of_the_class_before, "previous class"),
        (scores_of_the_class_before, "the scores are not: use"),
        (or_equal, "*above* the threshold"),
        (lambda p, b, t: candidates(p, b, t)[:2], "three tensors"),
        (lambda p, b, t: (b[:, 0], *candidates(p, b, t)[1:]), "should have shape"),
    ],
)
def test_candidates_names_the_mistake(answer: Any, message: str) -> None:
    verdict = check.candidates(answer)
    assert not verdict
    assert message in verdict.message


def by_class(deltas: Tensor, labels: Tensor) -> Tensor:
    return deltas.view(len(labels), -1, 4)


def test_deltas_of_is_right() -> None:
    assert check.deltas_of(lambda d, lb: by_class(d, lb)[torch.arange(len(lb)), lb])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda d, lb: by_class(d, lb)[:, lb], "every label for every proposal"),
        (lambda d, lb: d.view(len(lb), 4, -1)[torch.arange(len(lb)), :, lb], "classes × 4"),
        (lambda d, lb: by_class(d, lb)[torch.arange(len(lb)), lb - 1], "previous class"),
        (lambda d, lb: by_class(d, lb)[:, 0], "columns 4·label"),
        (lambda d, lb: d[:, :3], "should have shape"),
    ],
)
def test_deltas_of_names_the_mistake(answer: Any, message: str) -> None:
    verdict = check.deltas_of(answer)
    assert not verdict
    assert message in verdict.message


def test_parameters_is_right() -> None:
    assert check.parameters(14_003_305)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (12545 * 1024 + 1025 * (1024 + 20 + 80), "the background is a class, too"),
        (12544 * 1024 + 1024 * (1024 + 21 + 84), "biases are missing"),
        (12545 * 1024 + 1025 * (1024 + 21 + 4), "84 in all"),
        (12545 * 1024 + 1025 * (1024 + 21 + 80), "four deltas for the background"),
        (14_362_055, "COCO's 91"),
        (13_895_680, "`box_head` alone"),
        (7, "four layers"),
        ("many", "one number"),
    ],
)
def test_parameters_names_the_mistake(answer: object, message: str) -> None:
    verdict = check.parameters(answer)
    assert not verdict
    assert message in verdict.message
