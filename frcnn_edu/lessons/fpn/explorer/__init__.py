"""The explorer of this lesson: state → compute → draw."""

from .explorer import FpnLevelsExplorer

__all__ = ["FpnLevelsExplorer"]
