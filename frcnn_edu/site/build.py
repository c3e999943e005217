"""The whole build: Markdown pages from the course, HTML from Sphinx, and the files beside them."""

import shutil
import tempfile
from pathlib import Path

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
from .sphinx_run import run_sphinx

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


def build_site(root: Path, out: Path, repository: str = "") -> None:
    """Write the site.

    Args:
        root: folder of the project, with its notebooks, docs and figures.
        out: folder of the site; it may be absent, empty or an earlier site, which is replaced.
        repository: the address from which readers can clone the project; without it, they are told to ask for the project.

    Raises:
        ValueError: the output folder contains something else; a link leads nowhere.
    """
    out = out.resolve()
    check_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as work:
        source, target = Path(work, "source"), Path(work, "site")
        listed = groups(root)
        pages = make_pages(root, listed, repository)
        write_source(root, source, pages)
        titles = {page.name: page.title for page in pages}
        menu = [{"caption": group.caption, "pages": [(name, titles[name]) for name in group.pages]} for group in listed]
        context = {"menu": menu, "home": home(root), "repository": repository}
        run_sphinx(source, target, Path(work, "doctrees"), context, ["files"])
        remove_left_over(target)
        write_search(target, pages, listed)
        write_math_font(target / MATH_FONT)
        explorers.write(target / explorers.FOLDER)
        put_in_place(target, out)


def remove_left_over(site: Path) -> None:
    """Remove what Sphinx writes and no page uses."""
    for name in LEFT_OVER:
        (site / name).unlink(missing_ok=True)
    shutil.rmtree(site / "_sources", ignore_errors=True)


def make_pages(root: Path, listed: list[Group], repository: str = "") -> list[Page]:
    """All pages: those that are listed, the source files to which they link, and the contents."""
    pages = [_page(root, name, repository) for group in listed for name in group.pages]
    linked = sorted({file for page in pages for file in page.files if not file.endswith(".png")})
    return [*pages, *(source_page(root, file) for file in linked), contents_page(listed)]


def _page(root: Path, name: str, repository: str) -> Page:
    if name == "start":
        return start_page(root, repository)
    if not name.startswith("notebooks/"):
        return document_page(root, name)
    solutions = root / "notebooks" / "solutions" / f"{Path(name).name}.ipynb"
    return notebook_page(root, root / f"{name}.ipynb", solutions if Path(name).parent.name == "notebooks" else None)


def write_source(root: Path, source: Path, pages: list[Page]) -> None:
    """Write what Sphinx reads: the pages and, in `files`, what it copies as it is."""
    files = source / "files"
    (files / PICTURES).mkdir(parents=True)
    for figure in sorted((root / "figures").glob("*.png")):
        copy(figure, files / "figures" / figure.name)
    for notebook in find_notebooks(root / "notebooks"):
        copy(notebook, files / notebook.relative_to(root))
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
