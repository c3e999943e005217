"""What tests read from a page: its elements, with their attributes; and the programs from npm that check a page."""

import os
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

ROOT = Path(__file__).parents[2]
NPM = Path(__file__).parent / "node_modules"
AXE = NPM / "axe-core" / "axe.min.js"
VALIDATOR = NPM / "vnu-jar" / "build" / "dist" / "vnu.jar"


@dataclass
class Element:
    """The start of an element: its tag, its attributes, and the text directly in it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class PageReader(HTMLParser):
    """The elements of a page in their order."""

    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.elements:
            self.elements[-1].text += data


def pages_of(site: Path) -> list[Path]:
    """All pages, in a fixed order."""
    return sorted(site.rglob("*.html"))


def elements_of(page: Path) -> list[Element]:
    reader = PageReader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader.elements


def addresses_of(element: Element) -> list[str]:
    """Where an element leads, or what it loads, inside the site."""
    found = [element.attributes.get(name) for name in ("href", "src", "action")]
    return [address for address in found if address is not None and not address.startswith(("http:", "https:"))]


def target_of(page: Path, address: str) -> tuple[Path, str]:
    """The file to which an address on a page leads, and the anchor in it."""
    path, anchor = urldefrag(address)
    return ((page.parent / unquote(path)).resolve() if path else page.resolve()), unquote(anchor)


def from_npm(file: Path) -> Path:
    """Return a file that `npm ci --prefix tests/site` installs. Where that has not been done, the test is skipped."""
    if not file.is_file() and not os.environ.get("NPM_REQUIRED"):
        pytest.skip("npm ci --prefix tests/site has not been run")
    return file
