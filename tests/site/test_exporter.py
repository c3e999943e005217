"""Notebooks as single pages, `jupyter nbconvert --to course`, with their explorers alive."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import get_exporter

from frcnn_edu.lessons import EXPLORER_NAMES
from frcnn_edu.notebook_checks.browser import QUIET, find_browser
from frcnn_edu.notebook_checks.notebooks import read_notebook
from frcnn_edu.site.explorers.write import in_html
from frcnn_edu.site.exporter import CourseExporter, with_alt
from frcnn_edu.site.pages.widgets import VIEW, explorer_of
from frcnn_edu.site.translate.program import files_of

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def widget_cell(source: str) -> Any:
    """A cell that shows a still picture and a widget."""
    still = nbformat.v4.new_output("display_data", {"image/png": "AAAA"}, metadata={"image/png": {"alt": "a box"}})
    view = nbformat.v4.new_output("display_data", {VIEW: {"model_id": "1"}, "text/plain": "(Run this cell)"})
    return nbformat.v4.new_code_cell(source, outputs=[still, view])


def page_of(*cells: Any) -> str:
    return CourseExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[*cells]))[0]


def test_each_figure_keeps_its_text_on_a_web_page() -> None:
    page, _ = CourseExporter().from_notebook_node(read_notebook(NOTEBOOKS / "13_losses.ipynb"))
    figures = page.count("<img ")
    assert figures > 3
    assert page.count("<img alt=") == figures
    assert "No description has been provided" not in page
    assert "data-file" not in page


def test_the_text_is_escaped() -> None:
    assert with_alt('<img src="a">', 'A "box" < 3') == '<img alt="A &quot;box&quot; &lt; 3" src="a">'
    assert with_alt('<img src="a">', None) == '<img src="a">'


def test_nbconvert_finds_the_exporter_by_its_name() -> None:
    assert get_exporter("course") is CourseExporter


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("explorer = explore.level_mapper()\nexplorer", "level_mapper"),
        ("from frcnn_edu.lessons import explore\n\nexplore.any_box()", "any_box"),
        ("explorer = explore.level_mapper(image=mine, target=boxes)\nexplorer", None),
        ("explorer = explore.level_mapper()\nexplorer.set(size=240)\nexplorer", None),
        ("explore.my_own()", None),
        ("board", None),
    ],
)
def test_only_a_first_view_of_the_course_is_taken_for_one(source: str, name: str | None) -> None:
    assert explorer_of(widget_cell(source)) == name
    assert explorer_of(nbformat.v4.new_code_cell(source)) is None


def test_of_another_explorer_the_still_picture_stays() -> None:
    page = page_of(widget_cell("explore.level_mapper(image=mine, target=boxes)"))
    assert '<img alt="a box"' in page
    assert "(Run this cell)" in page
    assert "fe-place" not in page
    assert "data-file" not in page


def test_a_script_cannot_end_its_element() -> None:
    assert in_html('a = "</script><!-- <SCRIPT>" < 1;') == r'a = "\x3c/script>\x3c!-- \x3cSCRIPT>" < 1;'


def test_an_explorer_that_opens_others_has_their_files() -> None:
    assert files_of("stride_grid") == {"story"}
    assert files_of("any_box") == {"story", "photograph"}
    assert files_of("whole_path") == {
        "story",
        "heads",
        *(files_of("fpn_levels") | files_of("level_mapper")),
    } | files_of("detections")
    assert all(files_of(name) <= {*files_of("whole_path"), "photograph"} for name in EXPLORER_NAMES)


# ----------------------------------------------------------------------------------------------------- in a real browser

IN_A_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"),
        reason="no browser: install Chromium (or name one in the variable CHROMIUM) to test the explorers in it",
    ),
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notebook 10 as a page, the only file in its folder."""
    file = tmp_path_factory.mktemp("exported") / "10_level_mapper.html"
    page, _ = CourseExporter().from_notebook_node(read_notebook(NOTEBOOKS / "10_level_mapper.ipynb"))
    file.write_text(page, encoding="utf-8")
    return file


@pytest.fixture
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=find_browser(), args=[*QUIET])
        yield one
        one.close()


def opened(browser: Any, file: Path, **settings: Any) -> tuple[Any, list[str]]:
    """The page, offline, and a list of all that goes wrong in it or is loaded from the disk."""
    page = browser.new_context(viewport={"width": 1000, "height": 1100}, **settings).new_page()
    page.set_default_timeout(20_000)
    page.route("http*://**", lambda route: route.abort())  # what nbconvert's pages load from elsewhere, as MathJax
    page.goto(file.as_uri())
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: told.append(request.url))
    page.locator("figure.fe-place").scroll_into_view_if_needed()
    return page, told


class TestExported:
    pytestmark = IN_A_BROWSER

    def test_the_page_has_what_its_explorer_needs_and_no_more(self, exported: Path) -> None:
        page = exported.read_text(encoding="utf-8")
        assert page.count('<figure class="fe-place" data-explorer="level_mapper">') == 1
        for file in ("engine.js", "data/story.js", "data/pyramid.js", "first/level_mapper.js"):
            assert page.count(f'data-file="{file}"') == 1
        assert page.count("data-file=") == 4 + page.count("data-file=${") + page.count('data-file="${')
        assert "widget-view" not in page
        assert "widget-state" not in page
        assert "fe-saved" not in page

    def test_it_is_alive_without_another_file(self, browser: Any, exported: Path) -> None:
        page, told = opened(browser, exported)
        page.wait_for_selector(".fe-board[data-version]")
        assert page.locator(".fe-place img").is_hidden()
        assert page.evaluate("frcnn.start") is None  # the engine runs at the first touch
        page.get_by_label("shorter side of the image").select_option("800 pixels")
        page.wait_for_selector('.fe-board[data-version]:not([data-version="0"])')
        page.locator(".fe-words").filter(has_text="The side is 254").wait_for()
        page.wait_for_function("location.hash.includes('size=800')")
        assert told == []

    def test_without_scripts_the_still_picture_stays(self, browser: Any, exported: Path) -> None:
        page, told = opened(browser, exported, java_script_enabled=False)
        picture = page.locator("figure.fe-place img")
        assert picture.count() == 1
        assert picture.is_visible()
        assert page.locator(".fe-live").count() == 0
        assert told == []
