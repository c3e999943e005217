"""Sphinx, with the settings of this site."""

import io
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from . import explorers
from .pages.contents import ROOT

TITLE = "Faster R-CNN, step by step"
THEME = Path(__file__).parent / "theme"
#: Everything comes from the site's own files; no script, style or attribute inside a page is obeyed.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "base-uri 'none'; form-action 'self'"
)


def heading_anchor(title: str) -> str:
    """The anchor of a heading, as JupyterLab makes it: links between notebooks use it."""
    return title.replace(" ", "-")


def run_sphinx(source: Path, target: Path, work: Path, context: dict[str, Any], files: list[str]) -> None:
    """Make the HTML pages of a folder of Markdown pages.

    Args:
        source, target: folders of the Markdown and of the site.
        work: folder for what Sphinx remembers between two runs.
        context: names for the theme's templates.
        files: folders and files in `source` that are copied as they are.

    Raises:
        ValueError: Sphinx found something wrong, such as a link that leads nowhere.
    """
    warnings = io.StringIO()
    options: dict[str, Any] = {
        "confoverrides": settings(context, files),
        "status": None,
        "warning": warnings,
        "freshenv": True,
    }
    with patch_docutils(), docutils_namespace():  # so that it can run more than once in a process
        Sphinx(source, None, target, work, "html", **options).build()
    if found := warnings.getvalue().strip():
        raise ValueError(f"the pages cannot be built:\n{found}")


def settings(context: dict[str, Any], files: list[str]) -> dict[str, Any]:
    """What would be in a conf.py."""
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
        "html_context": {"policy": POLICY, "explorers_folder": explorers.FOLDER, **context},
        "html_additional_pages": {"index": "home.html"},
        "html_extra_path": files,
        "html_math_renderer": "mathml",
        "html_title": TITLE,
        "html_use_index": False,
        "html_copy_source": False,
    }
