"""Sphinx, with the settings of this site."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from ..languages.edition import Edition, later
from . import explorers
from .pages.contents import ROOT
from .words import words_file

TITLE = later("Faster R-CNN, step by step")
THEME = Path(__file__).parent / "theme"
#: Everything comes from the site's own files; no script, style or attribute inside a page is obeyed.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "base-uri 'none'; form-action 'self'"
)


@dataclass(frozen=True)
class Shown:
    """What the theme has to know about an edition.

    Attributes:
        menu: captions, each with the names and titles of its pages.
        home: names for the template of the home page.
        others: the name, code and prefix of each other language.
    """

    edition: Edition
    menu: list[dict[str, Any]]
    home: dict[str, Any]
    others: list[tuple[str, str, str]]


def heading_anchor(title: str) -> str:
    """The anchor of a heading, as JupyterLab makes it: links between notebooks use it."""
    return title.replace(" ", "-")


def run_sphinx(
    source: Path, target: Path, work: Path, shown: list[Shown], repository: str = "", files: Sequence[str] = ()
) -> None:
    """Make the HTML pages of a folder of Markdown pages.

    Args:
        source, target: folders of the Markdown and of the site.
        work: folder for what Sphinx remembers between two runs.
        shown: the editions, English first.
        repository: the address from which readers can clone the project; may be empty.
        files: folders and files in `source` that are copied as they are.

    Raises:
        ValueError: Sphinx found something wrong, such as a link that leads nowhere.
    """
    warnings = io.StringIO()
    options: dict[str, Any] = {
        "confoverrides": settings(shown, repository, files),
        "status": None,
        "warning": warnings,
        "freshenv": True,
    }
    with patch_docutils(), docutils_namespace():  # so that it can run more than once in a process
        app = Sphinx(source, None, target, work, "html", **options)
        app.connect("html-page-context", lambda app, name, template, context, tree: surround(context, shown, name))
        app.build()
    if found := warnings.getvalue().strip():
        raise ValueError(f"the pages cannot be built:\n{found}")


def surround(context: dict[str, Any], shown: list[Shown], name: str) -> None:
    """Add the names for the templates, and translate the only words that Sphinx itself writes into a page."""
    context.update(around(shown, name))
    if "body" in context:
        title = later("Link to this heading")
        context["body"] = context["body"].replace(f'title="{title}"', f'title="{context["word"](title)}"')


def around(shown: list[Shown], name: str) -> dict[str, Any]:
    """Names for the templates, by the edition of a page: its words, its menu, its neighbours and its twins in other languages."""
    here = next(one for one in reversed(shown) if name.startswith(one.edition.prefix))
    prefix = here.edition.prefix
    order = [page for group in here.menu for page in group["pages"]]
    names = [page for page, _ in order]
    place = names.index(name) if name in names else None
    plain = name.removeprefix(prefix)
    return {
        "language": here.edition.code,
        "word": here.edition.word,
        "words_file": words_file(here.edition).removeprefix("_static/") if prefix else None,
        "prefix": prefix,
        "plain_name": plain,
        "menu": here.menu,
        "home": here.home,
        "before": order[place - 1] if place else None,
        "after": order[place + 1] if place is not None and place + 1 < len(order) else None,
        "twins": []
        if plain.startswith("source/")
        else [(title, code, other + plain) for title, code, other in here.others],
    }


def settings(shown: list[Shown], repository: str, files: Sequence[str]) -> dict[str, Any]:
    """What would be in a conf.py."""
    prefixes = [one.edition.prefix for one in shown]
    return {
        "project": TITLE,
        "author": "The frcnn_edu authors",
        "language": "en",
        "root_doc": ROOT,
        "extensions": ["myst_parser", "frcnn_edu.site.extension"],
        "smartquotes": False,
        "highlight_language": "none",
        "myst_enable_extensions": ["dollarmath"],
        "myst_heading_anchors": 4,
        "myst_heading_slug_func": f"{__name__}.heading_anchor",
        "html_theme": "course",
        "html_theme_path": [str(THEME)],
        "html_context": {"policy": POLICY, "explorers_folder": explorers.FOLDER, "repository": repository},
        "html_additional_pages": {
            **{f"{prefix}index": "home.html" for prefix in prefixes},
            **{f"{prefix}search": "search.html" for prefix in prefixes if prefix},  # the other one is Sphinx's own
        },
        "html_extra_path": list(files),
        "html_math_renderer": "mathml",
        "html_title": TITLE,
        "html_use_index": False,
        "html_copy_source": False,
    }
