"""Values that are computed once more for the backward pass."""

import weakref
from contextlib import nullcontext

import pytest
import torch

from frcnn_edu.model.fast import recomputation
from frcnn_edu.model.fast.recomputation import Recomputed


def test_what_is_computed_again_is_not_held_for_the_backward_pass() -> None:
    calls = []
    x = torch.tensor([1.0, 2.0], requires_grad=True)

    def double() -> torch.Tensor:
        calls.append(1)
        return x * 2

    for again in (False, True):
        between = double()
        calls.clear()
        with Recomputed(double).instead_of(between) if again else nullcontext():
            y = between**2 + between.exp() - between.exp()  # what exp() gives is another tensor
        alive = weakref.ref(between.untyped_storage())
        del between
        assert (alive() is None) == again
        for _ in range(2):  # backward passes
            assert torch.autograd.grad(y.sum(), x, retain_graph=True)[0].tolist() == [8, 16]
        assert len(calls) == 2 * again


def test_computed_once_for_all_that_want_it_and_then_given_up() -> None:
    calls = []
    x = torch.tensor([3.0], requires_grad=True)
    double = Recomputed(lambda: calls.append(1) or x.detach() * 2)
    between = x * 2
    with double.instead_of(between):
        y = between**2 + between**3
    assert double.wanted == 2
    y.backward()
    assert x.grad.tolist() == [2 * (2 * 6 + 3 * 36)]
    assert len(calls) == 1
    assert double.computed is None


def test_one_inside_the_other() -> None:
    x = torch.tensor([3.0], requires_grad=True)
    outer, inner = x * 2, x * 5
    with Recomputed(lambda: x * 2).instead_of(outer):
        with Recomputed(lambda: x * 5).instead_of(inner):
            y = outer**2 + inner**2
        z = outer**2
    alive = [weakref.ref(tensor.untyped_storage()) for tensor in (outer, inner)]
    del outer, inner
    assert [reference() for reference in alive] == [None, None]
    (y + z).backward()
    assert x.grad.tolist() == [2 * (6 * 2 * 2) + 15 * 2 * 5]


def test_a_parameter_is_there_anyway_and_autocast_would_change_it() -> None:
    weight = torch.ones(2, 2, requires_grad=True)
    with Recomputed(lambda: 1 / 0).instead_of(weight):  # never asked
        (weight**2).sum().backward()
    assert weight.grad.tolist() == [[2, 2], [2, 2]]
    with torch.autocast("cpu", torch.bfloat16):
        y = weight @ weight
        with Recomputed(lambda: 1 / 0).instead_of(y):
            (y**2).sum().backward()


def test_an_error_inside_leaves_nothing_behind() -> None:
    x = torch.ones(1, requires_grad=True) * 2
    with pytest.raises(ZeroDivisionError), Recomputed(lambda: x).instead_of(x):
        1 / 0  # noqa: B018
    with Recomputed(lambda: x).instead_of(x * 1):
        assert len(recomputation._not_held()) == 1
    assert recomputation._not_held() == []
