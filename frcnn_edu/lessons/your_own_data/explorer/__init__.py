"""The explorer of this lesson: state → compute → draw."""

from .explorer import AnyBoxExplorer

__all__ = ["AnyBoxExplorer"]
