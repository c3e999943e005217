"""Checks of translations that need no knowledge of the language: what the English has and the translation lacks, or the other way round."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import polib

from .blocks import tokens, words_only
from .chinese import in_ten_thousands, typography_problems
from .glossary import Term, glossary_problems
from .sources import short

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
WORDS_IN_FORMULA = re.compile(r"\\text\{[^}]*\}")  # may be translated
EMPHASIS = {"strong_open", "em_open"}
#: What is checked in texts of a language, besides what is checked in all.
TYPOGRAPHY = {"zh": typography_problems}
#: How a language writes large numbers, where it does so in another way.
LARGE_NUMBERS = {"zh": in_ten_thousands}


def catalogue_problems(catalogue: polib.POFile, language: str, glossary: list[Term]) -> list[str]:
    """One sentence for each message that is not in order; none if the catalogue can be used."""
    return [
        f"{_name(entry)}: {problem}" for entry in catalogue for problem in entry_problems(entry, language, glossary)
    ]


def plain_problems(entry: polib.POEntry, language: str, glossary: list[Term]) -> list[str]:
    """The same for a message that is not Markdown: words of a picture, with places {1}, {2} … for what varies."""
    if found := _state(entry):
        return found
    if entry.msgid == entry.msgstr:  # a name of the code, or a formula
        return []
    typography = TYPOGRAPHY.get(short(language))
    lines = entry.msgstr.splitlines() if typography else []
    return [
        *_unequal("numbers and places", set(NUMBER.findall(entry.msgid)), set(NUMBER.findall(entry.msgstr))),
        *glossary_problems(entry.msgid, entry.msgstr, glossary, names=True),
        *(problem for line in lines for problem in (typography(line) if typography else ())),
    ]


def entry_problems(entry: polib.POEntry, language: str, glossary: list[Term]) -> list[str]:
    """What is wrong with a message and its translation."""
    if found := _state(entry):
        return found
    typography = TYPOGRAPHY.get(short(language))
    return [
        *_differences(LARGE_NUMBERS.get(short(language), str)(entry.msgid), entry.msgstr),
        *glossary_problems(entry.msgid, entry.msgstr, glossary),
        *(typography(entry.msgstr) if typography else ()),
    ]


def _state(entry: polib.POEntry) -> list[str]:
    """Whether a translation is there, and up to date."""
    if entry.obsolete:
        return ["obsolete: the English text no longer exists; use its translation elsewhere or remove the message"]
    if not entry.msgstr:
        return ["not translated"]
    if entry.fuzzy:
        return ["fuzzy: the English text has changed; bring the translation up to date and remove the flag"]
    return []


def _differences(english: str, translation: str) -> Iterator[str]:
    """What must be the same in both."""
    yield from _unequal("blocks", _structure(english), _structure(translation))
    pairs: list[tuple[str, Any]] = [
        ("code", lambda text: {token.content for token in tokens(text) if token.type == "code_inline"}),
        ("formulas", _formulas),
        ("numbers", lambda text: set(NUMBER.findall(words_only(text)))),
        ("links", lambda text: Counter(_targets(text))),
        ("emphases", lambda text: sum(token.type in EMPHASIS for token in tokens(text))),
        ("tags", lambda text: Counter(token.content for token in tokens(text) if token.type == "html_inline")),
    ]
    for name, found in pairs:
        yield from _unequal(name, found(english), found(translation))


def _unequal(name: str, english: Any, translation: Any) -> Iterator[str]:
    if english == translation:
        return
    if isinstance(english, set | Counter):
        missing, extra = english - translation, translation - english
        parts = [
            f"missing {sorted(missing)}" if missing else "",
            f"not in the English {sorted(extra)}" if extra else "",
        ]
        yield f"{name}: {'; '.join(filter(None, parts))}"
    else:
        yield f"{name}: {translation} instead of {english}"


def _structure(text: str) -> list[str]:
    """The kinds of the blocks, and of what is in them: headings of which level, lists of how many items, rows and columns of tables."""
    kinds = (token.type + token.tag for token in tokens(text) if token.block and token.type != "inline")
    return [kind for kind in kinds if "_close" not in kind]


def _formulas(text: str) -> set[str]:
    formulas = (token.content for token in tokens(text) if token.type.startswith("math"))
    return {WORDS_IN_FORMULA.sub(r"\\text{}", " ".join(formula.split())) for formula in formulas}


def _targets(text: str) -> Iterator[str]:
    for token in tokens(text):
        target = token.attrGet("href") or token.attrGet("src")
        if target:
            yield str(target)


def _name(entry: polib.POEntry) -> str:
    places = (place.partition(":")[2] for place, _ in entry.occurrences)
    return " ".join([*filter(None, places), entry.comment, repr(" ".join(entry.msgid.split())[:60])])
