"""The order of the pages: what the navigation and the page of contents list."""

from dataclasses import dataclass
from pathlib import Path

from ...languages.edition import Edition, later
from ...lessons import LESSONS, notebook_name
from .page import Page

ROOT = "contents"  # the page that lists all others

#: Groups of pages that are not notebooks; each file of docs/ is in one of them.
DOCUMENTS = {
    later("At hand"): ("docs/glossary", "docs/parameters", "docs/questions", "docs/explorers"),
    later("Use it"): ("start", "docs/command_line", "docs/data_sets", "docs/training", "docs/coming_from_torchvision"),
    later("Behind the course"): (
        "docs/same_numbers",
        "docs/speed",
        "docs/map",
        "docs/teachers",
        "docs/site",
        "docs/languages",
    ),
}


@dataclass(frozen=True)
class Group:
    """Pages that are listed together under a caption, by name; the captions are in English."""

    caption: str
    pages: tuple[str, ...]


def groups(root: Path) -> list[Group]:
    """All pages of the project in their order.

    Raises:
        ValueError: a file of docs/ is in no group.
    """
    names = [Path(notebook_name(lesson)).stem for lesson in LESSONS]
    deeper = [name for name in names if (root / "notebooks" / "deeper" / f"{name}.ipynb").is_file()]
    for path in sorted((root / "docs").glob("*.md")):
        if not any(f"docs/{path.stem}" in pages for pages in DOCUMENTS.values()):
            raise ValueError(f"docs/{path.name} is in no group of the site's contents")
    return [
        Group(later("Lessons"), tuple(f"notebooks/{name}" for name in names)),
        Group(later("Deeper"), tuple(f"notebooks/deeper/{name}" for name in deeper)),
        *(Group(caption, pages) for caption, pages in DOCUMENTS.items()),
    ]


def contents_page(edition: Edition, all_groups: list[Group]) -> Page:
    """The page that lists all others of an edition; Sphinx takes their order from it."""
    blocks = [f"# {edition.word('Contents')}"]
    for group in all_groups:
        names = "\n".join(f"/{edition.prefix}{name}" for name in group.pages)
        caption = edition.word(group.caption)
        blocks.append(f"## {caption}\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```")
    return Page(edition.prefix + ROOT, "\n\n".join(blocks), orphan=bool(edition.prefix))
