"""The explorer of this lesson: state → compute → draw."""

from .explorer import BoxCodingExplorer

__all__ = ["BoxCodingExplorer"]
