"""The messages of a file: what has to be translated in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..notebook_checks.notebooks import read_notebook
from .blocks import anchor, blocks, heading

ALT = "alternative text of a picture"


@dataclass(frozen=True)
class Message:
    """Something to translate.

    Attributes:
        text: in English.
        place: the id of the cell in which it is; empty in a document.
        kind: "paragraph", "heading" …, or `ALT`.
    """

    text: str
    place: str
    kind: str


def messages(file: Path) -> list[Message]:
    """The messages of a notebook or a Markdown file in their order; one that occurs again is left out."""
    found: dict[str, Message] = {}
    for message in _all(file):
        found.setdefault(message.text, message)
    return list(found.values())


def alternative_texts(cell: Any) -> Iterator[str]:
    """The words that stand for the pictures of a cell where these cannot be seen."""
    for output in cell.get("outputs", []):
        if alt := output.get("metadata", {}).get("image/png", {}).get("alt"):
            yield alt


def heading_with_anchor(file: Path, wanted: str) -> str | None:
    """The block of the heading to which an anchor leads, "## Our cross" for example; None if there is none."""
    for message in messages(file):
        title = heading(message.text)
        if title is not None and anchor(title) == wanted:
            return message.text
    return None


def _all(file: Path) -> Iterator[Message]:
    if file.suffix != ".ipynb":
        yield from _in_text(file.read_text(encoding="utf-8"), "")
        return
    for cell in read_notebook(file).cells:
        if cell.cell_type == "markdown":
            yield from _in_text(cell.source, cell.id)
        else:
            yield from (Message(text, cell.id, ALT) for text in alternative_texts(cell))


def _in_text(text: str, place: str) -> Iterator[Message]:
    for block in blocks(text):
        if block.has_words:
            yield Message(block.text, place, block.kind)
