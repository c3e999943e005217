"""The peak of a process, of this one and of a fresh one."""

import pytest
import torch

from frcnn_edu.benchmark.memory import fixed_bytes, in_a_child, peak_bytes, rise

pytestmark = pytest.mark.skipif(peak_bytes() is None, reason="this system does not tell")

MEGABYTES = 200


def allocate(megabytes: int, threads: list[int]) -> int | None:
    """Runs in the child."""

    def call() -> None:
        for _ in range(3):  # one after the other, so once is what is needed
            torch.ones(megabytes, 250_000)

    assert [torch.get_num_threads()] == threads
    return rise(call)


@pytest.mark.slow
def test_a_peak_in_a_child_is_what_was_allocated_there() -> None:
    torch.ones(3 * MEGABYTES, 250_000)  # here, and over: a child must not inherit this peak
    before = peak_bytes()
    bytes_ = in_a_child(allocate, MEGABYTES, [torch.get_num_threads()])
    assert 0.95 * MEGABYTES < bytes_ / 1e6 < 1.15 * MEGABYTES
    assert peak_bytes() - before < 1e8  # nor this process the child's


def test_trained_weights_count_three_times() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(10, 4), torch.nn.Linear(4, 5).double())
    model[1].requires_grad_(False)
    assert fixed_bytes(model) == 44 * 4 * 3 + 25 * 8
