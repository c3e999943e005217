"""Promises that all notebooks keep, and that README.md makes of them."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from nbformat import NotebookNode

from frcnn_edu.lessons import LESSONS, notebook_name
from frcnn_edu.lessons.explore import EXPLORERS
from frcnn_edu.notebook_checks.find import find_notebooks
from frcnn_edu.notebook_checks.notebooks import read_notebook
from frcnn_edu.notebook_checks.predictions import prediction_problems
from frcnn_edu.notebook_checks.problems import exercises, problems
from frcnn_edu.notebook_checks.skeleton import skeleton_problems
from frcnn_edu.notebook_checks.statistics import MOST_ASSERTS, stated_minutes, statistics

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
BOARD = ROOT / "frcnn_edu" / "lessons" / "board"
ALL = find_notebooks(NOTEBOOKS)
COURSE = [path for path in ALL if path.parent == NOTEBOOKS]
SOLUTIONS, DEEPER = ([path for path in ALL if path.parent.name == part] for part in ("solutions", "deeper"))
README, QUESTIONS, EXPLORER_PAGE, GLOSSARY = (
    (ROOT / page).read_text(encoding="utf-8")
    for page in ("README.md", "docs/questions.md", "docs/explorers.md", "docs/glossary.md")
)

# Questions that readers of torchvision's Faster R-CNN ask again and again: numbers of its issues, and of detectron2's.
TORCHVISION = [962, 1103, 1350, 1574, 1598, 1625, 1689, 1765, 1871, 1952, 2083, 2113, 2135, 2169, 2235, 2599, 2740]
TORCHVISION += [3129, 3246, 3747, 3949, 4124, 6213, 7473, 9401]
DETECTRON2 = [1162, 1213, 2744, 3750]


@cache
def cells(path: Path) -> list[NotebookNode]:
    """A notebook's cells, read once."""
    return read_notebook(path).cells


def name(path: Path) -> str:
    return path.relative_to(NOTEBOOKS).as_posix()


def headings(path: Path) -> list[str]:
    text = "\n".join(cell.source for cell in cells(path) if cell.cell_type == "markdown")
    return [re.sub(r"[*`$]", "", line).strip() for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]


@pytest.mark.parametrize("path", ALL, ids=name)
def test_a_notebook_has_no_problems(path: Path) -> None:
    assert problems(path) == []


def test_there_is_a_notebook_for_each_lesson_in_order() -> None:
    assert [path.name for path in COURSE] == [notebook_name(lesson) for lesson in LESSONS]
    for path in COURSE:
        assert headings(path)[0].startswith(f"{path.name[:2]} · ")


@pytest.mark.parametrize("path", COURSE, ids=name)
def test_every_notebook_has_the_skeleton(path: Path) -> None:
    assert skeleton_problems(path) == []


@pytest.mark.parametrize("path", [*COURSE, *DEEPER], ids=name)
def test_predictions_ask_and_few_asserts_are_shown(path: Path) -> None:
    assert prediction_problems(cells(path)) == []
    assert statistics(path).assert_share <= MOST_ASSERTS


@pytest.mark.parametrize("path", [*COURSE, *DEEPER], ids=name)
def test_the_stated_reading_time_is_the_counted_one(path: Path) -> None:
    assert stated_minutes(path) == statistics(path).minutes


def test_the_course_is_as_short_as_it_promises() -> None:
    """The main line without notebook 15, which is for those who want it; and the way through it in one hour."""
    counted = {path.name[:2]: statistics(path) for path in COURSE}
    assert sum(found.words for number, found in counted.items() if number != "15") <= 20_000
    assert sum(found.minutes for number, found in counted.items() if number != "15") <= 8 * 60
    assert [number for number, found in counted.items() if found.path_words] == ["00", "08", "11", "13", "14"]
    assert sum(found.path_words for found in counted.values()) <= 6_500
    assert sum(found.path_minutes for found in counted.values()) <= 75


@pytest.mark.parametrize("path", DEEPER, ids=name)
def test_a_deeper_notebook_belongs_to_one_of_the_main_line(path: Path) -> None:
    main = NOTEBOOKS / path.name
    words = {
        file: "\n".join(cell.source for cell in cells(file) if cell.cell_type == "markdown") for file in (path, main)
    }
    assert f"](../{main.name})" in words[path]
    assert f"](deeper/{path.name}" in words[main]


@pytest.mark.parametrize("path", [*COURSE, *DEEPER], ids=name)
def test_words_in_figures_can_be_read(path: Path) -> None:
    """At least ten pixels high where a figure fills a page of 800 pixels."""
    outputs = [output for cell in cells(path) if cell.cell_type == "code" for output in cell.outputs]
    shown = [output.metadata["image/png"] for output in outputs if "image/png" in output.get("metadata", {})]
    assert shown
    small = [figure["alt"] for figure in shown if (figure.get("smallest_word", 10) or 10) < 10]
    assert small == []


@pytest.mark.parametrize("path", [*COURSE, *DEEPER], ids=name)
def test_the_glossary_has_each_chinese_term(path: Path) -> None:
    text = "\n".join(cell.source for cell in cells(path) if cell.cell_type == "markdown")
    text = text.replace("*Faster RCNN 源码解析*", "")  # the title of the walkthrough that the course grew from
    assert [term for term in re.findall(r"[\u4e00-\u9fff]+", text) if term not in GLOSSARY] == []


def test_no_exercise_comes_twice() -> None:
    functions = [
        re.findall(r"^(?:def )?(check\.\w+|\w+)", cell.source, re.MULTILINE)[-1]
        for path in COURSE
        for cell in cells(path)
        if re.fullmatch(r"exercise-\d+", cell.id)
    ]
    assert sorted(functions) == sorted(set(functions))


@pytest.mark.parametrize("path", COURSE, ids=name)
def test_every_exercise_has_a_solution(path: Path) -> None:
    solution = NOTEBOOKS / "solutions" / path.name
    assert solution in SOLUTIONS
    assert len(exercises(path)) >= 2
    assert exercises(path) == exercises(solution)


@pytest.mark.parametrize("path", COURSE[:-1], ids=name)
def test_every_notebook_hands_on_to_the_next(path: Path) -> None:
    last = [cell.source for cell in cells(path) if cell.cell_type == "markdown"][-1]
    assert f"]({COURSE[COURSE.index(path) + 1].name})" in last


@pytest.mark.parametrize("path", COURSE[1:14], ids=name)
def test_every_stage_follows_the_object(path: Path) -> None:
    code = "\n".join(cell.source for cell in cells(path) if cell.cell_type == "code")
    assert f"logbook({int(path.name[:2])})" in code


@pytest.mark.parametrize("path", COURSE, ids=name)
def test_the_readme_shows_every_notebook(path: Path) -> None:
    row = next((line for line in README.splitlines() if f"](notebooks/{path.name})" in line and "<img" in line), "")
    picture = re.search(r'src="(figures/\w+\.png)"', row)
    assert picture, f"README.md has no thumbnail for {path.name}"
    assert (ROOT / picture[1]).is_file()


def test_the_index_answers_every_question() -> None:
    index = QUESTIONS
    for number in TORCHVISION:
        assert f"vision/issues/{number})" in index, f"question {number} of torchvision's is missing"
    for number in DETECTRON2:
        assert f"detectron2/issues/{number})" in index, f"question {number} of detectron2's is missing"
    assert len(check_links(index)) >= 20


def test_a_page_shows_every_explorer() -> None:
    linked = check_links(EXPLORER_PAGE)
    rows = [line for line in EXPLORER_PAGE.splitlines() if line.startswith("| <img")]
    assert len(linked) == len(rows) == len(EXPLORERS)
    for row, name, file in zip(rows, EXPLORERS, linked, strict=True):
        assert f'src="../figures/explore_{name}.png"' in row
        assert f"[`{name}`]" in row
        assert any(f"explore.{name}()" in cell.source for cell in cells(ROOT / file) if cell.cell_type == "code")


def check_links(text: str) -> list[str]:
    """The notebooks that are linked with a section, which must be there."""
    links = re.findall(r"\((?:\.\./)?(notebooks/[\w./]+)#([^)]+)\)", text)
    for file, anchor in links:
        anchors = [heading.replace(" ", "-") for heading in headings(ROOT / file)]
        assert unquote(anchor) in anchors, f"{file} has no section {anchor}"
    return [file for file, _ in links]


@pytest.mark.parametrize("path", COURSE, ids=name)
def test_saved_explorers_have_the_boards_own_program(path: Path) -> None:
    """A notebook keeps the state of its widgets, and with it their program: it must be executed again when that changes."""
    saved = (
        read_notebook(path)
        .metadata.get("widgets", {})
        .get("application/vnd.jupyter.widget-state+json", {})
        .get("state", {})
    )
    boards = [model["state"] for model in saved.values() if model["model_name"] == "AnyModel"]
    opened = sum(cell.source.count("= explore.") for cell in cells(path) if cell.cell_type == "code")
    assert len(boards) == opened
    for board in boards:
        assert board["_esm"] == (BOARD / "board.js").read_text(encoding="utf-8"), (
            f"{path.name} is old: execute it again"
        )
        assert board["_css"] == (BOARD / "board.css").read_text(encoding="utf-8"), (
            f"{path.name} is old: execute it again"
        )
