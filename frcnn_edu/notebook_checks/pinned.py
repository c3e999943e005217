"""Assertions that only pin a number, kept out of the reader's way: in the metadata of the cell that they follow.

    "metadata": {"frcnn_edu": {"checks": ["assert len(proposals) == 300"]}}

They are run right after their cell, in its kernel, when a notebook is executed and when the strict plugin tests it.
"""

from typing import Any

from nbformat import NotebookNode


def checks_of(cell: Any) -> str:
    """The code of a cell's checks; empty if it has none."""
    return "\n".join(cell.metadata.get("frcnn_edu", {}).get("checks", []))


def with_checks(notebook: NotebookNode) -> NotebookNode:
    """A copy in which each cell's checks are a code cell after it."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if checks_of(cell):
            cells.append(_check_cell(cell))
    return NotebookNode({**notebook, "cells": cells})


def without_checks(notebook: NotebookNode) -> NotebookNode:
    """The reverse of `with_checks`, with code cells counted as if their checks had never been there."""
    cells = [cell for cell in notebook.cells if not _is_check(cell)]
    for count, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), 1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return NotebookNode({**notebook, "cells": cells})


def _check_cell(cell: Any) -> NotebookNode:
    blank: dict[str, Any] = {"cell_type": "code", "id": f"{cell.id}-checks", "execution_count": None, "outputs": []}
    return NotebookNode({**blank, "metadata": NotebookNode(check=True), "source": checks_of(cell)})


def _is_check(cell: Any) -> bool:
    return bool(cell.metadata.get("check"))
