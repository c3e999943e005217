"""What the home page shows. Its layout is the template `home.html` of the theme; its words and pictures are those of the course."""

import re
from typing import Any

from markdown_it import MarkdownIt

from ...languages.edition import Edition
from ...lessons import LESSONS, notebook_name
from .links import page_links
from .markup import image
from .readme import Lesson, introduction, lessons, section, ways

NAME = "index"
FIRST_NOTEBOOK = "notebooks/00_the_whole_network.ipynb"


def home(edition: Edition) -> dict[str, Any]:
    """The names that the template uses: texts and images, as HTML."""
    readme = edition.document("README.md")
    three_ways = section((edition.root / "README.md").read_text(encoding="utf-8"), "Three ways through the course")
    cells = {cell.id: cell for cell in edition.notebook(FIRST_NOTEBOOK).cells}
    result, explorer = _alt(cells["photograph"]), _alt(cells["any-box"])
    promise, what = introduction(readme)
    found = ways(edition.text(three_ways, "README.md"))
    return {
        "promise": promise.replace("Faster R-CNN", '<span class="whole">Faster R-CNN</span>'),
        "what": _html(edition, what),
        "result": _image(edition, "figures/photograph.png", result, first=True),
        "result_words": result,
        "explorer": _image(edition, "figures/explore_any_box.png", explorer, first=True),
        "explorer_words": _html(edition, cells["any-box-words"].source),
        "ways": [{name: _html(edition, _linked(text)) for name, text in vars(way).items()} for way in found],
        "lessons": [_card(edition, lesson) for lesson in lessons(readme)],
    }


def _card(edition: Edition, lesson: Lesson) -> dict[str, str]:
    return {
        "image": _image(edition, lesson.thumbnail, ""),
        "page": lesson.notebook.removesuffix(".ipynb") + ".html",
        "title": lesson.title,
        "shows": _html(edition, lesson.shows),
    }


def _image(edition: Edition, file: str, alt: str, first: bool = False) -> str:
    address = "../" * edition.prefix.count("/") + file
    return image(address, (edition.root / file).read_bytes(), alt, first)


def _alt(cell: Any) -> str:
    """The alternative text of the picture that a cell shows."""
    return next(output.metadata["image/png"]["alt"] for output in cell.outputs if "image/png" in output.data)


def _linked(text: str) -> str:
    """Markdown in which the number of each lesson leads to it. Other numbers stay as they are."""
    links = {lesson[:2]: f"[{lesson[:2]}](notebooks/{lesson})" for lesson in map(notebook_name, LESSONS)}
    return re.sub(r"(?<!\[)\b\d\d\b(?!_)", lambda number: links.get(number[0], number[0]), text)


def _html(edition: Edition, text: str) -> str:
    """A line of Markdown as HTML, with links that lead to pages."""
    linked, _ = page_links(text, NAME, edition.root, edition.prefix)
    return MarkdownIt().renderInline(linked).replace('.md"', '.html"').replace(".md#", ".html#")
