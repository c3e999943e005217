"""Explorers to put a hand on: one function opens one. `from frcnn_edu.lessons import explore`.

All of them open with the course's image and the shipped model. They take other ones by name: `image`, float (3, H, W) in 0–1, with
its `target` (a dict of "boxes" (N, 4) xyxy in pixels and "labels" (N,)); `model`, a `FasterRCNN` with five levels, and
`classes`, its names by label; `object`, the index of the object to follow.
"""

from collections.abc import Callable
from typing import Any

from . import EXPLORER_NAMES
from .base_anchors.explorer import BaseAnchorsExplorer
from .board.explorer import Explorer
from .box_coding.explorer import BoxCodingExplorer
from .box_head.explorer import DetectionsExplorer
from .fpn.explorer import FpnLevelsExplorer
from .iou_labeling.explorer import IouLabelingExplorer
from .level_mapper.explorer import LevelMapperExplorer
from .proposals.explorer import ProposalsExplorer
from .roi_align.explorer import RoiAlignExplorer
from .story import Story, story, tell
from .stride_grid.explorer import StrideGridExplorer
from .the_whole_network.explorer import WholePathExplorer


def whole_path(**picture: Any) -> Explorer:
    """Choose an object: what does each stage make of it?"""
    return WholePathExplorer(_subject(**picture))


def fpn_levels(**picture: Any) -> Explorer:
    """A level, a channel: what comes from the side, and what from above?"""
    return FpnLevelsExplorer(_subject(**picture))


def base_anchors(**picture: Any) -> Explorer:
    """Sizes, ratios, rounding: what becomes of the fifteen boxes?"""
    return BaseAnchorsExplorer(_subject(**picture))


def stride_grid(**picture: Any) -> Explorer:
    """A level, a cell: where do its anchors stand?"""
    return StrideGridExplorer(_subject(**picture))


def box_coding(**picture: Any) -> Explorer:
    """Drag an anchor and a box: which four numbers lead from the one to the other?"""
    return BoxCodingExplorer(_subject(**picture))


def iou_labeling(**picture: Any) -> Explorer:
    """Drag a ground-truth box, move the thresholds: which anchor learns it?"""
    return IouLabelingExplorer(_subject(**picture))


def proposals(**picture: Any) -> Explorer:
    """Sift the moved anchors: how many survive each step, and who drops whom?"""
    return ProposalsExplorer(_subject(**picture))


def level_mapper(**picture: Any) -> Explorer:
    """Drag a box: which map is it read from?"""
    return LevelMapperExplorer(_subject(**picture))


def roi_align(**picture: Any) -> Explorer:
    """Drag a box: which points of its map are read, with which weights?"""
    return RoiAlignExplorer(_subject(**picture))


def detections(**picture: Any) -> Explorer:
    """Thresholds of score and NMS: which detections are right, which objects are missed?"""
    return DetectionsExplorer(_subject(**picture))


#: All explorers by name, in the order of the lessons.
EXPLORERS: dict[str, Callable[..., Explorer]] = {name: globals()[name] for name in EXPLORER_NAMES}


NAMES = ("image", "target", "model", "classes", "object")


def _subject(**picture: Any) -> Story:
    """The story of the given image, or the course's.

    Raises:
        TypeError: an argument that there is not.
        ValueError: an image without its target or the reverse; no such object.
    """
    for name in picture.keys() - {*NAMES}:
        raise TypeError(f"an explorer takes {', '.join(NAMES)}; got {name}")
    image, target, model, classes, object = (picture.get(name) for name in NAMES)
    own = story()
    if image is None and target is None and model is None and object is None:
        return own
    if (image is None) != (target is None):
        raise ValueError("give an image together with its target, or neither")
    if image is None or target is None:
        image, target = own.image, own.target
        object = own.object if object is None else object
    return tell(model or own.model, image, target, classes or own.classes, object or 0)
