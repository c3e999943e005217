"""How much a notebook asks of its reader: words, visible code, pictures, and an honest reading time."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .notebooks import read_notebook
from .pictures import pictures
from .predictions import PREDICT

# One careful reader took 14 hours for the first edition's notebooks 00–13 (33,000 words, 3,380 lines of code, 150 pictures), and
# 17 for all of them. These paces give 13.8 and 16.6.
WORDS_PER_MINUTE, LINES_PER_MINUTE, PICTURES_PER_MINUTE = 100, 8, 2
MOST_ASSERTS = 0.1  # of the visible lines of code
STOP = "one-hour"  # the cell that says where the one-hour path leaves a notebook
# The line at a notebook's head: minutes; whether it is about training or inference (a deeper one: for whom it is); and what it opens up.
MINUTES = re.compile(
    r"^\*(\d+) minutes · (training and inference|training|inference|for those who want more)( · .+)?\*$", re.MULTILINE
)


@dataclass(frozen=True)
class Statistics:
    """What is counted in a notebook.

    Attributes:
        words: words of prose, in markdown cells; a formula counts as one.
        lines: lines of code that is shown, without blank lines and comments.
        asserts: the number of those that begin with `assert`.
        checks: lines of checks in the cells' metadata, which readers do not see.
        pictures: pictures in the outputs.
        predictions: how often the reader is asked to predict.
        path_words: words up to the cell where the one-hour path leaves the notebook; 0 if it does not lead through it.
        path_pictures: pictures up to there.
    """

    words: int
    lines: int
    asserts: int
    checks: int
    pictures: int
    predictions: int
    path_words: int
    path_pictures: int

    @property
    def minutes(self) -> int:
        """Reading time without exercises, rounded to five minutes."""
        exact = self.words / WORDS_PER_MINUTE + self.lines / LINES_PER_MINUTE + self.pictures / PICTURES_PER_MINUTE
        return max(5, 5 * round(exact / 5))

    @property
    def path_minutes(self) -> float:
        """Reading time of the one-hour path's part of it, which skips the code."""
        return self.path_words / WORDS_PER_MINUTE + self.path_pictures / PICTURES_PER_MINUTE

    @property
    def assert_share(self) -> float:
        return self.asserts / max(self.lines, 1)


def statistics(path: Path) -> Statistics:
    """Count what is in a notebook."""
    cells = read_notebook(path).cells
    ids = [cell.get("id") for cell in cells]
    path_cells = cells[: ids.index(STOP)] if STOP in ids else []
    lines = [line.strip() for cell in cells if cell.cell_type == "code" for line in code_lines(cell.source)]
    return Statistics(
        words=sum(map(count_words, _texts(cells))),
        lines=len(lines),
        asserts=sum(line.startswith("assert") for line in lines),
        checks=sum(len(cell.metadata.get("frcnn_edu", {}).get("checks", [])) for cell in cells),
        pictures=_pictures(cells),
        predictions=sum(len(PREDICT.findall(text)) for text in _texts(cells)),
        path_words=sum(map(count_words, _texts(path_cells))),
        path_pictures=_pictures(path_cells),
    )


def count_words(text: str) -> int:
    """The words of a markdown text: without the targets of links, tags and code blocks; a formula is one word."""
    text = re.sub(r"```.*?```", " ", text, flags=re.DOTALL)
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", " formula ", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", re.sub(r"\]\([^)]*\)", "]", text))
    return sum(bool(re.search(r"\w", word)) for word in text.split())


def code_lines(source: str) -> list[str]:
    """The lines of a cell that are neither blank nor comments."""
    return [line for line in source.splitlines() if line.strip() and not line.strip().startswith("#")]


def stated_minutes(path: Path) -> int | None:
    """The reading time that a notebook states at its head."""
    found = MINUTES.search(read_notebook(path).cells[0].source)
    return int(found[1]) if found else None


def _texts(cells: Iterable[Any]) -> list[str]:
    return [cell.source for cell in cells if cell.cell_type == "markdown"]


def _pictures(cells: Iterable[Any]) -> int:
    return sum(len(pictures(cell.outputs)) for cell in cells if cell.cell_type == "code")
