"""The explorer of this lesson: state → compute → draw."""

from .explorer import BaseAnchorsExplorer

__all__ = ["BaseAnchorsExplorer"]
