"""The explorer of this lesson: state → compute → draw."""

from .explorer import RoiAlignExplorer

__all__ = ["RoiAlignExplorer"]
