"""Residual blocks whose norms are folded into their convolutions, and stages that save fewer maps for the backward pass."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace
from typing import Any

from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from ..frozen_batch_norm import FrozenBatchNorm2d
from ..resnet import BasicBlock, Bottleneck, Stage
from .batch_norm import ExactFrozenBatchNorm2d
from .convolution import conv_norm, run_in_order, scaled_convolution
from .plain import is_overridden, is_plain
from .recomputation import Recomputed, may_hold_less

SHORT = 3  # blocks: a stage this short gains nothing from recomputation


class FastConv2dNormActivation(Conv2dNormActivation):
    """torchvision's sequence of convolution, norm and activation, with the first two combined."""

    def forward(self, x: Tensor) -> Tensor:
        if is_overridden(self):
            return super().forward(x)
        return run_in_order(self, x)


class FastBasicBlock(BasicBlock):
    """Each norm is taken together with the convolution before it."""

    def forward(self, x: Tensor) -> Tensor:
        if is_overridden(self):
            return super().forward(x)
        out = self.relu(conv_norm(self.conv1, self.bn1, x))
        out = conv_norm(self.conv2, self.bn2, out)
        out += shortcut(self, x)
        return self.relu(out)


class FastBottleneck(Bottleneck):
    """Each norm is taken together with the convolution before it."""

    def forward(self, x: Tensor) -> Tensor:
        if is_overridden(self):
            return super().forward(x)
        out = self.relu(conv_norm(self.conv1, self.bn1, x))
        out = self.relu(conv_norm(self.conv2, self.bn2, out))
        out = conv_norm(self.conv3, self.bn3, out)
        out += shortcut(self, x)
        return self.relu(out)


def shortcut(block: Any, x: Tensor) -> Tensor:
    """The shortcut of a block: its input, adapted in size and channels if necessary."""
    if block.downsample is None:
        return x
    return run_in_order(block.downsample, x) if is_plain(block.downsample, nn.Sequential) else block.downsample(x)


class ExactStage(Stage):
    """Bottlenecks one after another: relu(x + W₃ · inside(x)), where the inner maps have a quarter of x's channels.

    The blocks' outputs are the largest maps. All of them except the first and the last are recomputed in the backward
    pass from the inner maps, by a cheap 1×1 convolution.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The map before the stage → the one after it."""
        blocks: list[Any] = list(self)
        if is_overridden(self) or x.dim() != 4 or not (may_hold_less() and _may_run_twice(blocks)):
            return super().forward(x)
        first, *middle, last = blocks
        x = first(x)
        again: Recomputed | None = None  # the recipe for x
        for block in middle:
            with again.instead_of(x) if again else nullcontext():
                inside = _inside(block, x)
            widen = scaled_convolution if type(block) is FastBottleneck else _convolved_and_scaled
            numbers = (block.conv3.weight, block.conv3.bias, *block.bn3.scale_and_shift())
            y = widen(block.conv3, inside, *numbers)
            y += x
            # Detached, because they may change before the backward pass.
            as_they_are: list[Any] = [None if each is None else each.detach() for each in numbers]
            again = Recomputed(partial(_output, partial(widen, block.conv3, inside, *as_they_are), again or x))
            with again.instead_of(y):
                x = block.relu(y)
        with again.instead_of(x) if again else nullcontext():
            return last(x)


def _may_run_twice(blocks: list[Any]) -> bool:
    """Whether there are enough bottlenecks for a gain, and none has a state that a second call would change.

    (A trainable BatchNorm would count its batches twice.)
    """
    return (
        len(blocks) > SHORT
        and all(is_plain(block, Bottleneck, FastBottleneck) and not is_overridden(block) for block in blocks)
        and all(block.downsample is None for block in blocks[1:])
        and all(
            is_plain(part, nn.Conv2d, nn.ReLU, FrozenBatchNorm2d, ExactFrozenBatchNorm2d)
            for block in blocks
            for name, part in block.named_children()
            if name != "downsample"  # in the first block, which runs once
        )
    )


def _inside(block: Any, x: Tensor) -> Tensor:
    both = conv_norm if type(block) is FastBottleneck else lambda conv, norm, x: norm(conv(x))
    narrow = block.relu(both(block.conv1, block.bn1, x))
    return block.relu(both(block.conv2, block.bn2, narrow))


def _convolved_and_scaled(
    conv: Any, x: Tensor, weight: Tensor, bias: Tensor | None, scale: Tensor, shift: Tensor
) -> Tensor:
    """`scaled_convolution`, with the textbook's rounding."""
    norm: Any = SimpleNamespace(scale_and_shift=lambda: (scale, shift))
    return FrozenBatchNorm2d.forward(norm, conv._conv_forward(x, weight, bias))


def _output(widened: Callable[[], Tensor], x: Tensor | Recomputed) -> Tensor:
    """relu(W₃ · inside + x)."""
    y = widened()
    y += x.value() if isinstance(x, Recomputed) else x
    return y.relu_()
