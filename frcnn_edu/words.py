"""The words of pictures, explorers and checkers in the reader's language.

In the code they are written in English. Where they are about to be shown, `words` looks them up in a catalogue,
`locale/zh_CN/shown.po`, sentence by sentence and without their numbers and names: "8 positive" as "{1} positive". What the
catalogue does not have stays English. The functions that compute and draw know nothing of this.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ENGLISH = "en"
CHOICE, COLLECT = "FRCNN_EDU_LANG", "FRCNN_EDU_COLLECT"
NOTEBOOK = "JPY_SESSION_NAME"  # Jupyter tells its kernels which notebook they run
FILE = "shown.po"

CLASSES = ("circle", "cross", "star", "triangle", "square", "coin")
NUMBER = r"(?:(?<![\w)\]])[−+])?\d+(?:,\d{3})*(?:\.\d+)?(?:·10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?(?:(?:st|nd|rd|th)\b)?"


def _patterns(classes: Sequence[str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What varies in a text: an object of an image, the name of a class, a number; and what varies in the name of an object."""
    one = rf"(?:{'|'.join(map(re.escape, classes))})\b(?! entropy| roots?\b| pixels?\b)"
    names = rf"\b(?:our|your) (?:object\b|{one})|\bobject \d+, an? {one}|\b{one}"
    return re.compile(f"{names}|{NUMBER}"), re.compile(rf"\b{one}|\d+")


SLOT, PART = _patterns(CLASSES)
#: The messages of names, which are parts of others.
NAMES = (*CLASSES, "our {1}", "your {1}", "our object", "your object", "object {1}, a {2}")
PLACE = re.compile(r"\{(\d+)\}")
#: Where a text is divided if the catalogue does not have it as a whole: between sentences, lines and columns, clauses and items.
BETWEEN = tuple(
    map(re.compile, (r"((?<=[.?!])\s+)", r"(\n+|\s{2,})", r"((?<=[:;])\s+)", r"( · | → |\s*[()]\s*)", r"((?<=,)\s+)"))
)
WIDE = "，。；：！？）"  # no space follows these


def words(text: str) -> str:
    """A text that is about to be shown, in the reader's language."""
    if COLLECT in os.environ:
        _collect(text)
    chosen = language()
    return text if chosen == ENGLISH else translated(text, catalogue(chosen))


def labels(english: Sequence[str]) -> dict[str, str]:
    """Texts with places {1}, {2} … that a script fills, in the reader's language, by their English; none in English itself."""
    if COLLECT in os.environ:
        _note([(text, text) for text in english])
    chosen = language()
    return {} if chosen == ENGLISH else {text: catalogue(chosen).get(text, text) for text in english}


def name_classes(classes: Sequence[str]) -> None:
    """Make the names of more classes known, those of a reader's own data: sentences in which they occur are found, too.

    A name that is also a word of a message, such as "box", stays a word.
    """
    global SLOT, PART
    chosen = language()
    if chosen == ENGLISH:
        return
    common = {word for text in catalogue(chosen) for word in re.findall(r"\w+", text)}
    _more.update(name for name in classes if name not in CLASSES and name not in common)
    SLOT, PART = _patterns((*sorted(_more, key=len, reverse=True), *CLASSES))


@contextmanager
def speaking(chosen: str) -> Iterator[None]:
    """Everything that is shown inside is in this language."""
    before = os.environ.get(CHOICE)
    os.environ[CHOICE] = chosen
    try:
        yield
    finally:
        if before is None:
            del os.environ[CHOICE]
        else:
            os.environ[CHOICE] = before


def language() -> str:
    """The language of everything that is shown: "en" or, for example, "zh_CN".

    The environment variable FRCNN_EDU_LANG chooses it. Without it, a notebook in a folder such as `zh` chooses its own.

    Raises:
        ValueError: there is no such language.
    """
    known = languages()
    if chosen := os.environ.get(CHOICE):
        if chosen != ENGLISH and chosen not in known:
            raise ValueError(f"{CHOICE}={chosen}: expected one of {', '.join((ENGLISH, *known))}")
        return chosen
    folders = Path(os.environ.get(NOTEBOOK, "")).parts[:-1]
    return next((one for one in known if one.partition("_")[0] in folders), ENGLISH)


@cache
def languages() -> tuple[str, ...]:
    """The languages besides English."""
    return tuple(sorted(path.parent.name for path in folder().glob(f"*/{FILE}")))


def folder() -> Path:
    """The folder of the catalogues: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "locale"
    return inside if inside.is_dir() else package.parent / "locale"


@cache
def catalogue(chosen: str) -> dict[str, str]:
    """The translations of a language by their English."""
    import polib  # only another language than English needs it

    entries = polib.pofile(str(folder() / chosen / FILE), encoding="utf-8")
    return {entry.msgid: entry.msgstr for entry in entries if entry.translated()}


def translated(text: str, known: dict[str, str]) -> str:
    """A text in a language: as a whole if its catalogue has it, or else part by part.

    Args:
        known: the catalogue, as `catalogue` returns it.
    """
    return _divided(text, known, 0)


def skeleton(text: str) -> tuple[str, list[str]]:
    """A text whose numbers and names are replaced by {1}, {2} …, and these."""
    found: list[str] = []

    def place(slot: re.Match[str]) -> str:
        found.append(slot[0])
        return f"{{{len(found)}}}"

    return SLOT.sub(place, text), found


def units(text: str) -> list[str]:
    """The messages of a text, as catalogues have them: its sentences without numbers and names; of a long text, its lines."""
    sentences, lines = BETWEEN[:2]
    parts = sentences.split(text)[::2]
    if any(("\n" in part and len(part) > 90) or "   " in part for part in parts):
        parts = [line for part in parts for line in lines.split(part)[::2]]
    found = (skeleton(part.strip())[0] for part in parts)
    return [unit for unit in found if _has_words(unit)]


def _has_words(unit: str) -> bool:
    """Whether there is anything to translate: more than numbers, names, and a name of the code such as `roi_heads`."""
    rest = PLACE.sub("", unit)
    return bool(re.search(r"[A-Za-z]{2}", rest)) and not re.fullmatch(r"\W*\w+[_./]\S*\W*", rest)


def _divided(text: str, known: dict[str, str], level: int) -> str:
    core = text.strip()
    start = text[: len(text) - len(text.lstrip())]
    if (whole := _filled(core, known)) is not None:
        end = text[len(start) + len(core) :]
        return start + whole + ("" if whole.endswith(tuple(WIDE)) and end == " " else end)
    if level == len(BETWEEN):
        return text
    parts = BETWEEN[level].split(text)
    done = [_divided(part, known, level + 1) if i % 2 == 0 else part for i, part in enumerate(parts)]
    for i in range(1, len(done), 2):
        if done[i] == " " and done[i - 1].endswith(tuple(WIDE)):
            done[i] = ""
    return "".join(done)


def _filled(text: str, known: dict[str, str]) -> str | None:
    """A text in a language if the catalogue has it, or if only its names have to be translated; None otherwise."""
    pattern, slots = skeleton(text)
    if pattern not in known and _has_words(pattern):
        return None
    if len(slots) == 1 and slots[0] == text:  # a name or a number by itself
        return known.get(text, _name(text, known))
    values = [_name(slot, known) for slot in slots]
    return PLACE.sub(lambda place: values[int(place[1]) - 1], known.get(pattern, pattern))


def _name(slot: str, known: dict[str, str]) -> str:
    """A name or a number in a language: "our cross", "object 3, a star", "33rd"."""
    if slot in known:
        return known[slot]
    if not slot[0].isalpha():
        return re.sub(r"(?:st|nd|rd|th)$", "", slot)
    values: list[str] = []

    def place(part: re.Match[str]) -> str:
        values.append(part[0])
        return f"{{{len(values)}}}"

    pattern = PART.sub(place, slot)
    return PLACE.sub(lambda place: _name(values[int(place[1]) - 1], known), known.get(pattern, slot))


def _collect(text: str) -> None:
    """Note the messages of a text in a file, for those who bring the catalogues up to date."""
    _note([(unit, text) for unit in units(text)])


def _note(messages: list[tuple[str, str]]) -> None:
    new = [(unit, text) for unit, text in messages if unit not in _noted]
    _noted.update(unit for unit, _ in new)
    with open(os.environ[COLLECT], "a", encoding="utf-8") as file:
        file.writelines(json.dumps(pair, ensure_ascii=False) + "\n" for pair in new)


_noted: set[str] = set()
_more: set[str] = set()
