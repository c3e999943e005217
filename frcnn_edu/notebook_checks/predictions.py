"""A prediction asks: what a reader is asked to predict must not be answered before the cell that computes it.

It is the last paragraph of its markdown cell, begins with **Predict.**, and consists of questions; a code cell follows, and the
answer comes after it.
"""

import re
from typing import Any

PREDICT = re.compile(r"\bPredict\b")
BEGINNING = "**Predict.** "
MOST = 3  # per section


def prediction_problems(cells: list[Any]) -> list[str]:
    """One sentence for each prediction that answers itself, and for each section with more than three."""
    found, section, count = [], "", 0
    for cell, following in zip(cells, [*cells[1:], None]):
        if cell.cell_type != "markdown":
            continue
        for paragraph in re.split(r"\n\s*\n", cell.source):
            if heading := re.match(r"##\s+(.*)", paragraph):
                section, count = heading[1], 0
            if not PREDICT.search(paragraph):
                continue
            count += 1
            if count > MOST:
                found.append(f"cell {cell.id!r}: more than {MOST} predictions in section {section!r}")
            last = paragraph == re.split(r"\n\s*\n", cell.source.rstrip())[-1].rstrip("\n")
            before_code = following is not None and following.cell_type == "code"
            found += [f"cell {cell.id!r}: {problem}" for problem in _problems(paragraph.strip(), last and before_code)]
    return found


def _problems(paragraph: str, at_the_end: bool) -> list[str]:
    if not paragraph.startswith(BEGINNING):
        return [f"a prediction is a paragraph that begins with {BEGINNING.strip()!r}: {paragraph[:60]!r}"]
    found = []
    if not at_the_end:
        found.append("a prediction is the last paragraph before a code cell, so that its answer comes after")
    for sentence in sentences(paragraph.removeprefix(BEGINNING)):
        if not sentence.endswith("?"):
            found.append(f"a prediction asks, and answers nothing itself: {sentence!r}")
    return found


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph; a full stop inside a number, a name or a formula does not end one."""
    text = re.sub(r"\$[^$]+\$", "formula", " ".join(text.split()))
    return [sentence.strip() for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z*`\"“(])", text) if sentence.strip()]
