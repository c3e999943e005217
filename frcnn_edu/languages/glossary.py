"""The glossary of a language: how the field's terms are translated, everywhere alike."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .blocks import words_only
from .sources import LOCALE

FILE = "glossary.csv"


@dataclass(frozen=True)
class Term:
    """A term, with its translations; where the English has one of `english`, the translation has one of `translations`."""

    english: tuple[str, ...]
    translations: tuple[str, ...]


def read_glossary(root: Path, language: str) -> list[Term]:
    """The terms of a language, the longest first; none if it has no glossary.

    Raises:
        ValueError: a row has no term or no translation.
    """
    file = root / LOCALE / language / FILE
    if not file.is_file():
        return []
    with open(file, encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    terms = [Term(_forms(row["english"]), (*_forms(row["translation"]), *_forms(row["also"]))) for row in rows]
    for number, term in enumerate(terms, 2):
        if not term.english or not term.translations:
            raise ValueError(f"{file}, line {number}: a term and its translation are needed")
    return sorted(terms, key=lambda term: -max(map(len, term.english)))


def glossary_problems(english: str, translation: str, glossary: list[Term], names: bool = False) -> Iterator[str]:
    """One sentence for each term of a message that its translation translates in another way.

    Args:
        names: whether a term may also stay English, because it is a name of the code.
    """
    words = " ".join(words_only(english).split())
    for term in glossary:
        for form in term.english:
            pattern = rf"(?<![\w-]){re.escape(form)}(?:s|es)?(?![\w-]|\.\w)"
            words, count = re.subn(
                pattern, "·", words, flags=re.IGNORECASE
            )  # is not found again as a part of another term
            stays = names and form.lower() in translation.lower()
            if count and not stays and not any(known in translation for known in term.translations):
                yield f"glossary: {form!r} is {' or '.join(term.translations)}"


def _forms(cell: str) -> tuple[str, ...]:
    return tuple(form.strip() for form in (cell or "").split(";") if form.strip())
