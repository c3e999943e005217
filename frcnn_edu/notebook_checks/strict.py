"""A pytest plugin that makes nbval strict: `pytest -p frcnn_edu.notebook_checks.strict --nbval notebooks`.

By itself, nbval compares no pictures, and accepts a notebook without outputs, or without an error that a cell
announces. With this plugin, each of them fails. It also runs the checks that cells keep in their metadata. A translated notebook
is not executed if its original is: their code and outputs are the same.
"""

import os
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpec
from nbval.kernel import NbvalKernelspecManager
from nbval.plugin import IPyNbCell

from .kernels import by_fork
from .notebooks import ENVIRONMENT, MAY_DIFFER
from .pictures import TOLERANCE, difference, is_blank, pictures
from .pinned import checks_of
from .twins import repeated


def check(cell: Any) -> None:
    """Check a cell that nbval has run and accepted; raises nbval's own error for what nbval does not check."""
    if cell.options["check_exception"] and not any(output.output_type == "error" for output in cell.test_outputs):
        cell.raise_cell_error("The cell announces an error, but none was raised.")
    if cell.cell.execution_count is None:
        cell.raise_cell_error("The cell was never executed, or its outputs were stripped.")
    run_checks(cell)
    if not cell.options["check"]:
        return
    compare_pictures(cell)


def compare_pictures(cell: Any) -> None:
    """Compare the pictures that were drawn with those in the notebook; raises nbval's own error where they differ."""
    before, now = pictures(cell.cell.outputs), pictures(cell.test_outputs)
    if len(before) != len(now):
        cell.raise_cell_error(f"The notebook has {len(before)} pictures here, but {len(now)} were drawn.")
    may_differ = MAY_DIFFER in cell.cell.source.splitlines()
    for old, new in zip(before, now):
        off = difference(old, new)
        if off > TOLERANCE and (not may_differ or old.shape[1] != new.shape[1]):
            cell.raise_cell_error(f"The picture differs from the notebook's by {off:.1f} of 255 (at most {TOLERANCE}).")
        if is_blank(new):
            cell.raise_cell_error("The picture is blank.")


def run_checks(cell: Any) -> None:
    """Run the checks in a cell's metadata in the notebook's kernel, as if they were at the end of the cell."""
    code = checks_of(cell.cell)
    if not code:
        return
    kernel, timeout = cell.parent.kernel, int(cell.config.option.nbval_cell_timeout)
    sent = kernel.execute_cell_input(code, allow_stdin=False)
    kernel.await_reply(sent, timeout=timeout)
    while True:
        message = kernel.get_message("iopub", timeout=timeout)
        if message["parent_header"].get("msg_id") != sent:
            continue
        content = message["content"]
        if message["msg_type"] == "error":
            error = f"{content['ename']}: {content['evalue']}".rstrip(": ")
            cell.raise_cell_error(f"A check in this cell's metadata failed ({error}):\n{code}")
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            return


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cells of a translated notebook whose code and outputs are those of its original, if that is tested, too."""
    cells = {item: item.path for item in items if isinstance(item, IPyNbCell)}
    again = repeated(set(cells.values()))
    if again:
        config.hook.pytest_deselected(items=[item for item in items if cells.get(item) in again])
        items[:] = [item for item in items if cells.get(item) not in again]


def pytest_configure(config: pytest.Config) -> None:
    """Check every notebook cell again after nbval, and start kernels as when the notebooks were made."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    run, usual_spec = IPyNbCell.runtest, NbvalKernelspecManager.get_kernel_spec
    if getattr(run, "is_strict", False):
        return

    def runtest(cell: Any) -> None:
        if cell.options["skip"]:
            cell.raise_cell_error("A skipped cell checks nothing.")
        run(cell)
        check(cell)

    def get_kernel_spec(manager: NbvalKernelspecManager, name: str) -> KernelSpec:
        return by_fork(usual_spec(manager, name))

    runtest.is_strict = True  # type: ignore[attr-defined]
    IPyNbCell.runtest = runtest
    NbvalKernelspecManager.get_kernel_spec = get_kernel_spec
