"""The site in a real browser: from the disk, offline, under its policy, for everybody, and what its buttons do."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from reading_pages import AXE, from_npm, pages_of

from frcnn_edu.notebook_checks.browser import find_browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"), reason="no Chromium was found"
    ),
]
SERIOUS = """(options) => axe.run(document, options).then(({ violations }) => violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact))
  .map(({ id, nodes }) => `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`))"""
EVERYTHING = {"resultTypes": ["violations"], "preload": False}
BUT_CONTRAST = EVERYTHING | {"rules": {"color-contrast": {"enabled": False}}}
CONTRAST = EVERYTHING | {"runOnly": ["color-contrast"]}
# Colours come from classes and are the same on all pages. Comparing them takes most of axe's time, so these pages stand for all.
COLOURED = (
    *("index", "search", "contents", "start", "docs/glossary", "docs/questions", "docs/explorers"),
    *("notebooks/08_iou_labeling", "notebooks/14_train_the_complete_model", "notebooks/deeper/13_losses"),
    "source/frcnn_edu/ops/box_coder.py",
)
# The colours of code have no meaning for the other rules, which are much faster without these elements.
WITHOUT_COLOURS = "document.querySelectorAll('.highlight pre').forEach((pre) => (pre.textContent = pre.textContent))"
UNFOLD = "document.querySelectorAll('details').forEach((fold) => (fold.open = true))"
MISSING = "[...document.images].filter((image) => image.complete && !image.naturalWidth).map((image) => image.src)"
WIDTHS = (360, 768, 1440)
LEFT = "net::ERR_ABORTED"  # by going on to another page
LESSON = "notebooks/07_box_coding.html"


class Visit:
    """A page that is opened from the disk, and what went wrong in it."""

    def __init__(self, browser: Any, width: int = 1280) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, color_scheme="light")
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", self._failed)
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def _failed(self, request: Any) -> None:
        if request.failure != LEFT:
            self.errors.append(f"{request.url} is not loaded: {request.failure}")

    def open(self, file: Path, query: str = "") -> Any:
        self.page.goto(f"file://{file}{query}")
        return self.page


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    one = Visit(browser)
    yield one
    one.context.close()


@dataclass
class Findings:
    """What is wrong with each page, by its name; nothing, if all is well."""

    errors: dict[str, list[str]] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)
    too_wide: dict[str, list[int]] = field(default_factory=dict)
    inaccessible: dict[str, list[str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def findings(site: Path, browser: Any) -> Findings:
    """All pages, each opened once, with all folds open: looked at in several widths, and by axe."""
    found, visit, axe = Findings(), Visit(browser), AXE.read_text(encoding="utf-8") if AXE.is_file() else None
    for file in pages_of(site):
        name = file.relative_to(site).as_posix()
        visit.page.set_viewport_size({"width": 1280, "height": 900})
        visit.page.emulate_media(color_scheme="light")
        page = visit.open(file)
        page.evaluate(UNFOLD)
        found.missing[name] = page.evaluate(MISSING)
        if axe:
            page.evaluate(axe)
            found.inaccessible[name] = pale(page) if name.removesuffix(".html") in COLOURED else []
            page.evaluate(WITHOUT_COLOURS)
            found.inaccessible[name] += page.evaluate(SERIOUS, BUT_CONTRAST)
        found.too_wide[name] = [width for width in WIDTHS if is_too_wide(page, width)]
        found.errors[name], visit.errors = visit.errors, []
    visit.context.close()
    return found


def pale(page: Any) -> list[str]:
    """Words of a page that differ too little from their background, in the light and in the dark theme."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        found += [f"{theme}: {violation}" for violation in page.evaluate(SERIOUS, CONTRAST)]
    return found


def is_too_wide(page: Any, width: int) -> bool:
    """Whether a page has to be scrolled sideways on a screen of this width."""
    page.set_viewport_size({"width": width, "height": 900})
    return page.evaluate("document.documentElement.scrollWidth") > width


def test_every_page_opens_without_an_error(findings: Findings) -> None:
    assert {page: errors for page, errors in findings.errors.items() if errors} == {}
    assert {page: images for page, images in findings.missing.items() if images} == {}


def test_no_page_is_wider_than_the_screen(findings: Findings) -> None:
    assert {page: widths for page, widths in findings.too_wide.items() if widths} == {}


def test_no_page_is_inaccessible(findings: Findings) -> None:
    from_npm(AXE)
    assert {f"{name}.html" for name in COLOURED} < findings.inaccessible.keys() == findings.errors.keys()
    assert {page: violations for page, violations in findings.inaccessible.items() if violations} == {}


def test_the_policy_is_in_force(site: Path, visit: Visit) -> None:
    page = visit.open(site / "index.html")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = 1' }))"
    )
    assert page.evaluate("window.ran") is None
    assert "Content Security Policy" in visit.errors[0]


def test_the_first_picture_is_there_within_a_second(site: Path, visit: Visit) -> None:
    for name in ("index.html", "notebooks/00_the_whole_network.html"):
        assert min(milliseconds_to_the_first_picture(site / name, visit) for _ in range(3)) < 1000, name


def milliseconds_to_the_first_picture(file: Path, visit: Visit) -> float:
    page = visit.open(file)
    page.wait_for_function("document.querySelector('figure img').complete")
    return page.evaluate("performance.now()")


def test_the_search_finds_a_page_and_leads_to_it(site: Path, visit: Visit) -> None:
    page = visit.open(site / LESSON)
    page.fill(".search-box input", "canonical scale")
    page.keyboard.press("Enter")
    page.click("#search-results a:has-text('10 · Level mapper')")
    page.wait_for_selector("h1:has-text('Level mapper')")
    assert visit.errors == []


def test_the_theme_is_remembered(site: Path, visit: Visit) -> None:
    page = visit.open(site / LESSON)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.click(".theme-button")
    dark = page.evaluate(paper)
    assert dark != light
    assert visit.open(site / "docs" / "glossary.html").evaluate(paper) == dark


def test_one_switch_folds_the_code_and_is_remembered(site: Path, visit: Visit) -> None:
    page = visit.open(site / LESSON)
    unfolded = "document.querySelectorAll('details.code[open]').length"
    before = page.evaluate(unfolded)
    assert before > 5
    page.click(".code-button")
    assert page.evaluate(unfolded) == 0
    page = visit.open(site / "notebooks" / "08_iou_labeling.html")
    assert page.evaluate(unfolded) == 0
    page.click(".code-button")
    assert visit.open(site / LESSON).evaluate(unfolded) == before


def test_the_whole_code_of_a_cell_is_copied(site: Path, visit: Visit) -> None:
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.open(site / LESSON)
    cell = page.locator(".cell-code:has(details.part)").first
    cell.hover()
    cell.locator(".copy-button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    for source in cell.locator("pre").all_text_contents():
        assert source.strip() in copied


def test_the_menu_opens_on_a_phone(site: Path, browser: Any) -> None:
    visit = Visit(browser, width=390)
    page = visit.open(site / LESSON)
    assert not page.is_visible(".menu")
    page.click(".menu-button")
    assert page.is_visible(".menu")
    page.keyboard.press("Escape")
    assert not page.is_visible(".menu")
    page.click(".menu-button")
    page.click(".menu a:has-text('08 ·')")
    page.wait_for_selector("h1:has-text('IoU')")
    assert visit.errors == []
    visit.context.close()


def test_without_scripts_the_page_can_be_read(site: Path, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(f"file://{site / LESSON}")
    assert page.is_visible("h1")
    assert page.is_visible(".menu")
    assert not page.is_visible(".theme-button")
    context.close()
