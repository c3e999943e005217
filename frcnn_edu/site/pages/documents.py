"""Pages that are not notebooks: the Markdown files of docs/, a part of the README, and source files."""

from pathlib import Path

from .links import page_links
from .markup import fenced
from .page import Page
from .readme import section

LANGUAGES = {".py": "python", ".json": "json"}
UNKNOWN = "You need the folder of the project. This copy of the site was built without its address, so ask whoever gave it to you."


def document_page(root: Path, name: str) -> Page:
    """A Markdown file of the project: "docs/glossary"."""
    return _page(root, name, (root / f"{name}.md").read_text(encoding="utf-8"))


def start_page(root: Path, repository: str = "") -> Page:
    """How to get, install and use the package, from README.md.

    Args:
        root: folder of the project.
        repository: the address from which it can be cloned.
    """
    readme = (root / "README.md").read_text(encoding="utf-8")
    get = fenced(f"git clone {repository} frcnn_edu && cd frcnn_edu", "bash") if repository else UNKNOWN
    parts = [f"## Get it\n\n{get}"]
    parts += [f"## {heading}\n\n{section(readme, heading)}" for heading in ("Start", "Use it", "Trust it")]
    return _page(root, "start", "# Set it up and use it\n\n" + "\n\n".join(parts))


def source_page(root: Path, file: str) -> Page:
    """A page that shows a source file of the project: "frcnn_edu/model/fast/switch.py"."""
    path = root / file
    text = path.read_text(encoding="utf-8").rstrip("\n")
    return Page(f"source/{file}", f"# `{file}`\n\n{fenced(text, LANGUAGES[path.suffix])}", kind="source")


def _page(root: Path, name: str, text: str) -> Page:
    text, files = page_links(text, name, root)
    return Page(name, text, files=files)
