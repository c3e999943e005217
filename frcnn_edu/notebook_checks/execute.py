"""Executing the notebooks so that a second run gives the same files, byte for byte."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from .find import find_notebooks
from .notebooks import ENVIRONMENT, read_notebook, sanitized, sanitizers, write_notebook
from .pinned import with_checks, without_checks

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}
TIMEOUT = 900  # seconds per cell


def execute_all(folder: Path, names: list[str] | None = None) -> Iterator[tuple[Path, bool]]:
    """Execute notebooks in place; yields each one's path, and whether its file changed.

    Args:
        names: beginnings of file names; by default all notebooks are executed, the solutions too.

    Raises:
        ValueError: a cell raised an error (the file stays as it was), or there is no such notebook.
    """
    for path in find_notebooks(folder, names):
        before = path.read_bytes()
        write_notebook(execute(read_notebook(path), path, sanitizers(path.parent)), path)
        yield path, path.read_bytes() != before


def execute(notebook: NotebookNode, path: Path, patterns: list) -> NotebookNode:
    """The notebook with new outputs, and without anything that would differ in another run.

    An output that differs only in what is sanitised, a time for example, stays as it was.
    """
    done = with_checks(nbformat.from_dict({**notebook, "metadata": METADATA}))
    client = NotebookClient(
        done,
        timeout=TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=40"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env={**os.environ, **ENVIRONMENT})
    except CellExecutionError as error:
        raise ValueError(f"{path.name}: {error}") from error
    done = without_checks(done)
    for cell, earlier in zip(done.cells, notebook.cells):
        if cell.cell_type == "code":
            cell.outputs = _merged(cell.outputs)
            if _essence(cell.outputs, patterns) == _essence(earlier.outputs, patterns):
                cell.outputs = earlier.outputs
    return _with_steady_ids(nbformat.from_dict(done))


def _merged(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join what was printed, which arrives in pieces: consecutive outputs of one stream become one."""
    merged: list[NotebookNode] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def _essence(outputs: list[NotebookNode], patterns: list) -> str:
    return sanitized(json.dumps(outputs, sort_keys=True), patterns)


def _with_steady_ids(notebook: NotebookNode) -> NotebookNode:
    """Replace the random ids of widgets by numbers, in the order of creation."""
    state = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state")
    if not state:
        notebook.metadata.pop("widgets", None)  # without their state they would keep a page from showing at all
        return notebook
    text = nbformat.writes(notebook)
    for number, name in enumerate(state):
        text = text.replace(name, f"{number:032d}")
    return nbformat.reads(text, as_version=4)
