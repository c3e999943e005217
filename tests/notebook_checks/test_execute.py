from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from frcnn_edu.cli import main
from frcnn_edu.notebook_checks.find import find_notebooks
from frcnn_edu.notebook_checks.notebooks import read_notebook, sanitized, sanitizers, write_notebook


def write(path: Path, *sources: str) -> None:
    cells = [new_markdown_cell("# A notebook", id="title")]
    cells += [new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources)]
    write_notebook(new_notebook(cells=cells), path)


@pytest.mark.slow
def test_a_second_run_gives_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "01_one.ipynb"
    (tmp_path / "sanitize.cfg").write_text("regex: \\d+ ns\nreplace: TIME\n")
    write(
        path,
        "import time, os, ipywidgets\nprint(time.time_ns() % 1000, 'ns')",
        "for i in range(3):\n    print(i, flush=True); time.sleep(0.1)",
        "ipywidgets.IntSlider()",
        "print(os.environ['OMP_NUM_THREADS'], hash('a') == hash('a'))",
    )
    assert main(["notebooks", "--folder", str(tmp_path)]) == 0
    once = path.read_bytes()
    assert main(["notebooks", "--folder", str(tmp_path)]) == 0
    assert path.read_bytes() == once
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["changed", "before"]
    notebook = read_notebook(path)
    assert [cell.get("execution_count") for cell in notebook.cells] == [None, 1, 2, 3, 4]
    assert [len(cell.outputs) for cell in notebook.cells[1:]] == [1, 1, 1, 1]  # what was flushed is one output
    assert not any("execution" in cell.metadata for cell in notebook.cells)
    assert "0" * 31 in notebook.cells[3].outputs[0].data["application/vnd.jupyter.widget-view+json"]["model_id"]


@pytest.mark.slow
def test_a_cell_that_fails_leaves_the_file_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "01_one.ipynb"
    write(path, "print(1)", "1 / 0")
    before = path.read_bytes()
    assert main(["notebooks", "01", "--folder", str(tmp_path)]) == 2
    assert path.read_bytes() == before
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_notebooks_are_found_by_the_beginning_of_their_names(tmp_path: Path) -> None:
    for name in ("02_two", "01_one", "solutions/01_one"):
        write(tmp_path / f"{name}.ipynb")
    assert [path.relative_to(tmp_path).as_posix() for path in find_notebooks(tmp_path)] == [
        "01_one.ipynb",
        "02_two.ipynb",
        "solutions/01_one.ipynb",
    ]
    assert len(find_notebooks(tmp_path, ["01"])) == 2
    with pytest.raises(ValueError, match="begins with '03'"):
        find_notebooks(tmp_path, ["01", "03"])
    with pytest.raises(ValueError, match="no notebooks"):
        find_notebooks(tmp_path / "solutions" / "nowhere")


def test_only_times_are_sanitised() -> None:
    patterns = sanitizers(Path(__file__).parents[2] / "notebooks" / "solutions")
    assert sanitized("matching  0.25 of the time", patterns) == sanitized("matching  0.31 of the time", patterns)
    assert sanitized("IoU 0.25", patterns) == "IoU 0.25"
