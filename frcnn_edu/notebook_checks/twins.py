"""A notebook and its translation: their code cells and outputs are the same, so one of them has to be executed and not both."""

import json
from collections.abc import Iterable
from pathlib import Path

from nbformat import NotebookNode

from .notebooks import read_notebook


def same_code(original: NotebookNode, translation: NotebookNode) -> bool:
    """Whether two notebooks have the same code cells, outputs and metadata, byte for byte, and markdown cells at the same places."""
    return _essence(original) == _essence(translation)


def repeated(notebooks: Iterable[Path]) -> set[Path]:
    """Those among some notebooks whose code and outputs are those of another one: of `03_fpn.ipynb` for `zh/03_fpn.ipynb`."""
    there = set(notebooks)
    return {path for path in there for original in _originals(path) & there if _same(original, path)}


def _originals(path: Path) -> set[Path]:
    """The same path without one of its folders."""
    *folders, name = path.parts
    return {Path(*folders[:i], *folders[i + 1 :], name) for i in range(1, len(folders))}


def _same(original: Path, path: Path) -> bool:
    return same_code(read_notebook(original), read_notebook(path))


def _essence(notebook: NotebookNode) -> str:
    cells = [{**cell, "source": ""} if cell.cell_type == "markdown" else cell for cell in notebook.cells]
    return json.dumps({**notebook, "cells": cells}, sort_keys=True)
