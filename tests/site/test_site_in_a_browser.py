"""The site in a real browser: from the disk, offline, under its policy, for everybody, and what its buttons do."""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from reading_pages import AXE, elements_of, from_npm, pages_of
from visits import Visit

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
LESSON = "notebooks/07_box_coding.html"


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


def look_up(site: Path, visit: Visit, query: str) -> Any:
    """The page "Search" with what it found for a query."""
    return visit.open(site / "search.html", f"?q={quote(query)}")


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("level mapper", "10 · Level mapper"),
        ("NMS", "09 · Proposals"),
        ("anchor", "04 · Base anchors"),
        ("positive", "08 · IoU labelling"),
        ("RoIAlign", "11 · RoIAlign"),
        ("color", "01 · Transform"),
        ("stride", "05 · Stride grid"),
        ("freeze BatchNorm", "02 · Backbone"),
        ("mAP", "Glossary"),
    ],
)
def test_the_search_puts_the_best_page_first(site: Path, visit: Visit, query: str, title: str) -> None:
    page = look_up(site, visit, query)
    assert page.locator("#search-results h2").first.text_content() == title
    assert re.fullmatch(r"(\d+ pages contain|1 page contains) .+\.", page.text_content("#search-status"))
    assert visit.errors == []


def test_the_search_leads_to_a_section(site: Path, visit: Visit) -> None:
    page = visit.open(site / LESSON)
    page.fill(".search-box input", "canonical scale")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results ol")
    section = page.locator("#search-results ol > li:has-text('10 · Level mapper') li:has(h3)").first
    assert {word.lower() for word in section.locator("p mark").all_text_contents()} >= {"canonical", "scale"}
    heading = section.locator("h3").text_content()
    section.locator("h3 a").click()
    page.wait_for_selector("h1:has-text('Level mapper')")
    place = page.locator(f"[id='{unquote(page.url.partition('#')[2])}'] > :is(h2, h3)").first
    assert place.text_content().removesuffix("¶") == heading
    assert place.bounding_box()["y"] < 200
    assert visit.errors == []


def test_every_section_that_the_search_knows_exists(site: Path) -> None:
    script = (site / "_static" / "search_words.js").read_text(encoding="utf-8")
    pages = json.loads(script.removeprefix("const PAGES = ").rstrip(";\n").removesuffix(",\n]") + "]")
    assert len(pages) > 50
    for page in pages:
        ids = {element.attributes.get("id") for element in elements_of(site / page["file"])}
        assert page["sections"], page["file"]
        assert {anchor for anchor, *_ in page["sections"]} <= ids, page["file"]


def test_the_search_knows_british_spellings_and_capitals(site: Path, visit: Visit) -> None:
    assert "colour" in look_up(site, visit, "color").locator("#search-results mark").all_text_contents()
    assert "centre" in look_up(site, visit, "center").locator("#search-results mark").all_text_contents()
    marks = look_up(site, visit, "mAP").locator("#search-results mark").all_text_contents()
    assert {*marks} == {"AP"}


def test_the_search_offers_the_word_that_was_meant(site: Path, visit: Visit) -> None:
    page = look_up(site, visit, "propsal")
    assert page.text_content("#search-status") == "No page contains “propsal”."
    page.click(".meant a:has-text('proposal')")
    page.wait_for_selector("#search-results h2:has-text('09 · Proposals')")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("xyzzyqq", "No page contains “xyzzyqq”."),
        ("why is the", "The words of “why is the” are on almost every page."),
        ("why 512", "“why” was left out, because almost every page has it."),
        ("anchor xyzzyqq", "No page contains “xyzzyqq”. 4"),
        ("锚框", "pages contain “锚框”."),
        ("constructor", "pages contain “constructor”."),
        ("", ""),
    ],
)
def test_the_search_says_what_it_did(site: Path, visit: Visit, query: str, said: str) -> None:
    page = look_up(site, visit, query)
    assert said in page.text_content("#search-status[role=status]")
    assert bool(page.locator("#search-results h2").count()) == (
        query in ("why 512", "anchor xyzzyqq", "锚框", "constructor")
    )
    assert visit.errors == []


def test_a_button_shows_the_other_pages(site: Path, visit: Visit) -> None:
    page = look_up(site, visit, "anchor")
    assert page.locator("#search-results ol > li").count() == 10
    page.click("#search-results button")
    assert page.text_content("#search-status").startswith(f"{page.locator('#search-results ol > li').count()} pages")
    assert page.evaluate("document.activeElement.closest('li') === document.querySelectorAll('ol > li')[10]")


def test_what_the_search_finds_is_accessible(site: Path, visit: Visit) -> None:
    axe = from_npm(AXE).read_text(encoding="utf-8")
    for query in ("anchor", "propsal"):
        page = look_up(site, visit, query)
        page.evaluate(axe)
        assert page.evaluate(SERIOUS, BUT_CONTRAST) == []
        assert pale(page) == []


def test_the_contents_of_a_page_are_at_its_side_or_in_a_fold(site: Path, visit: Visit) -> None:
    page = visit.open(site / LESSON)
    page.set_viewport_size({"width": 1500, "height": 900})
    assert not page.is_visible(".contents")
    page.evaluate("document.querySelector('#exercises').scrollIntoView()")
    page.wait_for_selector(".on-this-page [aria-current]:has-text('Exercises')")
    assert page.locator(".on-this-page [aria-current]").count() == 1
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert not page.is_visible(".on-this-page")
        page.click(".contents summary")
        page.click(".contents a:has-text('Exercises')")
        assert page.locator("#exercises > h2").bounding_box()["y"] < 200
        assert page.evaluate("scrollY") > 1000
        page.click("a:has-text('Back to the top')")
        assert page.locator("h1").bounding_box()["y"] > 0


def test_a_figure_opens_over_the_page(site: Path, visit: Visit) -> None:
    page = visit.open(site / LESSON)
    page.locator(".picture a").first.focus()
    page.keyboard.press("Enter")
    opened = page.locator("dialog img")
    opened.wait_for()
    assert opened.evaluate("(image) => image.width === image.naturalWidth && image.width > 1000")
    assert opened.get_attribute("alt") == page.locator(".picture img").first.get_attribute("alt")
    page.keyboard.press("Escape")
    opened.wait_for(state="hidden")
    assert page.evaluate("document.activeElement === document.querySelector('.picture a')")
    page.click(".picture a")
    opened.click()
    opened.wait_for(state="hidden")
    assert page.url.endswith(LESSON)
    assert visit.errors == []


def test_figures_are_dimmed_in_the_dark(site: Path, visit: Visit) -> None:
    page = visit.open(site / LESSON)
    light = "getComputedStyle(document.querySelector('.picture')).filter"
    assert page.evaluate(light) == "brightness(1)"
    page.click(".theme-button")
    assert page.evaluate(light) == "brightness(0.84)"
    page.emulate_media(color_scheme="dark")
    page.click(".theme-button")
    assert page.evaluate(light) == "brightness(1)"


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
