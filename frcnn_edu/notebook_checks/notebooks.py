"""How notebooks are read and written, and what differs between two machines."""

import re
from pathlib import Path

import nbformat

from ..training.files import replacing

SANITIZE = "sanitize.cfg"  # in the folder of the notebooks; also for nbval's --nbval-sanitize-with

# Fixed, because it would differ from run to run, or with the number of cores.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TQDM_DISABLE": "1",
}
# A cell with this comment, and a reason in the next line, may draw a different picture on a different machine: only its
# width counts, because its height may depend on which photographs are in it.
MAY_DIFFER = "# PICTURE_MAY_DIFFER"


def read_notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def write_notebook(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    with replacing(path) as temporary:
        nbformat.write(notebook, temporary)


def sanitizers(folder: Path) -> list[tuple[re.Pattern, str]]:
    """Patterns, and their replacements in two outputs before these are compared."""
    for place in (folder, folder.parent, folder.parent.parent):  # notebooks/zh/deeper
        if (place / SANITIZE).is_file():
            text = (place / SANITIZE).read_text(encoding="utf-8")
            pairs = re.findall(r"^regex: (.*)$\n^replace: (.*)$", text, flags=re.MULTILINE)
            return [(re.compile(pattern), replacement) for pattern, replacement in pairs]
    return []


def sanitized(text: str, patterns: list[tuple[re.Pattern, str]]) -> str:
    for pattern, replacement in patterns:
        text = pattern.sub(replacement, text)
    return text
