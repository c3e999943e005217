"""Pictures to put a hand on: one function opens one explorer. `from frcnn_edu.viz import explore`."""

from typing import Any

from torch import Tensor

from ..model import FasterRCNN
from .explorers.base_anchors import BaseAnchorsExplorer
from .explorers.box_coding import BoxCodingExplorer
from .explorers.explorer import Explorer
from .explorers.fpn_levels import FpnLevelsExplorer
from .explorers.iou_labeling import IouLabelingExplorer
from .explorers.level_mapper import LevelMapperExplorer
from .explorers.stride_grid import StrideGridExplorer
from .explorers.whole_path import WholePathExplorer
from .story import Story, story, tell


def base_anchors(**picture: Any) -> Explorer:
    """Sizes, ratios, rounding: what becomes of the fifteen boxes?"""
    return BaseAnchorsExplorer(_subject(**picture))


def stride_grid(**picture: Any) -> Explorer:
    """A level, a cell: where do its anchors stand?"""
    return StrideGridExplorer(_subject(**picture))


def fpn_levels(**picture: Any) -> Explorer:
    """A level, a channel: what comes from the side, and what from above?"""
    return FpnLevelsExplorer(_subject(**picture))


def level_mapper(**picture: Any) -> Explorer:
    """Drag a box: which map is it read from?"""
    return LevelMapperExplorer(_subject(**picture))


def _subject(
    image: Tensor | None = None,
    target: dict[str, Any] | None = None,
    model: FasterRCNN | None = None,
    classes: tuple[str, ...] | None = None,
    object: int = 0,
) -> Story:
    if image is None and target is None and model is None:
        return story()
    if image is None or target is None:
        raise ValueError("give an image together with its target, or neither")
    return tell(model or story().model, image, target, classes or story().classes, object)


def iou_labeling(**picture: Any) -> Explorer:
    """Drag a true box, move the thresholds: which anchor learns it?"""
    return IouLabelingExplorer(_subject(**picture))


def box_coding(**picture: Any) -> Explorer:
    """Drag an anchor and a box: which four numbers lead from the one to the other?"""
    return BoxCodingExplorer(_subject(**picture))


def whole_path(**picture: Any) -> Explorer:
    """Choose an object: what does each stage make of it?"""
    return WholePathExplorer(_subject(**picture))
