"""Values that are kept, and values that are not (more of the former in test_fast_conv.py)."""

import copy
import weakref

import torch

from frcnn_edu.model.kept import Kept, computed_again_for_backward


def test_computed_anew_only_when_something_changed() -> None:
    calls = []
    kept, tensor = Kept(), torch.ones(3)

    def double() -> torch.Tensor:
        calls.append(1)
        return tensor * 2

    first = kept(double, tensor, also="a")
    assert kept(double, tensor, also="a") is first
    assert kept(double, tensor, also="b") is not first
    tensor += 1
    assert kept(double, tensor, also="b").tolist() == [4, 4, 4]
    assert len(calls) == 3
    assert copy.deepcopy(kept).value is None


def test_what_is_computed_again_is_not_held_for_the_backward_pass() -> None:
    calls = []
    x = torch.tensor([1.0, 2.0], requires_grad=True)

    def double() -> torch.Tensor:
        calls.append(1)
        return x * 2

    for again in (False, True):
        between = double()
        calls.clear()
        if again:
            with computed_again_for_backward(between, double):
                y = between**2
        else:
            y = between**2
        alive = weakref.ref(between.untyped_storage())
        del between
        assert (alive() is None) == again
        assert torch.autograd.grad(y.sum(), x)[0].tolist() == [8, 16]
        assert len(calls) == again


def test_a_parameter_is_there_anyway() -> None:
    weight = torch.ones(2, requires_grad=True)
    with computed_again_for_backward(weight, lambda: 1 / 0):  # never asked
        y = (weight**2).sum()
    y.backward()
    assert weight.grad.tolist() == [2, 2]
