"""The switch between three modes: which class replaces which."""

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

#: The textbook's class; one whose results are equal to the last bit, with less work; one whose
#: results are equal up to rounding, with much less work.
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
    """Switches a model, or a part of one, to one of three modes; returns it.

    "textbook": every class as written in `model/` and `ops/`. "exact": the same results to the last bit (which are
    torchvision's) with less work. "fast": the same results up to rounding, with much less work. A new `FasterRCNN` is
    "fast", or "exact" if `exact=True`.

    The classes of modules are exchanged according to `SWAPS`. Nothing else changes: parameters, hooks, the state dict and
    the optimizer's state stay. Subclasses and custom parts are not in the table and stay as they are. So does an object with
    a replaced method, which runs the textbook's code anyway. A part added to a model later keeps its own mode until `run_as`
    is called again.

    Raises:
        ValueError: there is no such mode.
    """
    if mode not in MODES:
        raise ValueError(f"there is no mode {mode!r}; choose one of {', '.join(MODES)}")
    column = MODES.index(mode)
    for module in model.modules():
        forget(module)
        _swap(module, column)
        for helper in vars(module).values():  # such as a matcher, which is not a module
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
