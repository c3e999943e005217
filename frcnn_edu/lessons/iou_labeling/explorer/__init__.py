"""The explorer of this lesson: state → compute → draw."""

from .explorer import IouLabelingExplorer

__all__ = ["IouLabelingExplorer"]
