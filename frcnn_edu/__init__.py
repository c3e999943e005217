"""Faster R-CNN with a feature pyramid, step by step, with torchvision's numbers.

The names below are torchvision's, and so are their arguments: code written for
`torchvision.models.detection` runs on them.
"""

from . import model, ops
from .model import *  # noqa: F403
from .model.fast import run_as, set_exact
from .ops import *  # noqa: F403

__version__ = "0.1.0"

__all__ = [*model.__all__, *ops.__all__, "run_as", "set_exact"]
