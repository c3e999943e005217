"""The interactive explorers, one function for each: `from frcnn_edu.lessons import explore`.

They open with the course's image and the shipped model. To use your own, pass keyword arguments: `image`, float (3, H, W) in 0–1, with
its `target` (a dict of "boxes" (N, 4) xyxy in pixels and "labels" (N,)); `model`, a `FasterRCNN` with five levels, and
`classes`, its class names by label; `object`, the index of the object to follow.
"""

from collections.abc import Callable
from typing import Any

from frcnn_edu.words import name_classes

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
from .your_own_data.explorer import AnyBoxExplorer
from .your_own_data.explorer.photograph import photograph
from .your_own_data.explorer.result import without_target


def whole_path(**picture: Any) -> Explorer:
    """Choose an object: what does each of the ten stages do with it?"""
    return WholePathExplorer(_subject(**picture))


def fpn_levels(**picture: Any) -> Explorer:
    """Choose a level and a channel: what does the lateral part add, and what the top-down part?"""
    return FpnLevelsExplorer(_subject(**picture))


def base_anchors(**picture: Any) -> Explorer:
    """Change sizes, ratios and rounding: how do the fifteen boxes change?"""
    return BaseAnchorsExplorer(_subject(**picture))


def stride_grid(**picture: Any) -> Explorer:
    """Choose a level and a cell: where are its anchors?"""
    return StrideGridExplorer(_subject(**picture))


def box_coding(**picture: Any) -> Explorer:
    """Drag an anchor and a box: which four deltas lead from one to the other?"""
    return BoxCodingExplorer(_subject(**picture))


def iou_labeling(**picture: Any) -> Explorer:
    """Drag a ground-truth box, or move the thresholds: which anchors are trained on it?"""
    return IouLabelingExplorer(_subject(**picture))


def proposals(**picture: Any) -> Explorer:
    """From anchors to proposals: how many boxes are left after each step, and which box removes which?"""
    return ProposalsExplorer(_subject(**picture))


def level_mapper(**picture: Any) -> Explorer:
    """Drag a box: which map is it read from?"""
    return LevelMapperExplorer(_subject(**picture))


def roi_align(**picture: Any) -> Explorer:
    """Drag a box: which points of its map are read, with which weights?"""
    return RoiAlignExplorer(_subject(**picture))


def detections(**picture: Any) -> Explorer:
    """Move the thresholds of score and NMS: which detections are correct, which objects are missed?"""
    return DetectionsExplorer(_subject(**picture))


def any_box(**picture: Any) -> Explorer:
    """Drag a box over anything: what does the network say about it? Without arguments, the image is a photograph. An image needs no target here."""
    if not picture:
        return AnyBoxExplorer(photograph())
    image, model, classes = (picture.get(name) for name in ("image", "model", "classes"))
    if image is None or picture.get("target") is not None:
        return AnyBoxExplorer(_subject(**picture))
    _subject(**{name: value for name, value in picture.items() if name != "image"})  # refuses unknown arguments
    own = story()
    return AnyBoxExplorer(without_target(model or own.model, image, _named(classes or own.classes)))


#: All explorers by name, in the order of the lessons.
EXPLORERS: dict[str, Callable[..., Explorer]] = {name: globals()[name] for name in EXPLORER_NAMES}


NAMES = ("image", "target", "model", "classes", "object")


def _subject(**picture: Any) -> Story:
    """The story of the given image, or the course's own.

    Raises:
        TypeError: an unknown argument.
        ValueError: an image without its target or a target without its image; no such object.
    """
    for name in picture.keys() - {*NAMES}:
        raise TypeError(f"an explorer takes {', '.join(NAMES)}; got {name}")
    image, target, model, classes, object = (picture.get(name) for name in NAMES)
    own = story()
    if image is None and target is None and model is None and object is None:
        return own
    if (image is None) != (target is None):
        raise ValueError(
            "an image needs its target, and a target its image: pass the image together with its target, or neither"
        )
    if image is None or target is None:
        image, target = own.image, own.target
        object = own.object if object is None else object
    return tell(model or own.model, image, target, _named(classes or own.classes), object or 0)


def _named(classes: tuple[str, ...]) -> tuple[str, ...]:
    """The same classes, whose names are now known where sentences are shown in another language."""
    name_classes(classes[1:])  # without the background
    return classes
