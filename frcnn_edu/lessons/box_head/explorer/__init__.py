"""The explorer of this lesson: state → compute → draw."""

from .explorer import DetectionsExplorer

__all__ = ["DetectionsExplorer"]
