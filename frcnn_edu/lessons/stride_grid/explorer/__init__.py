"""The explorer of this lesson: state → compute → draw."""

from .explorer import StrideGridExplorer

__all__ = ["StrideGridExplorer"]
