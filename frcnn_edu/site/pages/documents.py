"""Pages that are not notebooks: the Markdown files of docs/, a part of the README, and source files."""

from pathlib import Path

from ...languages.edition import Edition
from .links import page_links
from .markup import fenced
from .page import Page
from .readme import section

LANGUAGES = {".py": "python", ".json": "json"}


def document_page(edition: Edition, name: str) -> Page:
    """A Markdown file of the project: "docs/glossary"."""
    return _page(edition, name, edition.document(f"{name}.md"))


def start_page(edition: Edition, repository: str = "") -> Page:
    """How to get, install and use the package, from README.md.

    Args:
        edition: the course in a language.
        repository: the address from which it can be cloned.
    """
    word, readme = edition.word, (edition.root / "README.md").read_text(encoding="utf-8")
    unknown = word(
        "You need the folder of the project. This copy of the site was built without its address, so ask whoever gave it to you."
    )
    get = fenced(f"git clone {repository} frcnn_edu && cd frcnn_edu", "bash") if repository else unknown
    parts = [f"## {word('Get it')}\n\n{get}"]
    for heading in ("Start", "Use it", "Trust it"):
        parts.append(edition.text(f"## {heading}\n\n{section(readme, heading)}", "README.md"))
    return _page(edition, "start", f"# {word('Set it up and use it')}\n\n" + "\n\n".join(parts))


def source_page(root: Path, file: str) -> Page:
    """A page that shows a source file of the project: "frcnn_edu/model/fast/switch.py"."""
    path = root / file
    text = path.read_text(encoding="utf-8").rstrip("\n")
    return Page(f"source/{file}", f"# `{file}`\n\n{fenced(text, LANGUAGES[path.suffix])}", kind="source", orphan=True)


def _page(edition: Edition, name: str, text: str) -> Page:
    text, files = page_links(text, name, edition.root, edition.prefix)
    return Page(edition.prefix + name, text, files=files)
