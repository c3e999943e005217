"""Each notebook with an explorer, opened in JupyterLab in a real browser, its explorer started and touched.

(That all cells run is seen without a browser, by nbval; here one notebook is run whole.)

Screenshots are kept in the folder that the variable SCREENSHOTS names, by default in pytest's own.
"""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from hands import IN_A_BROWSER, names_colliding, names_missing, touch

from frcnn_edu.lessons.explore import EXPLORERS
from frcnn_edu.notebook_checks.browser import Reader, reading

pytestmark = IN_A_BROWSER

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


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with reading(NOTEBOOKS, one_kernel=True) as one:
        yield one


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_answers_the_hand(name: str, reader: Reader, screenshots: Path) -> None:
    reader.errors.clear()
    reader.open(WHERE[name])
    if name == "whole_path":
        reader.run_all()
    else:
        reader.run("import ")
        reader.run(f"explore.{name}()")
    explorer = reader.explorer()
    assert names_missing(reader) == []
    explorer.screenshot(path=screenshots / f"{name}.png")
    where = ".fe-keys" if name == "whole_path" else ".noUi-handle"
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


def test_there_is_a_notebook_for_each_explorer() -> None:
    assert set(WHERE) == set(EXPLORERS)
    for name, file in WHERE.items():
        cells = nbformat.read(NOTEBOOKS / file, as_version=4).cells
        assert any(f"explore.{name}()" in cell.source for cell in cells if cell.cell_type == "code")
