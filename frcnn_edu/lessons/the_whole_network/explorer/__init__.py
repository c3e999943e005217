"""The explorer of this lesson: state → compute → draw."""

from .explorer import WholePathExplorer

__all__ = ["WholePathExplorer"]
