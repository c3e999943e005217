"""The whole build: Markdown pages from the course, HTML from Sphinx, and the files beside them."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..languages.edition import Edition, editions
from ..languages.sources import twin
from ..notebook_checks.find import find_notebooks
from . import explorers
from .folder import check_replaceable, put_in_place
from .math_font import FILE as MATH_FONT
from .math_font import write_math_font
from .pages.contents import Group, contents_page, groups
from .pages.documents import document_page, source_page, start_page
from .pages.home import home
from .pages.notebook import PICTURES, notebook_page
from .pages.page import Page
from .search import write_search
from .sphinx_run import Shown, run_sphinx
from .words import write_words

#: Files that Sphinx writes and no page uses.
LEFT_OVER = (
    ".buildinfo",
    ".buildinfo.bak",
    "objects.inv",
    "searchindex.js",  # leaves out numbers, and does not know sections
    *(f"_static/{name}" for name in ("basic.css", "pygments.css", "file.png", "minus.png", "plus.png")),
    *(f"_static/{name}.js" for name in ("doctools", "documentation_options", "searchtools", "sphinx_highlight")),
    *(f"_static/{name}-stemmer.js" for name in ("base", "english")),  # are in language_data.js
)


def build_site(root: Path, out: Path, repository: str = "", executed: Mapping[str, Path] | None = None) -> None:
    """Write the site.

    Args:
        root: folder of the project, with its notebooks, docs and figures.
        out: folder of the site; it may be absent, empty or an earlier site, which is replaced.
        repository: the address from which readers can clone the project; without it, they are told to ask for the project.
        executed: folders with notebooks that were executed in a language, by language: the pictures of its pages are theirs.

    Raises:
        ValueError: the output folder contains something else; a link leads nowhere.
    """
    out = out.resolve()
    check_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as work:
        source, target = Path(work, "source"), Path(work, "site")
        listed, all_editions = groups(root), editions(root, executed)
        pages = {edition.language: make_pages(edition, listed, repository) for edition in all_editions}
        write_source(root, source, [page for some in pages.values() for page in some])
        shown = [_shown(edition, listed, pages[edition.language], all_editions) for edition in all_editions]
        run_sphinx(source, target, Path(work, "doctrees"), shown, repository, ["files"])
        remove_left_over(target)
        for edition in all_editions:
            write_search(target, edition, pages[edition.language], listed)
            write_words(target, edition)
        write_math_font(target / MATH_FONT)
        explorers.write(target / explorers.FOLDER)
        put_in_place(target, out)


def _shown(edition: Edition, listed: list[Group], pages: list[Page], all_editions: list[Edition]) -> Shown:
    """What the theme has to know about an edition."""
    titles = {page.name: page.title for page in pages}
    menu = []
    for group in listed:
        names = [edition.prefix + name for name in group.pages]
        menu.append({"caption": edition.word(group.caption), "pages": [(name, titles[name]) for name in names]})
    others = [(other.name, other.code, other.prefix) for other in all_editions if other is not edition]
    return Shown(edition, menu, home(edition), others)


def remove_left_over(site: Path) -> None:
    """Remove what Sphinx writes and no page uses."""
    for name in LEFT_OVER:
        (site / name).unlink(missing_ok=True)
    shutil.rmtree(site / "_sources", ignore_errors=True)


def make_pages(edition: Edition, listed: list[Group], repository: str = "") -> list[Page]:
    """All pages of an edition: those that are listed, the source files to which they link, and the contents.

    The source files are the same for all editions; they are among the pages of the English one.
    """
    pages = [_page(edition, name, repository) for group in listed for name in group.pages]
    contents = contents_page(edition, listed)
    if edition.prefix:
        return [*pages, contents]
    linked = sorted({file for page in pages for file in page.files if not file.endswith(".png")})
    return [*pages, *(source_page(edition.root, file) for file in linked), contents]


def _page(edition: Edition, name: str, repository: str) -> Page:
    if name == "start":
        return start_page(edition, repository)
    if not name.startswith("notebooks/"):
        return document_page(edition, name)
    is_lesson = Path(name).parent.name == "notebooks"
    return notebook_page(edition, name, f"notebooks/solutions/{Path(name).name}" if is_lesson else None)


def write_source(root: Path, source: Path, pages: list[Page]) -> None:
    """Write what Sphinx reads: the pages and, in `files`, what it copies as it is."""
    files = source / "files"
    (files / PICTURES).mkdir(parents=True)
    for figure in sorted((root / "figures").glob("*.png")):
        copy(figure, files / "figures" / figure.name)
    for edition in editions(root):
        for notebook in find_notebooks(root / "notebooks"):
            name = notebook.relative_to(root).as_posix()
            written = twin(name, edition.language) if edition.prefix else name
            copy(root / written, files / edition.prefix / name)
    for page in pages:
        page.write(source)
        for file, png in page.pictures.items():
            (files / PICTURES / file).write_bytes(png)
        for file in page.files:
            if file.endswith(".png"):
                copy(root / file, source / file)


def copy(file: Path, place: Path) -> None:
    """Copy a file, and make the folder of the copy."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, place)
