"""Each notebook with an explorer, opened and run in JupyterLab in a real browser, its explorer touched.

Screenshots are kept in the folder that the variable SCREENSHOTS names, by default in pytest's own.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from frcnn_edu.course.browser import Reader, find_browser, reading
from frcnn_edu.viz.explore import EXPLORERS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"),
        reason="no browser: install Chromium (or name one in the variable CHROMIUM) to test the explorers in it",
    ),
]

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WHERE = {
    "whole_path": "00_the_whole_network.ipynb",
    "fpn_levels": "03_fpn.ipynb",
    "base_anchors": "04_base_anchors.ipynb",
    "stride_grid": "05_stride_grid.ipynb",
    "box_coding": "07_box_coding.ipynb",
    "iou_labeling": "08_iou_labeling.ipynb",
    "proposals": "09_proposals.ipynb",
    "level_mapper": "10_level_mapper.ipynb",
    "roi_align": "11_roi_align.ipynb",
    "detections": "12_box_head.ipynb",
}
DRAGGED = ("base_anchors", "box_coding", "iou_labeling", "level_mapper", "roi_align")
PRESSES = {"stride_grid": 8}  # keys until something else is said: 8 times 2 pixels are more padding

# An explorer whose callback raises, and one whose board shows nothing new.
PLANTED = {
    "raises": "explorer.compute = lambda state: 1 / 0",
    "does not redraw": "explorer.board.show = lambda scene: None",
    "redraws the old picture": "first, show = explorer.scene, explorer.board.show\nexplorer.board.show = lambda scene: show(first)",
}


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with reading(NOTEBOOKS) as one:
        yield one


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def seen(reader: Reader) -> tuple[str, str]:
    """The picture, as bytes in text, and the formula with its words."""
    picture, said = reader.page.evaluate(
        """() => { const board = document.querySelector(".fe-board");
        const said = [".fe-formula", ".fe-words"].map((part) => board.querySelector(part).innerText);
        return [board.querySelector("canvas").toDataURL(), said.join("\\n")]; }"""
    )
    return picture, said


def drag(reader: Reader) -> None:
    """Take the first box in its middle and move it towards the picture's."""
    box = reader.page.locator(".fe-explorer .fe-handle").first.bounding_box()
    stage = reader.page.locator(".fe-explorer .fe-stage").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    reader.page.mouse.move(x, y)
    reader.page.mouse.down()
    reader.page.mouse.move(x + (30 if x < stage["x"] + stage["width"] / 4 else -30), y + 14, steps=6)
    reader.page.mouse.up()


def press(reader: Reader, where: str, key: str, seconds: float) -> None:
    """One key, and the picture that follows."""
    before = reader.version()
    reader.page.locator(f".fe-explorer {where}").first.focus()
    reader.page.keyboard.press(key)
    reader.settle(before, seconds)


def reset(reader: Reader, seconds: float = 20) -> None:
    before = reader.version()
    reader.page.locator(".fe-explorer .fe-reset").first.click()
    reader.settle(before, seconds)
    reader.page.mouse.move(5, 5)


def touch(reader: Reader, *, dragged: bool, where: str, presses: int = 1, seconds: float = 20) -> None:
    """Drag a box, move a slider by keyboard and back, and see picture and formula change each time."""
    first = seen(reader)
    if dragged:
        before = reader.version()
        drag(reader)
        reader.settle(before, seconds)
        picture, said = seen(reader)
        assert picture != first[0], "dragging a box leaves the picture as it was"
        assert said != first[1], "dragging a box leaves the formula as it was"
        reset(reader, seconds)
        assert seen(reader) == first, "reset does not lead back to the first view"
    # There and back: "another picture than before" would be content with half an answer.
    for _ in range(presses):
        press(reader, where, "ArrowRight", seconds)
    picture, said = seen(reader)
    assert picture != first[0], "a key leaves the picture as it was"
    assert said != first[1], "a key leaves the formula as it was"
    for _ in range(presses):
        press(reader, where, "ArrowLeft", seconds)
    assert seen(reader) == first, "the key back does not lead back"


def names_missing(reader: Reader) -> list[str]:
    """What can be reached by keyboard in the explorer and has no name that could be read aloud."""
    return reader.page.evaluate(
        """() => [...document.querySelectorAll(".fe-explorer :is(button, input, select, [tabindex])")].filter((one) => {
          if (one.tabIndex < 0 || one.disabled || !one.offsetParent) return false;
          const label = one.id && document.querySelector(`label[for="${one.id}"]`);
          return !(one.getAttribute("aria-label") || one.title || one.innerText?.trim() || one.closest("label")?.innerText.trim() || label?.innerText.trim());
        }).map((one) => one.outerHTML.slice(0, 200))"""
    )


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_answers_the_hand(name: str, reader: Reader, screenshots: Path) -> None:
    reader.errors.clear()
    reader.open(WHERE[name])
    reader.run_all()
    explorer = reader.explorer()
    reader.page.wait_for_timeout(2000)  # names are given to controls a little later
    explorer.screenshot(path=screenshots / f"{name}.png")
    where = ".fe-keys" if name == "whole_path" else ".noUi-handle"
    touch(reader, dragged=name in DRAGGED, where=where, presses=PRESSES.get(name, 1))
    reader.page.locator(".fe-explorer .fe-next").first.click()
    before = reader.version()
    reader.page.locator(".fe-explorer .fe-do").first.click()
    reader.settle(before)
    explorer.screenshot(path=screenshots / f"{name}_prompt.png")
    assert names_missing(reader) == []
    still = reader.page.locator(".jp-OutputArea-child:has(img):visible + .jp-OutputArea-child:has(.fe-board)")
    assert still.count() == 0, "the still picture is shown beside the living one"
    assert reader.errors == []


def test_there_is_a_notebook_for_each_explorer() -> None:
    assert set(WHERE) == set(EXPLORERS)
    for name, file in WHERE.items():
        cells = nbformat.read(NOTEBOOKS / file, as_version=4).cells
        assert any(f"explore.{name}()" in cell.source for cell in cells if cell.cell_type == "code")


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
        with pytest.raises(Exception, match="as it was|Timeout"):
            touch(one, dragged=True, where=".noUi-handle", seconds=3)


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


def test_a_page_that_was_only_opened_says_so(tmp_path: Path) -> None:
    """With the state that a notebook keeps of its widgets the picture is there, but nobody would answer."""
    source = nbformat.read(NOTEBOOKS / WHERE["level_mapper"], as_version=4)
    nbformat.write(source, tmp_path / "x.ipynb")
    with reading(tmp_path) as one:
        one.open("x.ipynb")
        one.page.locator(".fe-board[data-version]").first.scroll_into_view_if_needed(timeout=60_000)
        note = one.page.locator(".fe-note").first
        note.wait_for(state="visible", timeout=60_000)
        assert "run this cell" in note.inner_text()
        assert one.page.locator(".fe-board").first.get_attribute("data-alive") is None
