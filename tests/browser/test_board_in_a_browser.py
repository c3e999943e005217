"""The board by itself: faults are noticed, words can be read, and a page without a kernel says so."""

from pathlib import Path

import nbformat
import pytest
from hands import IN_A_BROWSER, lit_panels, point_at, touch

from frcnn_edu.course.browser import reading
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


def notebook(folder: Path, source: str) -> None:
    """A notebook x.ipynb of one cell."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [nbformat.v4.new_code_cell(source)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "x.ipynb")


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_noticed(fault: str, tmp_path: Path) -> None:
    notebook(
        tmp_path, f"from frcnn_edu.viz import explore\nexplorer = explore.level_mapper()\n{PLANTED[fault]}\nexplorer"
    )
    with reading(tmp_path) as one:
        one.open("x.ipynb")
        one.run_all()
        one.explorer()
        with pytest.raises(Exception, match=r"as it was|Timeout"):
            touch(one, dragged=True, where=".noUi-handle", seconds=3)


def test_what_is_touched_lights_up_wherever_it_is(tmp_path: Path) -> None:
    """A cell of the pyramid's map in all four stages; a number of the formula in the picture; and a click goes to the copied cell."""
    notebook(tmp_path, "from frcnn_edu.viz import explore\nexplore.fpn_levels()")
    explorer = explore.fpn_levels()
    scene = explorer.scene
    with reading(tmp_path) as one:
        one.open("x.ipynb")
        one.run_all()
        one.explorer()
        point_at(one, scene, "picture", 4 * 10 + 2, 4 * 5 + 2)
        assert one.page.locator(".fe-board").get_attribute("data-lit") == f"cell:{5 * 40 + 10}"
        assert lit_panels(one, scene) == ["picture", *STAGES]
        one.page.locator(".fe-term[data-mark^='source:']").hover()
        assert lit_panels(one, scene) == ["on_P3"]
        row, column = explorer.result.source
        point_at(one, scene, "on_P3", 8 * column + 4, 8 * row + 4)
        before = one.version()
        one.page.mouse.down()
        one.page.mouse.up()
        one.settle(before)
        assert "channel 60, cell (7, 13)" in one.page.locator(".fe-formula").inner_text()
        assert "P3, both" in one.page.locator(".fe-picture").get_attribute("aria-label")


def test_new_bounds_and_a_new_value_do_not_come_back_as_another_value(tmp_path: Path) -> None:
    """What code sets in quick succession stays: no slider of the page cuts it to bounds that were."""
    notebook(tmp_path, "from frcnn_edu.viz import explore\nexplorer = explore.proposals()\nexplorer")
    path = tmp_path / "x.ipynb"
    found = nbformat.read(path, as_version=4)
    sources = (
        "for pre in (20, 5, 300, 10):\n    explorer.set(pre=pre, place=0)\nexplorer.reset()",
        "import time; time.sleep(2)",
    )
    found.cells += [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(found, path)
    with reading(tmp_path) as one:
        one.open("x.ipynb")
        one.run_all()
        one.explorer()
        one.page.wait_for_timeout(1000)
        first = explore.proposals()
        said = one.page.locator(".fe-words").inner_text()
        assert said == first.words
        slider = one.page.locator(".fe-controls .noUi-handle").first
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


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_words_can_be_read_in_both_themes(dark: bool, tmp_path: Path, screenshots: Path) -> None:
    notebook(tmp_path, "from frcnn_edu.viz import explore\nexplore.level_mapper()")
    with reading(tmp_path, dark=dark) as one:
        one.open("x.ipynb")
        one.run_all()
        one.explorer().screenshot(path=screenshots / f"theme_{'dark' if dark else 'light'}.png")
        assert one.page.evaluate("() => document.body.dataset.jpThemeLight") == ("false" if dark else "true")
        for name, contrast in one.page.evaluate(CONTRAST):
            assert contrast >= 4.5, f"{name}: contrast {contrast:.1f}"  # WCAG AA


@pytest.mark.parametrize("trusted", [False, True])
def test_a_page_that_was_only_opened_says_so(trusted: bool, tmp_path: Path) -> None:
    """JupyterLab shows the still picture of a stranger's notebook; in the reader's own the saved explorer, which nobody moves."""
    nbformat.write(nbformat.read(NOTEBOOK, as_version=4), tmp_path / "x.ipynb")
    with reading(tmp_path, trusted=trusted) as one:
        one.open("x.ipynb")
        if not trusted:
            words = one.page.locator("text=Run this cell to move it")
            words.first.scroll_into_view_if_needed(timeout=60_000)
            assert (
                one.page.locator(
                    ".jp-OutputArea-child:has(img) + .jp-OutputArea-child:has-text('Run this cell to move it')"
                ).count()
                == 1
            )
            assert one.page.locator(".fe-board").count() == 0
            return
        one.page.locator(".fe-board[data-version]").first.scroll_into_view_if_needed(timeout=60_000)
        note = one.page.locator(".fe-note").first
        note.wait_for(state="visible", timeout=60_000)
        assert "run this cell" in note.inner_text()
        assert one.page.locator(".fe-board").first.get_attribute("data-alive") is None
