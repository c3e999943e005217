"""The files that make the explorers on the pages come alive."""

from .write import FOLDER, write

__all__ = ["FOLDER", "write"]
