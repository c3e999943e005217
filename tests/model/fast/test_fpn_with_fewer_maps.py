"""A pyramid whose finest sum is made twice: it is not held for the backward pass."""

import weakref

import pytest
import torch
from torch import Tensor, nn

from frcnn_edu import FeaturePyramidNetwork, run_as

SIZES = ((32, 24, 25), (64, 12, 13), (48, 6, 7))  # channels, height and width, finest first


def sums_held(fpn: nn.Module) -> list[bool]:
    """Of the sums of lateral and top-down, finest first: is it still there when the backward pass begins?"""
    sums: dict[int, weakref.ref] = {}

    def note(level: int) -> None:
        def remember(block: nn.Module, inputs: tuple[Tensor]) -> None:
            sums[level] = weakref.ref(inputs[0].untyped_storage())

        fpn.layer_blocks[level].register_forward_pre_hook(remember)

    for level in range(len(SIZES)):
        note(level)
    outputs = fpn({str(k): torch.randn(1, *size, requires_grad=True) for k, size in enumerate(SIZES)})
    held = [sums[level]() is not None for level in range(len(SIZES))]
    sum(out.sum() for out in outputs.values()).backward()
    return held


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_the_finest_sum_is_not_held(mode: str) -> None:
    channels = [size[0] for size in SIZES]
    assert sums_held(FeaturePyramidNetwork(channels, 16)) == [True] * 3
    assert sums_held(run_as(FeaturePyramidNetwork(channels, 16), mode)) == [False, True, True]


def test_a_pyramid_that_counts_its_batches_holds_all() -> None:
    fpn = run_as(FeaturePyramidNetwork([size[0] for size in SIZES], 16, norm_layer=nn.BatchNorm2d), "fast")
    assert sums_held(fpn) == [True] * 3
    assert {int(norm.num_batches_tracked) for norm in fpn.modules() if isinstance(norm, nn.BatchNorm2d)} == {1}
