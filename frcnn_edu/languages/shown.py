"""The messages of pictures, explorers and checkers: what they were seen to show (frcnn_edu/words.py)."""

import json
from pathlib import Path

from ..words import NAMES
from .messages import Message

SOURCE = "frcnn_edu"
EXAMPLE = 300  # characters of the text in which a message was seen: translators see it beside the message


def shown_messages(file: Path) -> list[Message]:
    """The messages that were noted in a file while everything was shown once, each once, and the names that are parts of others.

    Raises:
        ValueError: a line of the file is something else.
    """
    found = {name: Message(name, "", "a name inside other messages") for name in NAMES}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            text, example = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{file}, line {number}: expected a message and an example, got {line[:60]!r}") from error
        found.setdefault(text, Message(text, "", " ".join(example[:EXAMPLE].split())))
    return list(found.values())
