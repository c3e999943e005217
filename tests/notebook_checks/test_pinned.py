"""Checks in a cell's metadata are run after their cell, and leave no trace in the notebook."""

from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from frcnn_edu.notebook_checks.execute import execute_all
from frcnn_edu.notebook_checks.notebooks import read_notebook, write_notebook
from frcnn_edu.notebook_checks.pinned import checks_of, with_checks, without_checks


def notebook_with(*checks: str) -> NotebookNode:
    first = new_code_cell("a = 3\na", id="first", metadata={"frcnn_edu": {"checks": list(checks)}})
    cells = [new_markdown_cell("# A", id="title"), first, new_code_cell("print(a + 1)", id="second")]
    return new_notebook(cells=cells)


def test_a_cells_checks_are_the_lines_in_its_metadata() -> None:
    title, first, second = notebook_with("b = a", "assert b == 3").cells
    assert [checks_of(cell) for cell in (title, first, second)] == ["", "b = a\nassert b == 3", ""]


def test_checks_become_cells_and_go_again() -> None:
    notebook = notebook_with("assert a == 3")
    inserted = with_checks(notebook)
    assert [cell.source for cell in inserted.cells] == ["# A", "a = 3\na", "assert a == 3", "print(a + 1)"]
    assert [cell.id for cell in without_checks(inserted).cells] == ["title", "first", "second"]
    assert len(notebook.cells) == 3


@pytest.mark.slow
def test_checks_are_run_and_do_not_count_as_cells(tmp_path: Path) -> None:
    path = tmp_path / "00_a.ipynb"
    write_notebook(notebook_with("assert a == 3"), path)
    assert [changed for _, changed in execute_all(tmp_path)] == [True]
    first, second = read_notebook(path).cells[1:]
    assert (first.execution_count, second.execution_count) == (1, 2)
    assert first.outputs[0].execution_count == 1
    assert second.outputs[0].text == "4\n"
    assert checks_of(first) == "assert a == 3"


@pytest.mark.slow
def test_a_check_that_fails_stops_the_execution(tmp_path: Path) -> None:
    path = tmp_path / "00_a.ipynb"
    write_notebook(notebook_with("assert a == 4"), path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="assert a == 4"):
        list(execute_all(tmp_path))
    assert path.read_bytes() == before
