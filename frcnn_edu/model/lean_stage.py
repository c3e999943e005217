"""A stage of a deep ResNet that holds fewer maps for the backward pass."""

from contextlib import nullcontext
from functools import partial
from typing import Any

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from .frozen_batch_norm import FrozenBatchNorm2d
from .kept import Again


class LeanStage(nn.Sequential):
    """Bottlenecks one after another: relu(x + W₃ · inside(x)), where the maps inside have a quarter of x's channels.

    Of the largest maps, the blocks' outputs, all but the first and the last are made again for the backward pass, from what
    is inside: a 1×1 convolution of it, the cheapest there is.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The map before the stage → the one after it."""
        blocks: list[Any] = list(self)
        first, *middle, last = blocks
        x = first(x)
        again: Again | None = None  # how to make x
        for block in middle:
            with again.instead_of(x) if again else nullcontext():
                inside = _inside(block, x)
            y = _sum(block, inside, x)
            again = Again(partial(_output, block, inside, again or x))
            with again.instead_of(y):
                x = block.relu(y)
        with again.instead_of(x) if again else nullcontext():
            return last(x)


def _inside(block: Any, x: Tensor) -> Tensor:
    narrow = block.relu(block.bn1(block.conv1(x)))
    return block.relu(block.bn2(block.conv2(narrow)))


def _sum(block: Any, inside: Tensor, x: Tensor) -> Tensor:
    y = block.bn3(block.conv3(inside))
    y += x
    return y


def _output(block: Any, inside: Tensor, x: Tensor | Again) -> Tensor:
    return block.relu(_sum(block, inside, x.value() if isinstance(x, Again) else x))


def use_lean_stages(body: nn.ModuleDict) -> None:
    """Puts a `LeanStage` in the place of each stage of more than three bottlenecks; shorter ones have small maps.

    BatchNorm has to be frozen: one that learns may not be asked twice.
    """
    for name, stage in body.items():
        blocks = list(stage.children())
        if len(blocks) > 3 and all(type(b) is Bottleneck and isinstance(b.bn3, FrozenBatchNorm2d) for b in blocks):
            body[name] = LeanStage(*blocks)
