"""The explorer of this lesson: state → compute → draw."""

from .explorer import LevelMapperExplorer

__all__ = ["LevelMapperExplorer"]
