"""The site as files: every link leads somewhere, nothing is inline, nothing comes from elsewhere, and it is small."""

import hashlib
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from reading_pages import ROOT, VALIDATOR, Element, addresses_of, elements_of, from_npm, pages_of, target_of

from frcnn_edu.languages.edition import editions
from frcnn_edu.lessons import EXPLORER_NAMES, EXPLORER_OF, LESSONS, notebook_name
from frcnn_edu.site.build import build_site
from frcnn_edu.site.sphinx_run import POLICY

LARGEST_SITE, LARGEST_PAGE = 80e6, 2.5e6  # bytes


@cache
def read(page: Path) -> list[Element]:
    return elements_of(page)


def test_every_notebook_and_document_has_a_page(site: Path) -> None:
    expected = {"index.html", "search.html", "contents.html", "start.html"}
    expected |= {f"notebooks/{Path(notebook_name(lesson)).stem}.html" for lesson in LESSONS}
    expected |= {f"notebooks/deeper/{path.stem}.html" for path in (ROOT / "notebooks" / "deeper").glob("*.ipynb")}
    expected |= {f"docs/{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    expected |= {edition.prefix + page for edition in editions(ROOT) for page in expected}
    pages = {page.relative_to(site).as_posix() for page in pages_of(site)}
    assert {page for page in pages if not page.startswith("source/")} == expected


def test_every_link_and_anchor_resolves(site: Path) -> None:
    for page in pages_of(site):
        for address in (address for element in read(page) for address in addresses_of(element)):
            file, anchor = target_of(page, address)
            where = f"{page.relative_to(site)} leads to {address}"
            assert file.is_file(), where
            assert file.is_relative_to(site.resolve()), where
            if anchor:
                assert file.suffix == ".html", where
                assert anchor in {element.attributes.get("id") for element in read(file)}, where


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(site: Path) -> None:
    for page in pages_of(site):
        policies = []
        for element in read(page):
            where = f"{page.relative_to(site)}: {element}"
            assert element.tag not in ("style", "iframe", "object", "embed", "base"), where
            assert not any(name == "style" or name.startswith("on") for name in element.attributes), where
            if element.tag == "script":
                assert element.attributes["src"], where
                assert not element.text.strip(), where
            if element.tag in ("script", "link", "img"):
                assert addresses_of(element), f"{where} is loaded from elsewhere"
            if element.attributes.get("http-equiv") == "Content-Security-Policy":
                policies.append(element.attributes["content"])
        assert policies == [POLICY], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"@import|https?:", sheet.read_text(encoding="utf-8")), sheet


def test_every_image_says_what_it_shows_and_how_large_it_is(site: Path) -> None:
    for page in pages_of(site):
        for image in (element for element in read(page) if element.tag == "img"):
            assert "alt" in image.attributes, f"{page}: {image}"
    for page in (site / "notebooks").rglob("*.html"):
        for image in (element for element in read(page) if "pictures/" in element.attributes.get("src", "")):
            assert len(image.attributes["alt"]) > 10, f"{page}: {image}"
            assert int(image.attributes["width"]) > 100 < int(image.attributes["height"]), f"{page}: {image}"


def test_each_explorer_has_its_place(site: Path) -> None:
    places = {}
    for page in pages_of(site):
        here = [element.attributes["data-explorer"] for element in read(page) if "data-explorer" in element.attributes]
        places[page.relative_to(site).as_posix()] = here
        loaded = any("explorers/page.js" in element.attributes.get("src", "") for element in read(page))
        assert loaded == bool(here), page
    assert {name for names in places.values() for name in names} == {*EXPLORER_NAMES}
    assert places["index.html"] == ["any_box"]
    for lesson, name in EXPLORER_OF.items():
        assert name in places[f"notebooks/{Path(notebook_name(lesson)).stem}.html"]


def test_solutions_are_folded_behind_their_exercises(site: Path) -> None:
    for lesson in LESSONS:
        text = (site / "notebooks" / f"{Path(notebook_name(lesson)).stem}.html").read_text(encoding="utf-8")
        solutions = re.findall(r'<details class="solution">\s*<summary>Solution to exercise (\d)</summary>', text)
        exercises = (ROOT / "notebooks" / notebook_name(lesson)).read_text(encoding="utf-8")
        numbers = re.findall(r'"id": "exercise-(\d)"', exercises)
        assert numbers, lesson
        assert solutions == numbers, lesson
        assert "Download its solutions" in text
        assert "Not yet." not in text  # here, nobody can solve an exercise


def test_the_site_is_small(site: Path) -> None:
    assert sum(file.stat().st_size for file in site.rglob("*") if file.is_file()) <= LARGEST_SITE
    for page in pages_of(site):
        loaded = {target_of(page, address)[0] for element in read(page) for address in loads(element)}
        assert page.stat().st_size + sum(file.stat().st_size for file in loaded) <= LARGEST_PAGE, page


def loads(element: Element) -> list[str]:
    """What a page loads because of an element, images out of sight included."""
    return addresses_of(element) if element.tag in ("script", "link", "img") else []


def test_a_second_build_gives_the_same_bytes(site: Path, tmp_path: Path) -> None:
    build_site(ROOT, tmp_path / "again")
    assert hashes(tmp_path / "again") == hashes(site)


def hashes(folder: Path) -> dict[str, str]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_html_is_valid(site: Path) -> None:
    jar = from_npm(VALIDATOR)
    if shutil.which("java") is None and not os.environ.get("NPM_REQUIRED"):
        pytest.skip("the validator needs Java")
    command = ["java", "-jar", str(jar), "--errors-only", "--skip-non-html", "--format", "gnu", str(site)]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
