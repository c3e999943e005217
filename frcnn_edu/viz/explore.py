"""Pictures to put a hand on: one function opens one explorer. `from frcnn_edu.viz import explore`."""

from typing import Any

from torch import Tensor

from ..model import FasterRCNN
from .explorers.explorer import Explorer
from .explorers.level_mapper import LevelMapperExplorer
from .story import Story, story, tell


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
