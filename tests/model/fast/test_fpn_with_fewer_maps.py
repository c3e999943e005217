"""A pyramid whose finest sum is made twice: it is not held for the backward pass."""

import weakref
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from frcnn_edu import FeaturePyramidNetwork, run_as

SIZES = ((32, 24, 25), (64, 12, 13), (48, 6, 7))  # channels, height and width, finest first


def sums_held(fpn: nn.Module) -> list[bool]:
    """Of the sums of lateral and top-down, finest first: is it still there when the backward pass begins?"""
    sums: list[weakref.ref] = []

    class Watch(TorchFunctionMode):  # a hook would be noticed, and nothing would be made twice
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is F.conv2d and args[1].shape[-1] == 3:
                sums.insert(0, weakref.ref(args[0].untyped_storage()))
            return func(*args, **(kwargs or {}))

    with Watch():
        outputs = fpn({str(k): torch.randn(1, *size, requires_grad=True) for k, size in enumerate(SIZES)})
    held = [each() is not None for each in sums]
    sum(out.sum() for out in outputs.values()).backward()
    assert len(held) == len(SIZES)
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
