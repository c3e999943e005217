"""Code, tables and formulas that are wider than the screen, in a real browser."""

import os
from pathlib import Path

import pytest
from visits import Visit

from frcnn_edu.notebook_checks.browser import find_browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"), reason="no Chromium was found"
    ),
]
PHONE, WIDE = {"width": 390, "height": 900}, {"width": 1280, "height": 900}
UNFOLD = "document.querySelectorAll('details').forEach((fold) => (fold.open = true))"


@pytest.mark.parametrize("width", [1280, 1600])
@pytest.mark.parametrize("name", ["notebooks/15_why_it_is_fast", "docs/map", "source/frcnn_edu/model/rpn.py"])
def test_no_code_is_cut_on_a_wide_screen(site: Path, visit: Visit, name: str, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    page = visit.open(site / f"{name}.html")
    before = page.locator("pre").all_text_contents()
    page.evaluate(UNFOLD)
    page.wait_for_timeout(100)
    assert (
        page.evaluate("[...document.querySelectorAll('pre')].filter((pre) => pre.scrollWidth > pre.clientWidth).length")
        == 0
    )
    assert page.locator("pre").all_text_contents() == before


def test_code_that_scrolls_has_a_shadow_on_a_phone(site: Path, visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 900})
    page = visit.open(site / "source/frcnn_edu/model/rpn.py.html")
    code = page.locator("pre")
    assert code.evaluate("(pre) => pre.scrollWidth > pre.clientWidth")
    assert code.get_attribute("tabindex") == "0"
    assert "linear-gradient" in code.evaluate("(pre) => getComputedStyle(pre).backgroundImage")


def test_text_in_columns_is_not_cut_on_a_phone(site: Path, visit: Visit) -> None:
    visit.page.set_viewport_size(PHONE)
    the_map = visit.open(site / "docs/map.html").locator(".highlight-text pre")
    assert the_map.evaluate("(pre) => pre.scrollWidth <= pre.clientWidth")


def test_a_formula_that_scrolls_has_a_shadow_on_a_phone(site: Path, visit: Visit) -> None:
    visit.page.set_viewport_size(PHONE)
    formula = visit.open(site / "notebooks/07_box_coding.html").locator(".formula[tabindex]").first
    assert "linear-gradient" in formula.evaluate("(one) => getComputedStyle(one).backgroundImage")


@pytest.mark.parametrize("width", [1280, 1600, 1920])
def test_no_table_of_code_is_cut_on_a_wide_screen(site: Path, visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({**WIDE, "width": width})
    page = visit.open(site / "docs/coming_from_torchvision.html")
    assert page.locator(".wide").count() == 4
    assert page.locator(".wide[tabindex]").count() == 0


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("notebooks/15_why_it_is_fast", "detection: "),  # each of its names belongs to two columns
        ("notebooks/02_backbone", "FPN paper: "),  # one of five names for the same
        ("docs/glossary", None),
        ("docs/speed", None),
    ],
)
def test_the_first_cell_of_a_row_has_its_heading_where_it_is_needed(
    site: Path, visit: Visit, name: str, first: str | None
) -> None:
    visit.page.set_viewport_size(PHONE)
    cells = visit.open(site / f"{name}.html").locator(".stacked").first.locator("tbody tr:first-child td")
    assert cells.nth(0).get_attribute("data-column") == first
    assert cells.nth(cells.count() - 1).evaluate("(one) => getComputedStyle(one).display") == "block"


def test_the_menu_is_scrolled_only_to_what_is_hidden(site: Path, visit: Visit) -> None:
    visit.page.set_viewport_size(WIDE)
    assert visit.open(site / "docs/questions.html").evaluate("document.querySelector('.menu').scrollTop") == 0
    visit.page.set_viewport_size({"width": 1280, "height": 600})
    page = visit.open(site / "docs/map.html")
    assert page.evaluate("document.querySelector('.menu').scrollTop") > 0
    assert page.locator(".menu [aria-current]").evaluate("(one) => one.getBoundingClientRect().bottom <= innerHeight")
