"""Catalogues: gettext's PO files, one for each translated file, which any translation tool can edit."""

import difflib
from pathlib import Path

import polib

from ..training.files import replacing
from .messages import Message

SIMILAR = 0.6  # from this ratio on, a changed message keeps its translation, marked as fuzzy


def read_catalogue(file: Path) -> polib.POFile:
    """Read a catalogue; one that does not exist is empty.

    Raises:
        ValueError: it is not a PO file.
    """
    if not file.is_file():
        return polib.POFile()
    try:
        return polib.pofile(str(file), encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not a PO file: {error}") from error


def write_catalogue(catalogue: polib.POFile, file: Path) -> None:
    """Write a catalogue, whole or not at all. Lines are not wrapped, so that a changed word changes one line."""
    catalogue.wrapwidth = 0
    with replacing(file) as temporary:
        catalogue.save(str(temporary))


def updated(old: polib.POFile, messages: list[Message], source: str, language: str) -> polib.POFile:
    """A catalogue with exactly these messages.

    A message that has not changed keeps its translation. One that has changed gets the translation of the message from which it
    probably came, marked as fuzzy, with the old English beside it. What is then left over is kept as obsolete, so that no
    translation is lost; whoever translates removes it.

    Args:
        old: the catalogue so far.
        messages: of the file as it is now.
        source: the translated file, as a path in the project.
        language: "zh_CN".
    """
    new = polib.POFile()
    new.metadata = {
        "Project-Id-Version": "frcnn_edu",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    wanted = {message.text for message in messages}
    before = {entry.msgid: entry for entry in old}
    left = {text: entry for text, entry in before.items() if text not in wanted and entry.msgstr}
    for message in messages:
        place = f"{source}:{message.place}" if message.place else source
        entry = polib.POEntry(msgid=message.text, comment=message.kind, occurrences=[(place, "")])
        if message.text in before and not before[message.text].obsolete:
            _take(entry, before[message.text])
        elif similar := difflib.get_close_matches(message.text, left, n=1, cutoff=SIMILAR):
            _take(entry, left.pop(similar[0]))
            entry.flags, entry.previous_msgid = ["fuzzy"], similar[0]
        new.append(entry)
    for text, entry in left.items():
        new.append(polib.POEntry(msgid=text, msgstr=entry.msgstr, tcomment=entry.tcomment, obsolete=True))
    return new


def _take(entry: polib.POEntry, before: polib.POEntry) -> None:
    """Take over what a translator has written."""
    entry.msgstr, entry.tcomment = before.msgstr, before.tcomment
    entry.flags, entry.previous_msgid = list(before.flags), before.previous_msgid
