"""What the home page shows. Its layout is the template `home.html` of the theme; its words and pictures are those of the course."""

import re
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from ...lessons import LESSONS, notebook_name
from ...notebook_checks.notebooks import read_notebook
from .links import page_links
from .markup import image
from .readme import Lesson, introduction, lessons, ways

NAME = "index"
FIRST_NOTEBOOK = Path("notebooks", "00_the_whole_network.ipynb")


def home(root: Path) -> dict[str, Any]:
    """The names that the template uses: texts and images, as HTML."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    cells = {cell.id: cell for cell in read_notebook(root / FIRST_NOTEBOOK).cells}
    result, explorer = _alt(cells["photograph"]), _alt(cells["any-box"])
    promise, what = introduction(readme)
    return {
        "promise": promise.replace("Faster R-CNN", '<span class="whole">Faster R-CNN</span>'),
        "what": _html(root, what),
        "result": _image(root, "figures/photograph.png", result, first=True),
        "result_words": result,
        "explorer": _image(root, "figures/explore_any_box.png", explorer, first=True),
        "explorer_words": _html(root, cells["any-box-words"].source),
        "ways": [{name: _html(root, _linked(text)) for name, text in vars(way).items()} for way in ways(readme)],
        "lessons": [_card(root, lesson) for lesson in lessons(readme)],
    }


def _card(root: Path, lesson: Lesson) -> dict[str, str]:
    return {
        "image": _image(root, lesson.thumbnail, ""),
        "page": lesson.notebook.removesuffix(".ipynb") + ".html",
        "title": lesson.title,
        "shows": _html(root, lesson.shows),
    }


def _image(root: Path, file: str, alt: str, first: bool = False) -> str:
    return image(file, (root / file).read_bytes(), alt, first)


def _alt(cell: Any) -> str:
    """The alternative text of the picture that a cell shows."""
    return next(output.metadata["image/png"]["alt"] for output in cell.outputs if "image/png" in output.data)


def _linked(text: str) -> str:
    """Markdown in which the number of each lesson leads to it. Other numbers stay as they are."""
    links = {lesson[:2]: f"[{lesson[:2]}](notebooks/{lesson})" for lesson in map(notebook_name, LESSONS)}
    return re.sub(r"(?<!\[)\b\d\d\b(?!_)", lambda number: links.get(number[0], number[0]), text)


def _html(root: Path, text: str) -> str:
    """A line of Markdown as HTML, with links that lead to pages."""
    linked, _ = page_links(text, NAME, root)
    return MarkdownIt().renderInline(linked).replace('.md"', '.html"').replace(".md#", ".html#")
