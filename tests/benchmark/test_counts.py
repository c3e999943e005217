"""Functions of which it is known how many kernels and synchronisations they have."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from frcnn_edu.benchmark.counts import count

X = torch.arange(12.0).reshape(3, 4)
MASK = X > 5
BOXES = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
TIMES = torch.tensor([1, 2, 3])


@pytest.mark.parametrize(
    ("step", "synchronisations", "kernels"),
    [
        (lambda: X.sum().item(), ["_local_scalar_dense"], ["sum"]),
        (lambda: bool((X > 3).any()), ["_local_scalar_dense"], ["gt", "any"]),
        (lambda: (X + 1).tolist(), ["tolist"], ["add"]),
        (lambda: X.sum().tolist(), ["tolist"], ["sum"]),  # one number: no second synchronisation
        (lambda: X.cpu().tolist(), ["cpu"], []),
        (lambda: torch.where(MASK), ["nonzero"], ["nonzero"]),
        (lambda: X[MASK], ["index"], ["index"]),
        (lambda: X[TIMES - 1], [], ["index", "sub"]),
        (lambda: X.masked_select(MASK), ["masked_select"], ["masked_select"]),
        (lambda: torch.zeros(3, 4).__setitem__(MASK, 0.0), [], ["zeros", "index_put_"]),  # PyTorch fills
        (lambda: torch.zeros(3, 4).__setitem__(MASK, X[0, :2].repeat(3)), ["index_put_"], None),
        (lambda: X.unique(), ["_unique2"], ["_unique2"]),
        (lambda: TIMES.bincount(), ["bincount"], ["bincount"]),
        (lambda: torch.equal(X, X + 1), ["equal"], ["add", "equal"]),
        (lambda: torchvision.ops.nms(BOXES, BOXES[:, 0], 0.5), ["nms"], ["nms"]),
        (lambda: X[:, 0].repeat_interleave(TIMES), ["repeat_interleave"], None),
        (lambda: MASK.nonzero_static(size=6), [], ["nonzero_static"]),  # the length is known
    ],
)
def test_synchronisations(step: Callable[[], Any], synchronisations: list[str], kernels: list[str] | None) -> None:
    counts = count(step)
    assert counts.synchronisations_by_name == Counter(synchronisations)
    if kernels is not None:
        assert counts.kernels_by_name == Counter(kernels)


def test_views_and_unwritten_memory_are_no_kernels() -> None:
    def step() -> None:
        X.t().reshape(2, 6)[0].unsqueeze(0).expand(3, -1).flatten(0, 0).split(2)  # t().reshape: one copy
        X.detach().view(-1).unbind()
        X.new_empty(5), torch.empty_like(X), torch.tensor(1.0)

    assert count(step).kernels_by_name == Counter(["clone"])


def test_the_backward_pass_is_seen() -> None:
    layer = nn.Conv2d(2, 3, 1)
    x = torch.rand(1, 2, 4, 4)

    def step() -> None:
        layer(x).relu().sum().backward()

    kernels = count(step).kernels_by_name
    assert kernels["convolution"] == kernels["convolution_backward"] == kernels["threshold_backward"] == 1
    assert count(step).synchronisations == 0


def test_totals() -> None:
    counts = count(lambda: [X.sum().item(), (X + 1).tolist()])
    assert (counts.synchronisations, counts.kernels) == (2, 2)
    assert counts.to_dict() == {
        "synchronisations": 2,
        "kernels": 2,
        "synchronisations_by_name": {"_local_scalar_dense": 1, "tolist": 1},
        "kernels_by_name": {"sum": 1, "add": 1},
    }
