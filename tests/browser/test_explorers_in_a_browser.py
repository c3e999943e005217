"""Explorers in JupyterLab in a real browser: one server, one page and one kernel for all notebooks.

Each notebook of the course that has an explorer is opened, its explorer started and touched. (That all cells run is seen without
a browser, by nbval; here one notebook is run whole.) Then the board by itself: faults are noticed, words can be read, and a page
without a kernel says so.

Screenshots are kept in the folder that the variable SCREENSHOTS names, by default in pytest's own.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hands import IN_A_BROWSER, lit_panels, names_colliding, names_missing, point_at, touch

from frcnn_edu import cli
from frcnn_edu.benchmark import explorers
from frcnn_edu.lessons import EXPLORER_OF, explore, notebook_name
from frcnn_edu.lessons.explore import EXPLORERS
from frcnn_edu.lessons.fpn.explorer.result import STAGES
from frcnn_edu.notebook_checks.browser import Reader, reading

pytestmark = IN_A_BROWSER

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WHERE = {explorer: notebook_name(lesson) for lesson, explorer in EXPLORER_OF.items()}
DRAGGED = ("base_anchors", "box_coding", "iou_labeling", "level_mapper", "roi_align", "any_box")
PRESSES = {"stride_grid": 8}  # keys until something else is said: 8 times 2 pixels are more padding

# An explorer whose callback raises, and two whose boards show nothing new.
PLANTED = {
    "raises": "explorer.compute = lambda state: 1 / 0",
    "does not redraw": "explorer.board.show = lambda scene: None",
    "redraws the old picture": "first, show = explorer.scene, explorer.board.show\nexplorer.board.show = lambda scene: show(first)",
}
SOUND = {
    "fpn_levels": ["explore.fpn_levels()"],
    "level_mapper": ["explore.level_mapper()"],
    "proposals": [
        "explorer = explore.proposals()\nexplorer",
        "for pre in (20, 5, 300, 10):\n    explorer.set(pre=pre, place=0)\nexplorer.reset()",
        "import time; time.sleep(2)",
    ],
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("notebooks")
    for file in WHERE.values():
        shutil.copy(NOTEBOOKS / file, folder)
    for name, cells in SOUND.items():
        write_notebook(folder / f"{name}.ipynb", *cells)
    for name, fault in PLANTED.items():
        write_notebook(folder / f"{name}.ipynb", f"explorer = explore.level_mapper()\n{fault}\nexplorer")
    saved = nbformat.read(NOTEBOOKS / WHERE["level_mapper"], as_version=4)
    nbformat.write(saved, folder / "a stranger's.ipynb")
    saved.cells.append(nbformat.v4.new_markdown_cell("Signed."))  # what is signed is the content
    nbformat.write(saved, folder / "my own.ipynb")
    del saved.metadata["widgets"]  # JupyterLab does not save the states of widgets unless it is told to
    nbformat.write(saved, folder / "my own, saved in JupyterLab.ipynb")
    with reading(folder, own="my own*.ipynb", one_kernel=True) as one:
        yield one


def write_notebook(path: Path, *sources: str) -> None:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [nbformat.v4.new_code_cell(source) for source in ("from frcnn_edu.lessons import explore", *sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


def run(reader: Reader, name: str) -> Any:
    """The explorer of a notebook that is opened and run."""
    reader.open(f"{name}.ipynb")
    reader.run_all()
    return reader.explorer()


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_answers_the_hand(name: str, reader: Reader, screenshots: Path) -> None:
    reader.errors.clear()
    reader.open(WHERE[name])
    if name == "whole_path":
        reader.run_all()
        # The notebook opens with another explorer: here it makes room.
        reader.page.evaluate("document.querySelector('.fe-explorer').closest('.jp-OutputArea-child').remove()")
    else:
        reader.run("import ")
        reader.run(f"explore.{name}()")
    explorer = reader.explorer()
    assert names_missing(reader) == []
    explorer.screenshot(path=screenshots / f"{name}.png")
    where = {"whole_path": ".fe-keys", "any_box": ".fe-handle"}.get(name, ".noUi-handle")
    touch(reader, dragged=name in DRAGGED, where=where, presses=PRESSES.get(name, 1))
    reader.page.locator(".fe-explorer .fe-next").first.click()
    before = reader.version()
    reader.page.locator(".fe-explorer .fe-do").first.click()
    reader.settle(before)
    explorer.screenshot(path=screenshots / f"{name}_prompt.png")
    assert names_missing(reader) == []
    assert names_colliding(reader) == []
    still = reader.page.locator(".jp-OutputArea-child:has(img):visible + .jp-OutputArea-child:has(.fe-board)")
    assert still.count() == 0, "the still picture is shown beside the living one"
    assert reader.errors == []


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_noticed(fault: str, reader: Reader) -> None:
    run(reader, fault)
    with pytest.raises(Exception, match=r"as it was|Timeout"):
        touch(reader, dragged=True, where=".noUi-handle", seconds=3)


def test_what_is_touched_lights_up_wherever_it_is(reader: Reader) -> None:
    """A cell of the pyramid's map in all four stages; a number of the formula in the picture; and a click goes to the copied cell."""
    run(reader, "fpn_levels")
    explorer = explore.fpn_levels()
    scene = explorer.scene
    point_at(reader, scene, "picture", 4 * 10 + 2, 4 * 5 + 2)
    assert reader.page.locator(".fe-board").get_attribute("data-lit") == f"cell:{5 * 40 + 10}"
    assert lit_panels(reader, scene) == ["picture", *STAGES]
    reader.page.locator(".fe-term[data-mark^='source:']").hover()
    assert lit_panels(reader, scene) == ["on_P3"]
    row, column = explorer.result.source
    point_at(reader, scene, "on_P3", 8 * column + 4, 8 * row + 4)
    before = reader.version()
    reader.page.mouse.down()
    reader.page.mouse.up()
    reader.settle(before)
    assert "channel 60, cell (7, 13)" in reader.page.locator(".fe-formula").inner_text()
    assert "P3, both" in reader.page.locator(".fe-picture").get_attribute("aria-label")


def test_new_bounds_and_a_new_value_do_not_come_back_as_another_value(reader: Reader) -> None:
    """What code sets in quick succession stays: no slider of the page cuts it to bounds that were."""
    run(reader, "proposals")
    reader.page.wait_for_timeout(1000)
    first = explore.proposals()
    said = reader.page.locator(".fe-words").inner_text()
    assert said == first.words
    slider = reader.page.locator(".fe-controls .noUi-handle").first
    assert float(slider.get_attribute("aria-valuenow")) == first.state.place  # type: ignore[attr-defined]


def test_a_page_of_a_stranger_shows_the_still_picture(reader: Reader) -> None:
    reader.open("a stranger's.ipynb")
    words = "Run this cell to make it interactive"
    reader.page.locator(f"text={words}").first.scroll_into_view_if_needed(timeout=60_000)
    assert reader.page.locator(f".jp-OutputArea-child:has(img) + .jp-OutputArea-child:has-text('{words}')").count() == 1
    assert reader.page.locator(".fe-board").count() == 0


def test_a_page_of_ones_own_shows_the_saved_explorer_which_nobody_moves(reader: Reader) -> None:
    reader.open("my own.ipynb")
    reader.page.locator(".fe-board[data-version]").first.scroll_into_view_if_needed(timeout=60_000)
    note = reader.page.locator(".fe-note").first
    note.wait_for(state="visible", timeout=60_000)
    assert "run the cell" in note.inner_text()
    assert reader.page.locator(".fe-board").first.get_attribute("data-alive") is None


# Of the message below a still picture: JupyterLab's words and their size, and what is there in their place.
MESSAGE = """() => {
  const message = document.querySelector(".jp-OutputArea-child:has(img) + .jp-OutputArea-child > .jp-OutputArea-output:not([data-mime-type])");
  const instead = getComputedStyle(message, "::after");
  return [message.textContent, getComputedStyle(message).fontSize, instead.content, instead.visibility];
}"""


def test_a_page_that_was_saved_without_widgets_says_to_run_the_cell(reader: Reader, screenshots: Path) -> None:
    reader.open("my own, saved in JupyterLab.ipynb")
    still = reader.page.locator(".jp-OutputArea-child:has(.fe-saved) + .jp-OutputArea-child:has(img)")
    still.scroll_into_view_if_needed(timeout=60_000)
    # JupyterLab says "Loading widget..." for as long as it searches.
    reader.page.wait_for_function(f"() => ({MESSAGE})()[0].startsWith('Error displaying widget')", timeout=60_000)
    reader.page.wait_for_function(f"() => ({MESSAGE})()[3] === 'visible'")
    _, size, ours, _ = reader.page.evaluate(MESSAGE)
    assert size == "0px"
    assert ours == '"This is a still picture: run the cell to make it interactive."'
    assert still.count() == 1
    assert reader.page.locator(".fe-board").count() == 0
    reader.page.screenshot(path=screenshots / "saved.png")


CONTRAST = """() => {
  const channel = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const luminance = (rgb) => 0.2126 * channel(rgb[0]) + 0.7152 * channel(rgb[1]) + 0.0722 * channel(rgb[2]);
  const colour = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const found = colour(getComputedStyle(one).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  return [".fe-line", ".fe-term", ".fe-words", ".fe-prompt", ".fe-do", ".fe-reset", ".fe-title", ".widget-label"].map((name) => {
    const one = document.querySelector(`.fe-explorer ${name}`);
    const both = [luminance(colour(getComputedStyle(one).color)), luminance(ground(one))].sort();
    return [name, (both[1] + 0.05) / (both[0] + 0.05)];
  });
}"""


def test_words_can_be_read_in_both_themes(reader: Reader, screenshots: Path) -> None:
    explorer = run(reader, "level_mapper")
    for theme in ("light", "dark"):
        if theme == "dark":
            reader.page.click(".lm-MenuBar-item:has-text('Settings')")
            reader.page.hover(".lm-Menu-item:has-text('Theme')")
            reader.page.click(".lm-Menu-item:has-text('JupyterLab Dark')")
            reader.page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")
        explorer.screenshot(path=screenshots / f"theme_{theme}.png")
        assert reader.page.evaluate("() => document.body.dataset.jpThemeLight") == (
            "true" if theme == "light" else "false"
        )
        for name, contrast in reader.page.evaluate(CONTRAST):
            assert contrast >= 4.5, f"{name}, {theme}: contrast {contrast:.1f}"  # WCAG AA
        reader.page.wait_for_timeout(2000)  # a change of the theme is looked for now and then
        paper = reader.page.evaluate(PAPER)
        assert (min(paper) > 200) if theme == "light" else (max(paper) < 60), (
            f"the paper is {paper} in the {theme} theme"
        )


PAPER = (
    """() => [...document.querySelector(".fe-picture").getContext("2d").getImageData(2, 2, 1, 1).data].slice(0, 3)"""
)
SMALLEST_WORDS = """() => {
  const sizes = [], draw = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (...all) {
    sizes.push((parseFloat(this.font.match(/[\\d.]+(?=px)/)[0]) * this.getTransform().a) / devicePixelRatio);
    return draw.apply(this, all);
  };
  window.feSizes = sizes;
}"""


SIDEBAR = "() => window.jupyterapp.commands.execute('application:toggle-left-area')"
# What is wider than the explorer, and not in a part that scrolls.
CUT_OFF = """() => {
  const explorer = document.querySelector(".fe-explorer"), right = explorer.getBoundingClientRect().right + 1;
  return [...explorer.querySelectorAll("*")]
    .filter((one) => one.offsetParent && one.getBoundingClientRect().right > right && !one.closest(".fe-stage, .fe-formula, .noUi-target"))
    .map((one) => `${one.className} ${one.getBoundingClientRect().right - right}`);
}"""


def test_in_a_narrow_view_words_stay_large_and_nothing_is_cut_off(reader: Reader, screenshots: Path) -> None:
    explorer = run(reader, "level_mapper")
    page, wide = reader.page, reader.page.viewport_size
    page.evaluate(SMALLEST_WORDS)
    page.evaluate(SIDEBAR)  # it would leave no room for a notebook
    try:
        for width in (1000, 700, 420):
            page.evaluate("() => { window.feSizes.length = 0; }")
            page.set_viewport_size({"width": width, "height": 1400})
            page.wait_for_function("() => window.feSizes.length > 0")
            page.wait_for_timeout(300)
            explorer.screenshot(path=screenshots / f"width_{width}.png")
            assert min(page.evaluate("() => window.feSizes")) >= 10.9
            assert page.evaluate(CUT_OFF) == [], f"cut off at a width of {width}"
    finally:
        page.set_viewport_size(wide)
        page.evaluate(SIDEBAR)


def test_every_event_has_its_answer(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`benchmark --explorers`, by this page."""

    @contextmanager
    def reading_here(folder: Path) -> Iterator[Reader]:
        shutil.copytree(folder, reader.folder, dirs_exist_ok=True)
        yield reader

    monkeypatch.setattr(explorers, "reading", reading_here)
    monkeypatch.setattr(explorers.measure, "__defaults__", (4,))
    numbers = tmp_path / "numbers.json"
    assert cli.main(["benchmark", "--explorers", "roi_align", "--json", str(numbers)]) == 0
    rows = json.loads(numbers.read_text())["explorers"]
    assert [row["gesture"] for row in rows] == ["drag a box", "move a slider", "arrow keys"]
    for row in rows:
        assert len(row["milliseconds"]) >= 4
        assert all(0 < value < explorers.ANSWER for value in row["milliseconds"])
    assert capsys.readouterr().out.count("roi_align") == 3
