"""How often a step synchronises CPU and GPU and how many kernels it starts: nothing of it depends on the machine.

ResNet-50 with a pyramid, two images of 128 pixels with 20 objects each, as on a GPU. (docs/speed.md has the numbers of 400 pixels: 17
kernels fewer in training, and the same synchronisations.) torchvision's numbers, counted in the same way, are beside ours. (The synchronisations on a CPU
are in test_command.py.)
"""

import pytest

from frcnn_edu.benchmark import as_on_a_gpu, count, make_pair
from frcnn_edu.benchmark.models import images_of
from frcnn_edu.benchmark.steps import Step

pytestmark = pytest.mark.slow
SIZE = 128


@pytest.fixture(scope="module")
def pair():
    return make_pair(SIZE, images_of(SIZE, 2))


@pytest.mark.parametrize(
    ("boxes", "synchronisations", "most_kernels", "their_least_synchronisations", "their_least_kernels"),
    [(None, 12, 400, 16, 850), (20, 9, 818, 29, 1280)],
    ids=["detecting", "training"],
)
def test_synchronisations_and_kernels(
    pair,
    boxes: int | None,
    synchronisations: int,
    most_kernels: int,
    their_least_synchronisations: int,
    their_least_kernels: int,
) -> None:
    with as_on_a_gpu():
        steps = [Step(SIZE, 2, boxes).of(model, update=False) for model in pair]
        steps[0]()  # what is kept from one step to the next is made
        ours, theirs = map(count, steps)
    assert ours.synchronisations == synchronisations
    assert ours.kernels <= most_kernels
    assert theirs.synchronisations >= their_least_synchronisations
    assert theirs.kernels >= their_least_kernels
