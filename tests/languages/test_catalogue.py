"""Catalogues: what is kept, what becomes fuzzy and what obsolete when the English changes."""

from pathlib import Path

import polib
import pytest

from frcnn_edu.languages.catalogue import read_catalogue, updated, write_catalogue
from frcnn_edu.languages.messages import Message


def messages(*texts: str) -> list[Message]:
    return [Message(text, f"cell-{number}", "paragraph") for number, text in enumerate(texts)]


def translated(*texts: str) -> polib.POFile:
    """A catalogue in which each message is translated by itself in capitals."""
    catalogue = updated(polib.POFile(), messages(*texts), "notebooks/a.ipynb", "zh_CN")
    for entry in catalogue:
        entry.msgstr = entry.msgid.upper()
    return catalogue


def test_a_new_catalogue_names_the_place_of_each_message() -> None:
    catalogue = updated(polib.POFile(), messages("one", "two"), "notebooks/a.ipynb", "zh_CN")
    assert [(entry.msgid, entry.msgstr, entry.occurrences) for entry in catalogue] == [
        ("one", "", [("notebooks/a.ipynb:cell-0", "")]),
        ("two", "", [("notebooks/a.ipynb:cell-1", "")]),
    ]
    assert catalogue.metadata["Language"] == "zh_CN"


def test_what_has_not_changed_keeps_its_translation_and_the_order_is_the_new_one() -> None:
    before = translated("one sentence", "another sentence")
    before[0].tcomment = "a note"
    catalogue = updated(before, messages("another sentence", "one sentence"), "a.md", "zh_CN")
    assert [entry.msgstr for entry in catalogue] == ["ANOTHER SENTENCE", "ONE SENTENCE"]
    assert catalogue[1].tcomment == "a note"
    assert not catalogue.fuzzy_entries()
    assert not catalogue.obsolete_entries()


def test_changed_english_leaves_its_translation_as_fuzzy_with_the_old_english() -> None:
    catalogue = updated(translated("Seven boxes are drawn."), messages("Eight boxes are drawn."), "a.md", "zh_CN")
    assert (catalogue[0].msgstr, catalogue[0].fuzzy) == ("SEVEN BOXES ARE DRAWN.", True)
    assert catalogue[0].previous_msgid == "Seven boxes are drawn."


def test_fuzzy_stays_fuzzy_until_somebody_has_looked_at_it() -> None:
    once = updated(translated("Seven boxes are drawn."), messages("Eight boxes are drawn."), "a.md", "zh_CN")
    twice = updated(once, messages("Eight boxes are drawn."), "a.md", "zh_CN")
    assert twice[0].fuzzy
    assert twice[0].previous_msgid == "Seven boxes are drawn."


def test_a_translation_without_a_message_is_kept_as_obsolete() -> None:
    catalogue = updated(translated("This goes away.", "stays"), messages("stays"), "a.md", "zh_CN")
    assert [(entry.msgid, entry.msgstr) for entry in catalogue.obsolete_entries()] == [
        ("This goes away.", "THIS GOES AWAY.")
    ]


def test_a_catalogue_is_the_same_after_reading_and_writing(tmp_path: Path) -> None:
    file = tmp_path / "zh_CN" / "a.po"
    catalogue = translated("a very long line of words " * 20, "two\nlines", 'a "quoted" \\frac{a}{b}')
    write_catalogue(catalogue, file)
    first = file.read_bytes()
    write_catalogue(read_catalogue(file), file)
    assert file.read_bytes() == first
    assert [entry.msgid for entry in read_catalogue(file)] == [entry.msgid for entry in catalogue]


def test_a_file_that_is_no_catalogue_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.po").write_text("not a catalogue")
    with pytest.raises(ValueError, match=r"a\.po is not a PO file"):
        read_catalogue(tmp_path / "a.po")
    assert len(read_catalogue(tmp_path / "none.po")) == 0
