"""The one switch: which class stands for which, in each of three modes."""

from typing import Any

from torch import nn
from torchvision.ops import Conv2dNormActivation

from ...ops import BalancedPositiveNegativeSampler, BoxCoder, Matcher
from ..anchors import AnchorGenerator
from ..backbone import BackboneWithFPN, IntermediateLayerGetter
from ..fpn import FeaturePyramidNetwork
from ..frozen_batch_norm import FrozenBatchNorm2d
from ..resnet import BasicBlock, Bottleneck, Stage
from ..roi_align import MultiScaleRoIAlign
from ..roi_heads import RoIHeads
from ..rpn import RegionProposalNetwork, RPNHead
from .anchors import ExactAnchorGenerator
from .backbone import FastBackboneWithFPN, FastIntermediateLayerGetter
from .batch_norm import ExactFrozenBatchNorm2d
from .box_coding import ExactBoxCoder
from .cache import forget
from .fpn import ExactFeaturePyramidNetwork
from .matching import ExactMatcher
from .plain import has_own_methods, remember_as_written
from .resnet import ExactStage, FastBasicBlock, FastBottleneck, FastConv2dNormActivation
from .roi_align import ExactMultiScaleRoIAlign, FastMultiScaleRoIAlign
from .roi_heads import ExactRoIHeads
from .rpn import ExactRegionProposalNetwork, FastRegionProposalNetwork
from .sampling import ExactBalancedPositiveNegativeSampler

MODES = ("textbook", "exact", "fast")

#: The textbook's class; one that gives the same to the last bit with less work; one that gives the same up to rounding with
#: much less.
SWAPS: tuple[tuple[type, type, type], ...] = (
    (BackboneWithFPN, BackboneWithFPN, FastBackboneWithFPN),
    (IntermediateLayerGetter, IntermediateLayerGetter, FastIntermediateLayerGetter),
    (Stage, ExactStage, ExactStage),
    (Bottleneck, Bottleneck, FastBottleneck),
    (BasicBlock, BasicBlock, FastBasicBlock),
    (Conv2dNormActivation, Conv2dNormActivation, FastConv2dNormActivation),
    (FrozenBatchNorm2d, ExactFrozenBatchNorm2d, ExactFrozenBatchNorm2d),
    (FeaturePyramidNetwork, ExactFeaturePyramidNetwork, ExactFeaturePyramidNetwork),
    (AnchorGenerator, ExactAnchorGenerator, ExactAnchorGenerator),
    (RegionProposalNetwork, ExactRegionProposalNetwork, FastRegionProposalNetwork),
    (MultiScaleRoIAlign, ExactMultiScaleRoIAlign, FastMultiScaleRoIAlign),
    (RoIHeads, ExactRoIHeads, ExactRoIHeads),
    (BoxCoder, ExactBoxCoder, ExactBoxCoder),
    (Matcher, ExactMatcher, ExactMatcher),
    (BalancedPositiveNegativeSampler, ExactBalancedPositiveNegativeSampler, ExactBalancedPositiveNegativeSampler),
)


def run_as(model: nn.Module, mode: str) -> nn.Module:
    """Lets a model, or a part of one, do its work in one of three ways; returns it.

    "textbook": every class as it is written in `model/` and `ops/`. "exact": the same numbers to the last bit, which are
    torchvision's, with less work. "fast": the same up to rounding, with much less. A `FasterRCNN` is made "fast", or with
    `exact=True` "exact".

    The classes of modules are exchanged by `SWAPS`, and nothing else changes: parameters, hooks, the state dict, an
    optimiser's state stay. What is not in the table stays as it is: a subclass, whatever it overrides, and a custom part. So
    does an object of which a method has been replaced: it does the textbook's work anyway.
    A part that is put into a model later runs as it was made; call `run_as` again.

    Raises:
        ValueError: there is no such mode.
    """
    if mode not in MODES:
        raise ValueError(f"there is no mode {mode!r}; choose one of {', '.join(MODES)}")
    column = MODES.index(mode)
    for module in model.modules():
        forget(module)
        _swap(module, column)
        for helper in vars(module).values():  # such as a matcher, which is no module
            _swap(helper, column)
    return model


def set_exact(model: nn.Module, exact: bool = True) -> nn.Module:
    """`run_as(model, "exact")`, or with `exact=False` `run_as(model, "fast")`."""
    return run_as(model, "exact" if exact else "fast")


def _swap(thing: Any, column: int) -> None:
    row = _ROWS.get(type(thing))
    if row is not None and not has_own_methods(thing):
        thing.__class__ = row[column]


_ROWS = {cls: row for row in SWAPS for cls in row}
for _row in (*SWAPS, (RPNHead,), (nn.Conv2d,), (nn.ReLU,), (nn.Sequential,)):
    remember_as_written(*_row)
