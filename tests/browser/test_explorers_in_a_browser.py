"""Each notebook with an explorer, opened and run in JupyterLab in a real browser, its explorer touched.

Screenshots are kept in the folder that the variable SCREENSHOTS names, by default in pytest's own.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from frcnn_edu.course.browser import Reader, find_browser, reading

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
EXPLORERS = {
    "whole_path": "00_the_whole_network",
    "fpn_levels": "03_fpn",
    "base_anchors": "04_base_anchors",
    "stride_grid": "05_stride_grid",
    "box_coding": "07_box_coding",
    "iou_labeling": "08_iou_labeling",
    "proposals": "09_proposals",
    "level_mapper": "10_level_mapper",
    "roi_align": "11_roi_align",
    "detections": "12_box_head",
}
# What can be touched: "drag" a box, a "slider" by keyboard, "keys" in a panel.
GESTURES = {"whole_path": ["keys"], "fpn_levels": ["slider", "keys"]}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"),
        reason="no browser: install Chromium (or name one in the variable CHROMIUM) to test the explorers in it",
    ),
]


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with reading(NOTEBOOKS) as one:
        yield one


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def seen(reader: Reader) -> tuple[str, str]:
    """The picture, as bytes in text, and the formula with its words."""
    return reader.page.evaluate(
        """() => { const board = document.querySelector(".fe-board");
        return [board.querySelector("canvas").toDataURL(), board.querySelector(".fe-formula").innerText + board.querySelector(".fe-words").innerText]; }"""
    )


def drag(reader: Reader) -> None:
    """Take the first box in its middle, or at its lower right corner where it fills its picture, and move it."""
    box = reader.page.locator(".fe-explorer .fe-handle").first.bounding_box()
    stage = reader.page.locator(".fe-explorer .fe-stage").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    reader.page.mouse.move(x, y)
    reader.page.mouse.down()
    towards_middle = 1 if x < stage["x"] + stage["width"] / 4 else -1
    reader.page.mouse.move(x + 30 * towards_middle, y + 14, steps=6)
    reader.page.mouse.up()


def press(reader: Reader, where: str, key: str) -> None:
    reader.page.locator(f".fe-explorer {where}").first.focus()
    reader.page.keyboard.press(key)


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_answers_the_hand(name: str, reader: Reader, screenshots: Path) -> None:
    reader.errors.clear()
    reader.open(f"{EXPLORERS[name]}.ipynb")
    reader.run_all()
    explorer = reader.explorer()
    reader.page.wait_for_timeout(1500)
    explorer.screenshot(path=screenshots / f"{name}.png")
    first = seen(reader)

    if "drag" in GESTURES.get(name, ["drag", "slider"]) :
        before = reader.version()
        drag(reader)
        reader.settle(before)
        picture, formula = seen(reader)
        assert picture != first[0], "dragging a box leaves the picture as it was"
        assert formula != first[1], "dragging a box leaves the formula as it was"

    reset(reader)
    assert seen(reader) == first

    # There and back, for "another picture than before" would be content with half an answer.
    where, there, back = (".noUi-handle", "ArrowRight", "ArrowLeft")
    if "slider" not in GESTURES.get(name, ["drag", "slider"]):
        where = ".fe-keys"
    before = reader.version()
    press(reader, where, there)
    if reader.version() == before:
        reader.page.wait_for_timeout(500)
    if reader.version() == before:  # it stood at its upper end
        there, back = back, there
        press(reader, where, there)
    reader.settle(before)
    after = seen(reader)
    assert after[0] != first[0], "a key leaves the picture as it was"
    assert after[1] != first[1], "a key leaves the formula as it was"
    before = reader.version()
    press(reader, where, back)
    reader.settle(before)
    assert seen(reader) == first
    explorer.screenshot(path=screenshots / f"{name}_after.png")
    assert reader.errors == []


def reset(reader: Reader) -> None:
    before = reader.version()
    reader.page.locator(".fe-explorer .fe-reset").first.click()
    reader.settle(before)
    reader.page.mouse.move(5, 5)
