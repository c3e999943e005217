"""The checkers of notebook 06 know a right answer, and name the likely mistakes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from frcnn_edu.lessons.rpn_head import exercises as check


def stub(*args: Any) -> Any:
    raise NotImplementedError


@pytest.mark.parametrize(
    "checker", [check.predictions_in_one_list, check.one_logit_for_two_scores, check.predictions_of_one_cell]
)
def test_stub_is_not_yet_right(checker: Callable[[Any], Any]) -> None:
    assert not checker(stub)
    assert "no body yet" in checker(stub).message


def one_list(maps: list[Tensor], k: int) -> Tensor:
    return torch.cat([m.permute(0, 2, 3, 1).reshape(len(m), -1, k) for m in maps], dim=1).reshape(-1, k)


def test_right_list() -> None:
    assert check.predictions_in_one_list(one_list)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda maps, k: torch.cat([m.reshape(len(m), -1, k) for m in maps], dim=1).reshape(-1, k), "channels last"),
        (
            lambda maps, k: torch.cat(
                [m.permute(0, 3, 2, 1).reshape(len(m), -1, k) for m in maps], dim=1
            ).reshape(-1, k),
            "down the columns",
        ),
        (
            lambda maps, k: torch.cat(
                [m.unflatten(1, (k, -1)).permute(0, 3, 4, 2, 1).reshape(len(m), -1, k) for m in maps], dim=1
            ).reshape(-1, k),
            "anchor by anchor",
        ),
        (lambda maps, k: torch.cat([m.permute(0, 2, 3, 1).reshape(-1, k) for m in maps]), "outermost"),
        (lambda maps, k: one_list(maps, k).flip(0), "not in the order"),
        (lambda maps, k: one_list(maps, k).flatten(), "shape"),
        (lambda maps, k: None, "tensor"),
    ],
    ids=["reshape only", "x first", "number first", "level first", "backwards", "flat", "none"],
)  # fmt: skip
def test_wrong_list(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.predictions_in_one_list(wrong)
    assert not verdict
    assert says in verdict.message


def one_logit(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    anchors = len(weight) // 2
    return weight[anchors:] - weight[:anchors], bias[anchors:] - bias[:anchors]


def test_right_logit() -> None:
    assert check.one_logit_for_two_scores(one_logit)


def test_one_logit_gives_the_probability_of_two_scores() -> None:
    generator = torch.Generator().manual_seed(1)
    weight, bias, hidden = (torch.randn(*shape, generator=generator) for shape in ((6, 4), (6,), (4,)))
    scores = (weight @ hidden + bias).view(2, 3)  # no object, object
    new_weight, new_bias = one_logit(weight, bias)
    assert torch.allclose((new_weight @ hidden + new_bias).sigmoid(), scores.softmax(dim=0)[1])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda w, b: tuple(-x for x in one_logit(w, b)), "other way round"),
        (lambda w, b: (w[1::2] - w[::2], b[1::2] - b[::2]), "neighbouring channels"),
        (lambda w, b: (w[len(w) // 2 :], b[len(b) // 2 :]), "difference between the two scores"),
        (lambda w, b: (one_logit(w, b)[0], b[len(b) // 2 :]), "the bias is not"),
        (lambda w, b: (2 * one_logit(w, b)[0], b[len(b) // 2 :]), "does not give"),
        (lambda w, b: one_logit(w, b)[0], "two tensors"),
        (lambda w, b: (w, b), "shape"),
    ],
    ids=["sign", "interleaved", "object alone", "bias", "twice", "weight alone", "unchanged"],
)
def test_wrong_logit(wrong: Callable[..., Any], says: str) -> None:
    verdict = check.one_logit_for_two_scores(wrong)
    assert not verdict
    assert says in verdict.message


def one_cell(
    patch: Tensor,
    head: Any,
    *,
    relu: bool = True,
    first: int = 1,
    last: int = 1,
    turn: bool = False,
    across: bool = False,
) -> tuple[Tensor, Tensor]:
    conv = head.conv[0][0]
    weight = conv.weight.flip(2, 3) if turn else conv.weight
    hidden = (weight * patch).sum(dim=(1, 2, 3)) + first * conv.bias
    hidden = F.relu(hidden) if relu else hidden
    logits = head.cls_logits.weight[:, :, 0, 0] @ hidden + last * head.cls_logits.bias
    deltas = head.bbox_pred.weight[:, :, 0, 0] @ hidden + last * head.bbox_pred.bias
    return logits, deltas.view(4, -1).T if across else deltas.view(-1, 4)


def test_right_cell() -> None:
    assert check.predictions_of_one_cell(one_cell)


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        ({"relu": False}, "ReLU"),
        ({"first": 0}, "bias"),
        ({"last": 0}, "bias"),
        ({"first": 0, "last": 0}, "bias"),
        ({"turn": True}, "kernel"),
        ({"across": True}, "neighbours"),
    ],
)
def test_wrong_cell(mistake: dict[str, Any], says: str) -> None:
    verdict = check.predictions_of_one_cell(lambda patch, head: one_cell(patch, head, **mistake))
    assert not verdict
    assert says in verdict.message


def test_other_wrong_cells() -> None:
    assert "two tensors" in check.predictions_of_one_cell(lambda patch, head: one_cell(patch, head)[0]).message
    assert (
        "not those" in check.predictions_of_one_cell(lambda patch, head: [2 * v for v in one_cell(patch, head)]).message
    )
    logits_only = check.predictions_of_one_cell(
        lambda patch, head: (one_cell(patch, head)[0], 2 * one_cell(patch, head)[1])
    )
    assert "logits are right" in logits_only.message
