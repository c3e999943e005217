"""The board by itself: faults are noticed, words can be read, and a page without a kernel says so."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from hands import IN_A_BROWSER, lit_panels, point_at, touch

from frcnn_edu.course.browser import Reader, reading
from frcnn_edu.viz import explore
from frcnn_edu.viz.explorers.fpn_levels_result import STAGES

pytestmark = IN_A_BROWSER

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "10_level_mapper.ipynb"

# An explorer whose callback raises, and one whose board shows nothing new.
PLANTED = {
    "raises": "explorer.compute = lambda state: 1 / 0",
    "does not redraw": "explorer.board.show = lambda scene: None",
    "redraws the old picture": "first, show = explorer.scene, explorer.board.show\nexplorer.board.show = lambda scene: show(first)",
}
# Notebooks by their names; a line of dashes is between two cells.
CODE = {
    f"{fault.replace(' ', '_')}.ipynb": f"explorer = explore.level_mapper()\n{planted}\nexplorer"
    for fault, planted in PLANTED.items()
}
CODE["levels.ipynb"] = "explore.fpn_levels()"
CODE["mapper.ipynb"] = "explore.level_mapper()"
CODE["bounds.ipynb"] = """explorer = explore.proposals()
explorer
---
for pre in (20, 5, 300, 10):
    explorer.set(pre=pre, place=0)
explorer.reset()
---
import time; time.sleep(2)"""


def write(folder: Path) -> None:
    """A notebook for each text of CODE, and one of the course's."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    for name, source in CODE.items():
        sources = f"from frcnn_edu.viz import explore\n{source}".split("\n---\n")
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / name)
    nbformat.write(nbformat.read(NOTEBOOK, as_version=4), folder / "course.ipynb")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write(folder)
    return folder


@pytest.fixture(scope="module")
def light(folder: Path) -> Iterator[Reader]:
    """A server and a page for all tests that do not ask for another theme, or trust."""
    with reading(folder) as one:
        yield one


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_noticed(fault: str, light: Reader) -> None:
    light.open(f"{fault.replace(' ', '_')}.ipynb")
    light.run_all()
    light.explorer()
    with pytest.raises(Exception, match=r"as it was|Timeout"):
        touch(light, dragged=True, where=".noUi-handle", seconds=3)


def test_what_is_touched_lights_up_wherever_it_is(light: Reader) -> None:
    """A cell of the pyramid's map in all four stages; a number of the formula in the picture; and a click goes to the copied cell."""
    explorer = explore.fpn_levels()
    scene = explorer.scene
    light.open("levels.ipynb")
    light.run_all()
    light.explorer()
    point_at(light, scene, "picture", 4 * 10 + 2, 4 * 5 + 2)
    assert light.page.locator(".fe-board").get_attribute("data-lit") == f"cell:{5 * 40 + 10}"
    assert lit_panels(light, scene) == ["picture", *STAGES]
    light.page.locator(".fe-term[data-mark^='source:']").hover()
    assert lit_panels(light, scene) == ["on_P3"]
    row, column = explorer.result.source
    point_at(light, scene, "on_P3", 8 * column + 4, 8 * row + 4)
    before = light.version()
    light.page.mouse.down()
    light.page.mouse.up()
    light.settle(before)
    assert "channel 60, cell (7, 13)" in light.page.locator(".fe-formula").inner_text()
    assert "P3, both" in light.page.locator(".fe-picture").get_attribute("aria-label")


def test_new_bounds_and_a_new_value_do_not_come_back_as_another_value(light: Reader) -> None:
    """What code sets in quick succession stays: no slider of the page cuts it to bounds that were."""
    light.open("bounds.ipynb")
    light.run_all()
    light.explorer()
    light.page.wait_for_timeout(1000)
    first = explore.proposals()
    said = light.page.locator(".fe-words").inner_text()
    assert said == first.words
    slider = light.page.locator(".fe-controls .noUi-handle").first
    assert float(slider.get_attribute("aria-valuenow")) == first.state.place  # type: ignore[attr-defined]


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


def assert_words_can_be_read(one: Reader, theme: str, screenshots: Path) -> None:
    one.open("mapper.ipynb")
    one.run_all()
    one.explorer().screenshot(path=screenshots / f"theme_{theme}.png")
    assert one.page.evaluate("() => document.body.dataset.jpThemeLight") == ("true" if theme == "light" else "false")
    for name, contrast in one.page.evaluate(CONTRAST):
        assert contrast >= 4.5, f"{name}: contrast {contrast:.1f}"  # WCAG AA


def test_words_can_be_read_in_the_light_theme(light: Reader, screenshots: Path) -> None:
    assert_words_can_be_read(light, "light", screenshots)


def test_words_can_be_read_in_the_dark_theme(folder: Path, screenshots: Path) -> None:
    with reading(folder, dark=True) as one:
        assert_words_can_be_read(one, "dark", screenshots)


def test_a_strangers_page_shows_the_still_picture(light: Reader) -> None:
    light.open("course.ipynb")
    words = light.page.locator("text=Run this cell to move it")
    words.first.scroll_into_view_if_needed(timeout=60_000)
    still = ".jp-OutputArea-child:has(img) + .jp-OutputArea-child:has-text('Run this cell to move it')"
    assert light.page.locator(still).count() == 1
    assert light.page.locator(".fe-board").count() == 0


def test_the_readers_own_page_shows_the_saved_explorer_and_that_nobody_moves_it(folder: Path) -> None:
    with reading(folder, trusted=True) as one:
        one.open("course.ipynb")
        one.page.locator(".fe-board[data-version]").first.scroll_into_view_if_needed(timeout=60_000)
        note = one.page.locator(".fe-note").first
        note.wait_for(state="visible", timeout=60_000)
        assert "run this cell" in note.inner_text()
        assert one.page.locator(".fe-board").first.get_attribute("data-alive") is None
