from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from frcnn_edu.cli import main
from frcnn_edu.notebook_checks.notebooks import write_notebook
from frcnn_edu.notebook_checks.skeleton import skeleton_problems
from frcnn_edu.notebook_checks.statistics import count_words, stated_minutes, statistics

TITLE = "# 00 · A\n\n**Why?** Because.\n\n*5 minutes · training and inference · `a.py`*"
CODE = "# why\n\nassert 1 == 1\nx = (\n    2\n)"


def good_notebook() -> NotebookNode:
    words = [TITLE, "## A section\n\nTwo words."]
    closing = ["## Summary\n\nYou can now say why.", "## Exercises", "## Open questions", "## Next\n\n[01](01_b.ipynb)"]
    cells = [new_markdown_cell(text, id=f"words-{number}") for number, text in enumerate(words + closing)]
    cells.insert(2, new_code_cell(CODE, id="code", metadata={"frcnn_edu": {"checks": ["assert x == 2"]}}))
    cells.insert(3, new_markdown_cell("**One-hour path:** go on.", id="one-hour"))
    cells += [new_code_cell("1", id=f"exercise-{number}") for number in (1, 2)]
    return new_notebook(cells=cells)


def written(notebook: NotebookNode, folder: Path) -> Path:
    write_notebook(notebook, folder / "00_a.ipynb")
    return folder / "00_a.ipynb"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Two words.", 2),
        ("A [link to it](some/long/target.ipynb#here) and <b>bold</b> ones", 7),
        ("From $a + b = c$ follows\n$$x = y$$", 4),
        ("| a | b |\n|---|---|\n| 1 | – |", 3),
        ("```bash\npython -m this\n```\nafter", 1),
    ],
    ids=["plain", "links and tags", "formulas", "a table", "a block of code"],
)
def test_words_are_counted_as_they_are_read(text: str, words: int) -> None:
    assert count_words(text) == words


def test_what_is_in_a_notebook_is_counted(tmp_path: Path) -> None:
    found = statistics(written(good_notebook(), tmp_path))
    assert (found.lines, found.asserts, found.checks) == (4 + 2, 1, 1)
    assert found.path_words == count_words(TITLE) + 4
    assert found.minutes == 5 == stated_minutes(tmp_path / "00_a.ipynb")


def test_a_good_notebook_has_the_skeleton(tmp_path: Path) -> None:
    assert skeleton_problems(written(good_notebook(), tmp_path)) == []


def test_what_differs_from_the_skeleton_is_said(tmp_path: Path) -> None:
    notebook = good_notebook()
    notebook.cells[0].source = "# 00 · A"
    notebook.cells[4].source = "## Summary\n\nThat was it."
    notebook.cells[5].source, notebook.cells[6].source = "## Open questions", "## Exercises"
    notebook.cells.pop(7)
    notebook.cells.pop()
    found = "\n".join(skeleton_problems(written(notebook, tmp_path)))
    for complaint in (
        "25 minutes",
        "what the reader can do",
        "their order is",
        "no section 'Next'",
        "1 checked exercises",
    ):
        assert complaint in found


def test_the_command_prints_a_table_and_fails_for_a_bad_notebook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(good_notebook(), tmp_path)
    assert main(["notebooks", "--statistics", "--folder", str(tmp_path)]) == 1
    assert "00_a.ipynb: 16.7 % of its visible code are asserts" in capsys.readouterr().out
    notebook = good_notebook()
    notebook.cells[2].source = "x = 2"
    write_notebook(notebook, path)
    assert main(["notebooks", "--statistics", "--folder", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].split()[:3] == ["00_a", str(statistics(path).words), "5"]
    assert "The one-hour path: " in out
