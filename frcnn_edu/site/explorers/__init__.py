"""The files that make the explorers on the pages come alive."""

from .write import FOLDER, embedded, write

__all__ = ["FOLDER", "embedded", "write"]
