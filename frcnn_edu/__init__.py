"""Faster R-CNN with a feature pyramid, step by step, with torchvision's numbers.

The names below are torchvision's, and so are their arguments: code written for
`torchvision.models.detection` runs on them.
"""

from typing import TYPE_CHECKING

from .lazy import lazily, public_names

if TYPE_CHECKING:
    from . import data as data
    from . import lessons as lessons
    from . import model as model
    from . import ops as ops
    from . import training as training
    from . import viz as viz
    from . import watch as watch
    from .model import *  # noqa: F403
    from .model.fast import run_as as run_as
    from .model.fast import set_exact as set_exact
    from .ops import *  # noqa: F403
else:  # the same, each imported when it is first used
    __getattr__, __dir__ = lazily(__name__, __file__)
    __all__ = public_names(__file__)

__version__ = "0.1.0"
