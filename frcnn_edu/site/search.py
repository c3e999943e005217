"""The words of all pages, section by section, as one script: what the page "Search" looks through."""

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from ..languages.edition import Edition, later
from .pages.contents import Group
from .pages.page import Page

FILE = "_static/search_words{}.js"  # with the language, but for English
# Pages whose tables have a row for each thing: the rows are found like sections.
LISTS = {"docs/glossary", "docs/questions", "docs/parameters", "docs/command_line"}
SOURCE = later("Source code")
VOID = {"br", "col", "hr", "img", "input", "link", "meta", "wbr"}  # elements that have no end
CELL = " · "  # between the cells of a row
CELLS = re.compile(r" ·( ·)* ?")  # so, if some are empty
BLOCKS = {"p", "li", "tr", "dd", "dt", "pre", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6"}


@dataclass
class Section:
    """The text below a heading, up to the next heading.

    Attributes:
        anchor: the id to which a link leads.
        heading: the heading as text.
        words: paragraphs, items and rows of tables, one per line.
        code: code without its imports, and what it printed.
    """

    anchor: str
    heading: str = ""
    words: str = ""
    code: str = ""

    def listed(self) -> list[str]:
        """The section as it is written to the script."""
        lines = (CELLS.sub(CELL, " ".join(line.split())).removesuffix(CELL) for line in self.words.splitlines())
        code = (line.rstrip() for line in self.code.splitlines() if not line.startswith(("from ", "import ")))
        return [
            self.anchor,
            " ".join(self.heading.split()),
            "\n".join(filter(None, lines)),
            "\n".join(filter(None, code)),
        ]

    def rows(self) -> list["Section"]:
        """The section, and each row of its tables as a section of its own, whose heading is the row's first cell."""
        anchor, heading, words, code = self.listed()
        lines = words.splitlines()
        rows = [line.partition(CELL) for line in lines if CELL in line]
        text = "\n".join(line for line in lines if CELL not in line)
        return [Section(anchor, heading, text, code), *(Section(anchor, term, rest) for term, _, rest in rows)]


@dataclass
class SectionReader(HTMLParser):
    """Reads the sections of a page. Code that is folded at first, such as imports, and the lines of folds are left out."""

    sections: list[Section] = field(default_factory=list)
    _open: list[tuple[str, str]] = field(default_factory=list)  # elements around the place: tag, and what its text is
    _inside: list[Section] = field(default_factory=list)  # sections around the place

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        attributes = {name: value or "" for name, value in attrs}
        self._open.append((tag, self._use(tag, attributes)))
        if tag == "section":
            self._inside.append(Section(attributes.get("id", "")))
            self.sections.append(self._inside[-1])

    def _use(self, tag: str, attributes: dict[str, str]) -> str:
        """What the text of an element is used for: nothing, "heading", "code" or "words"."""
        classes = attributes.get("class", "").split()
        around = self._open[-1][1] if self._open else "words"
        folded = tag == "details" and "open" not in attributes and {"code", "part"} & {*classes}
        if (
            around == "nothing"
            or folded
            or tag in ("script", "summary")
            or {"headerlink", "locally", "contents"} & {*classes}
        ):
            return "nothing"
        if re.fullmatch("h[1-6]", tag):
            return "heading"
        return "code" if tag == "pre" else around

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        while self._open.pop()[0] != tag:  # an element whose end is left out
            pass
        if tag == "section":
            self._inside.pop()
        elif tag in BLOCKS | {"td", "th"}:
            in_row = any(around == "tr" for around, _ in self._open)  # a row stays one line
            self._add(CELL if tag in ("td", "th") else " " if in_row else "\n")

    def handle_data(self, data: str) -> None:
        in_code = self._open and self._open[-1][1] == "code"
        self._add(data if in_code else data.replace("\n", " "))

    def _add(self, text: str) -> None:
        use = self._open[-1][1] if self._open else "words"
        if self._inside and use != "nothing":
            setattr(self._inside[-1], use, getattr(self._inside[-1], use) + text)


def write_search(site: Path, edition: Edition, pages: list[Page], listed: list[Group]) -> None:
    """Write the script of an edition.

    Args:
        site: folder of the finished pages.
        edition: the course in a language.
        pages: all its pages.
        listed: the groups of those that the menu lists; the others are source files.
    """
    groups = {edition.prefix + name: group.caption for group in listed for name in group.pages}
    lines = []
    for page in pages:
        group = groups.get(page.name, SOURCE if page.kind == "source" else "")
        if not group:  # the page of contents has no words of its own
            continue
        file = f"{page.name}.html"
        words = _sections(site / file, by_row=page.name.removeprefix(edition.prefix) in LISTS)
        facts = {"file": file.removeprefix(edition.prefix), "title": page.title, "group": group, "sections": words}
        lines.append(json.dumps(facts, ensure_ascii=False))
    language = f"_{edition.prefix.rstrip('/')}" if edition.prefix else ""
    (site / FILE.format(language)).write_text("const PAGES = [\n" + ",\n".join(lines) + ",\n];\n", encoding="utf-8")


def _sections(file: Path, by_row: bool) -> list[list[str]]:
    reader = SectionReader()
    article = file.read_text(encoding="utf-8").partition('<article class="text">')[2].partition("</article>")[0]
    reader.feed(article)
    # The first cell of a row is then found like a heading.
    sections = [row for section in reader.sections for row in section.rows()] if by_row else reader.sections
    return [section.listed() for section in sections]
