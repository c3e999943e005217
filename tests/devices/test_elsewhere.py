"""The pretended device by itself: would it see a mistake?"""

import pytest
import torch
from elsewhere import Elsewhere, MixedDevices, elsewhere
from torch import nn


def test_it_computes_and_says_where() -> None:
    with elsewhere("cuda") as device:
        x = torch.arange(6.0, device=device).view(2, 3)
        y = (x @ x.T + torch.ones(2, 2).to(device)).relu_()
        assert isinstance(y, Elsewhere)
        assert y.device == torch.device("cuda:0")
        assert y.cpu().device.type == "cpu"
        assert y.tolist() == y.cpu().tolist() == [[6, 15], [15, 51]]
        assert torch.where(x > 2)[1].tolist() == [0, 1, 2]
        assert y.new_zeros(2).device == y.device == torch.zeros(1, device="cuda:0").device == x[0, 1:].device
        assert int(y[0, 0]) == 6


def test_writing_into_a_view_writes_into_the_whole() -> None:
    with elsewhere("cuda") as device:
        x = torch.zeros(2, 2, device=device)
        before = x._version
        x[0].add_(1)
        x[1, 1] = 5
        assert x.tolist() == [[1, 1], [0, 5]]
        assert x._version > before
        assert x[0].untyped_storage() is x.untyped_storage()


def test_gradients_and_modules() -> None:
    with elsewhere("mps") as device:
        model = nn.Linear(3, 1).to(device)
        model(torch.ones(2, 3, device=device)).sum().backward()
        assert model.weight.device == model.weight.grad.device == device
        assert model.weight.grad.tolist() == [[2, 2, 2]]
        assert model.cpu().weight.device.type == "cpu"


@pytest.mark.parametrize(
    "mistake",
    [
        lambda x: x + torch.zeros(3),
        lambda x: torch.cat((x, torch.zeros(3))),
        lambda x: x[torch.tensor([0, 1])],
        lambda x: torch.zeros(3)[x.long()],
        lambda x: x.gather(0, torch.tensor([0])),
        lambda x: torch.zeros(3).add_(x),
        lambda x: x @ torch.zeros(3),
        lambda x: torch.stack((x[0], torch.tensor(1.0))),  # a single number, but not in arithmetic
    ],
)
def test_mixing_is_refused(mistake) -> None:
    with elsewhere("cuda") as device:
        x = torch.ones(3, device=device)
        with pytest.raises(MixedDevices, match="on the CPU"):
            mistake(x)


def test_a_single_number_may_come_from_the_cpu() -> None:
    with elsewhere("cuda") as device:
        assert (torch.ones(2, device=device) * torch.tensor(3.0)).tolist() == [3, 3]


def test_mps_has_no_float64() -> None:
    with elsewhere("mps") as device:
        for make in (torch.zeros(1).double().to, lambda where: torch.zeros(1, device=where).double()):
            with pytest.raises(TypeError, match="float64"):
                make(device)
    with elsewhere("cuda") as device:
        assert torch.zeros(1, device=device).double().dtype == torch.float64
