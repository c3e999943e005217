"""Where the notebooks are, how they are read and written, and what differs between two machines."""

import re
from pathlib import Path

import nbformat

from ..training.files import replacing

SANITIZE = "sanitize.cfg"  # in the folder of the notebooks; also for nbval's --nbval-sanitize-with

# What would differ from run to run, or with the number of cores.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TQDM_DISABLE": "1",
}
# A cell with this comment, and a reason in the next line, may draw another picture on another machine: only its size counts.
MAY_DIFFER = "# PICTURE_MAY_DIFFER"


def find_notebooks(folder: Path, names: list[str] | None = None) -> list[Path]:
    """The notebooks in `folder` and its `solutions`, in reading order; with names, those whose file begins like one of them.

    Raises:
        ValueError: there is none, or a name fits none.
    """
    found = [*sorted(folder.glob("*.ipynb")), *sorted((folder / "solutions").glob("*.ipynb"))]
    if not found:
        raise ValueError(f"no notebooks in {folder}")
    for name in names or []:
        if not any(path.name.startswith(name) for path in found):
            raise ValueError(f"no notebook's name begins with {name!r}; there are {[path.name for path in found]}")
    return [path for path in found if not names or any(path.name.startswith(name) for name in names)]


def read_notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def write_notebook(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    with replacing(path) as temporary:
        nbformat.write(notebook, temporary)


def sanitizers(folder: Path) -> list[tuple[re.Pattern, str]]:
    """What is replaced in two outputs before they are compared: patterns and their replacements."""
    for place in (folder, folder.parent):
        if (place / SANITIZE).is_file():
            text = (place / SANITIZE).read_text(encoding="utf-8")
            pairs = re.findall(r"^regex: (.*)$\n^replace: (.*)$", text, flags=re.MULTILINE)
            return [(re.compile(pattern), replacement) for pattern, replacement in pairs]
    return []


def sanitized(text: str, patterns: list[tuple[re.Pattern, str]]) -> str:
    for pattern, replacement in patterns:
        text = pattern.sub(replacement, text)
    return text
