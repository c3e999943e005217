"""What is wrong with a notebook's file, as can be seen without running it."""

import re
from pathlib import Path
from typing import Any

import nbformat

from .notebooks import MAY_DIFFER, read_notebook
from .pictures import is_blank, pictures

LARGEST = 1_500_000  # bytes: code-hosting sites show no larger ones
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/~-])/(?:home|Users|root|tmp|work|usr|opt|private|mnt|var)/|\b[A-Z]:\\")
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
SHOWS = re.compile(r"^(?:print|show|display)\(", re.MULTILINE)
NEEDS_REASON = ("# NBVAL_IGNORE_OUTPUT", MAY_DIFFER)


def problems(path: Path) -> list[str]:
    """One sentence for each problem of a notebook; none for a good one."""
    found = []
    size = path.stat().st_size
    if size > LARGEST:
        found.append(f"{size:,} bytes are more than {LARGEST:,}")
    notebook = read_notebook(path)
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        found.append(f"not a valid notebook: {str(error).splitlines()[0]}")
    widgets = notebook.metadata.get("widgets")
    if widgets is not None and not widgets.get("application/vnd.jupyter.widget-state+json", {}).get("state"):
        found.append("metadata.widgets without state keeps code-hosting sites from showing the notebook")
    count = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            count += 1
            found += [f"cell {cell.id!r}: {problem}" for problem in _code_problems(cell, count, path)]
        for text in (cell.source, *_texts(cell.get("outputs", []))):
            found += [f"cell {cell.id!r}: absolute path in {part!r}" for part in _around(ABSOLUTE_PATH, text)]
            found += [f"cell {cell.id!r}: address of an object in {part!r}" for part in _around(ADDRESS, text)]
        for target in re.findall(r"\]\(([^)#]+\.ipynb)", cell.source if cell.cell_type == "markdown" else ""):
            if not target.startswith("http") and not (path.parent / target).is_file():
                found.append(f"cell {cell.id!r}: links to {target}, which does not exist")
    return found


def _code_problems(cell: Any, count: int, path: Path) -> list[str]:
    found = []
    lines = cell.source.splitlines()
    if cell.execution_count != count:
        found.append(f"execution count {cell.execution_count} instead of {count}: not run from top to bottom")
    if "execution" in cell.metadata:
        found.append("its metadata contain execution times")
    for tag in cell.metadata.get("tags", []):
        if tag.startswith("nbval") or tag == "raises-exception":
            found.append(f"the tag {tag!r} hides from readers what is checked: use a comment")
    for line, following in zip(lines, [*lines[1:], ""]):
        if line.strip() in NEEDS_REASON and not following.startswith("# "):
            found.append(f"{line.strip()} needs a comment below that says why")
    outputs = cell.outputs
    if not outputs and SHOWS.search(cell.source):
        found.append("prints or shows something, but has no output")
    for output in outputs:
        if output.output_type == "error":
            found.append(f"holds an error: {output.ename}")
        if output.output_type == "stream" and output.name == "stderr":
            found.append("holds a warning or other text on stderr")
        if pictures([output]) and output.data.get("text/plain", "<").startswith("<"):
            found.append("a picture without an alternative text")
    if any(is_blank(picture) for picture in pictures(outputs)):
        found.append("a blank picture")
    if re.fullmatch(r"exercise-\d+", cell.id):
        expected = "Right." if path.parent.name == "solutions" else "Not yet."
        if not any(text.startswith(expected) for text in _texts(outputs)):
            found.append(f"the checker's answer should begin with {expected!r}")
    return found


def _texts(outputs: list[Any]) -> list[str]:
    """All text in a cell's outputs."""
    texts = []
    for output in outputs:
        texts += [output.text] if output.output_type == "stream" else []
        texts += [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
        texts += output.get("traceback", [])
    return texts


def _around(pattern: re.Pattern, text: str) -> list[str]:
    return [text[max(0, match.start() - 10) : match.end() + 30] for match in pattern.finditer(text)]


def exercises(path: Path) -> list[str]:
    """The ids of a notebook's exercise cells."""
    return [cell.id for cell in read_notebook(path).cells if re.fullmatch(r"exercise-\d+", cell.id)]
