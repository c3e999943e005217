"""All notebooks of the course share one skeleton of headings, so that readers can find their way."""

import re
from pathlib import Path
from typing import Any

from .notebooks import read_notebook
from .statistics import MINUTES

#: The sections at a notebook's end, in their order.
CLOSING = ("Our cross", "Try it yourself", "Summary", "Exercises", "Open questions", "Going deeper", "Next")
OPTIONAL = {"Our cross", "Try it yourself", "Going deeper"}
BEGINNING = "You can now"  # of a summary


def skeleton_problems(path: Path) -> list[str]:
    """One sentence for each way in which a main notebook differs from the skeleton."""
    cells = read_notebook(path).cells
    found = []
    if not MINUTES.search(cells[0].source):
        found.append(
            "its first cell has no line such as *25 minutes · training and inference · `frcnn_edu/model/fpn.py`*"
        )
    heads = headings(cells, level=2)
    closing = [heading for heading in heads if heading in CLOSING]
    if closing != [heading for heading in CLOSING if heading in closing]:
        found.append(f"its closing sections are {closing}; their order is {list(CLOSING)}")
    found += [f"it has no section {heading!r}" for heading in CLOSING if heading not in (*closing, *OPTIONAL)]
    summary = next((cell.source for cell in cells if cell.source.startswith("## Summary")), "")
    if summary and BEGINNING not in summary:
        found.append(f"its summary does not say what the reader can do: {BEGINNING!r} …")
    exercises = [cell for cell in cells if re.fullmatch(r"exercise-\d+", cell.id)]
    if not 2 <= len(exercises) <= 3:
        found.append(f"it has {len(exercises)} checked exercises; expected two or three")
    return found


def headings(cells: list[Any], level: int) -> list[str]:
    """The headings of one level, in their order, without those in code blocks."""
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.findall(rf"^{'#' * level} (.*)$", text, re.MULTILINE)
