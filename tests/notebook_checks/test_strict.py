"""The checks of the notebooks are themselves checked: copies of a real one, broken on purpose, must fail."""

import base64
import io
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_output
from PIL import Image

from frcnn_edu.notebook_checks.notebooks import MAY_DIFFER, read_notebook, write_notebook
from frcnn_edu.notebook_checks.pictures import TOLERANCE, difference, is_blank, pictures
from frcnn_edu.notebook_checks.problems import problems
from frcnn_edu.notebook_checks.strict import compare_pictures

ROOT = Path(__file__).parents[2]
FAULTS: dict[str, Callable[[NotebookNode], None]] = {}


def real_notebook() -> NotebookNode:
    """The beginning of notebook 00, and an exercise with its solution, as they are committed."""
    course = read_notebook(ROOT / "notebooks" / "00_the_whole_network.ipynb")
    wanted = ["title", "setup", "black-box-code", "black-box-picture"]
    course.cells = [cell for cell in course.cells if cell.id in wanted]
    for count, cell in enumerate((cell for cell in course.cells if cell.cell_type == "code"), 1):
        cell.execution_count = count
    return course


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == name)


def fault(plant: Callable[[NotebookNode], None]) -> Callable[[NotebookNode], None]:
    FAULTS[plant.__name__] = plant
    return plant


def exercise(answer: str) -> Callable[[NotebookNode], None]:
    def add(notebook: NotebookNode) -> None:
        output = {"output_type": "execute_result", "execution_count": 4, "metadata": {}, "data": {"text/plain": answer}}
        cell = {"cell_type": "code", "id": "exercise-1", "metadata": {}, "source": "check.it(f)", "outputs": [output]}
        notebook.cells.append(from_dict({**cell, "execution_count": 4}))

    return add


@fault
def changed_number(notebook: NotebookNode) -> None:
    output = cell_of(notebook, "black-box-code").outputs[0]
    assert "0.939" in output.text
    output.text = output.text.replace("0.939", "0.949")


@fault
def picture_of_other_data(notebook: NotebookNode) -> None:
    """The code draws a mirrored image; the notebook still shows the old picture."""
    cell = cell_of(notebook, "black-box-picture")
    assert "(image," in cell.source
    cell.source = cell.source.replace("(image,", "(image.flip(2),")


@fault
def blank_picture(notebook: NotebookNode) -> None:
    data = cell_of(notebook, "black-box-picture").outputs[0].data
    size = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size
    buffer = io.BytesIO()
    Image.new("RGB", size, "white").save(buffer, format="png")
    data["image/png"] = base64.b64encode(buffer.getvalue()).decode()


@fault
def outputs_stripped(notebook: NotebookNode) -> None:
    """As a tool does it that cleans notebooks before they are committed."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


@fault
def picture_removed(notebook: NotebookNode) -> None:
    cell_of(notebook, "black-box-picture").outputs = []


@fault
def announced_error_that_does_not_come(notebook: NotebookNode) -> None:
    cell_of(notebook, "black-box-code").metadata["tags"] = ["raises-exception"]


@fault
def skipped_cell(notebook: NotebookNode) -> None:
    exercise("Not yet. There is no answer yet.")(notebook)
    cell = cell_of(notebook, "exercise-1")
    cell.source = "# NBVAL_SKIP\n" + cell.source


@fault
def stub_that_passes_its_checker(notebook: NotebookNode) -> None:
    """The notebook says "Not yet.", and a checker that lets everything pass now says "Right."."""
    exercise("Not yet. There is no answer yet.")(notebook)
    lenient = "from frcnn_edu.lessons.checking import checker\nchecker(lambda answer: 'So it is.')(print)"
    cell_of(notebook, "exercise-1").source = lenient


# Which cells each fault must make fail. Faults in different cells share a notebook: a kernel takes seconds to start.
BROKEN = {
    "one": {"changed_number": ["black-box-code"], "stub_that_passes_its_checker": ["exercise-1"]},
    "two": {
        "announced_error_that_does_not_come": ["black-box-code"],
        "picture_of_other_data": ["black-box-picture"],
        "skipped_cell": ["exercise-1"],
    },
    "three": {"blank_picture": ["black-box-picture"]},
    "four": {"picture_removed": ["black-box-picture"]},
    "five": {"outputs_stripped": ["setup", "black-box-code", "black-box-picture"]},
}


@pytest.mark.slow
def test_broken_cells_fail_and_sound_ones_pass(tmp_path: Path) -> None:
    assert {name for faults in BROKEN.values() for name in faults} == set(FAULTS)
    cells, broken = {}, set()
    for file, faults in BROKEN.items():
        notebook = real_notebook()
        for name in faults:
            FAULTS[name](notebook)
        write_notebook(notebook, tmp_path / f"{file}.ipynb")
        code = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
        cells |= {(f"{file}.ipynb", f"Cell {number}"): (file, cell) for number, cell in enumerate(code)}
        broken |= {(file, cell) for names in faults.values() for cell in names}
    report = tmp_path / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "frcnn_edu.notebook_checks.strict",
        "--nbval",
        "--nbval-current-env",
    ]
    subprocess.run(
        [*command, "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", f"--junitxml={report}", str(tmp_path)],
        capture_output=True,
        cwd=tmp_path,
    )
    failed, passed = set(), set()
    for case in ET.parse(report).iter("testcase"):
        cell = cells[case.attrib["classname"], case.attrib["name"]]
        sound = case.find("failure") is None and case.find("error") is None
        (passed if sound else failed).add(cell)
    assert failed == broken
    assert passed == set(cells.values()) - broken


def planted(tmp_path: Path, plant: Callable[[NotebookNode], None], folder: str = "notebooks") -> list[str]:
    """The problems of a copy with a fault in it."""
    notebook = real_notebook()
    plant(notebook)
    path = tmp_path / folder / "copy.ipynb"
    write_notebook(notebook, path)
    return problems(path)


def edit(name: str, **changes: object) -> Callable[[NotebookNode], None]:
    return lambda notebook: cell_of(notebook, name).update(from_dict(changes))


def test_the_sound_notebook_has_no_problems(tmp_path: Path) -> None:
    assert planted(tmp_path, lambda notebook: None) == []
    assert planted(tmp_path, exercise("Not yet. There is no answer yet.")) == []
    assert planted(tmp_path, exercise("Right. So it is."), "solutions") == []


@pytest.mark.parametrize(
    ("plant", "problem"),
    [
        (exercise("Right. So it is."), "should begin with 'Not yet.'"),
        (outputs_stripped, "not run from top to bottom"),
        (picture_removed, "has no output"),
        (blank_picture, "a blank picture"),
        (announced_error_that_does_not_come, "use a comment"),
        (edit("black-box-code", source='torch.load("/home/me/model.pt")'), "absolute path in"),
        (edit("title", source=r"See C:\models\mine."), "absolute path in"),
        (edit("title", source="[next](01_nowhere.ipynb)"), "which does not exist"),
        (edit("black-box-code", source="# NBVAL_IGNORE_OUTPUT\nprint(1)"), "a comment below that says why"),
        (edit("black-box-code", metadata={"execution": {"iopub.execute_input": "then"}}), "execution times"),
        (edit("black-box-code", execution_count=7), "execution count 7"),
        (edit("black-box-picture", source="x" * 1_500_001), "bytes are more than"),
        (
            edit("black-box-code", outputs=[{"output_type": "stream", "name": "stderr", "text": "UserWarning"}]),
            "on stderr",
        ),
        (
            edit(
                "black-box-code", outputs=[{"output_type": "stream", "name": "stdout", "text": "<A at 0x7f0011223344>"}]
            ),
            "address of an object",
        ),
        (lambda notebook: notebook.metadata.update(widgets={}), "without state"),
    ],
)
def test_problems_are_seen_without_running(tmp_path: Path, plant: Callable[[NotebookNode], None], problem: str) -> None:
    assert any(problem in found for found in planted(tmp_path, plant))


def test_a_wrong_solution_is_seen(tmp_path: Path) -> None:
    assert any("'Right.'" in found for found in planted(tmp_path, exercise("Not yet. No."), "solutions"))


def png(height: int, width: int, seed: int) -> NotebookNode:
    """An output with a random picture."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    data = {"image/png": base64.b64encode(file.getvalue()).decode()}
    return new_output("display_data", data=data)


@pytest.mark.parametrize(
    ("marked", "now", "told"),
    [
        (False, png(6, 8, seed=0), ""),
        (False, png(6, 8, seed=1), "differs from the notebook's by"),
        (True, png(6, 8, seed=1), ""),
        (True, png(9, 8, seed=1), ""),
        (True, png(6, 9, seed=1), "differs from the notebook's by inf"),
    ],
    ids=["the same", "another", "another, as announced", "a higher one", "a wider one"],
)
def test_a_picture_that_may_differ_is_as_wide_as_before(marked: bool, now: NotebookNode, told: str) -> None:
    def raise_cell_error(error: str) -> None:
        raise AssertionError(error)

    code = new_code_cell(f"{MAY_DIFFER}\nshow()" if marked else "show()", outputs=[png(6, 8, seed=0)])
    cell = SimpleNamespace(cell=code, test_outputs=[now], raise_cell_error=raise_cell_error)
    with pytest.raises(AssertionError, match=told) if told else nullcontext():
        compare_pictures(cell)


def test_difference_of_pictures() -> None:
    (picture,) = pictures(cell_of(real_notebook(), "black-box-picture").outputs)
    assert difference(picture, picture) == 0
    assert not is_blank(picture)
    moved = np.roll(picture, 1, axis=1)
    assert difference(picture, moved) > TOLERANCE
    assert difference(picture, picture[:-1]) == np.inf
    assert is_blank(np.full((4, 4, 3), 200.0))
