"""The line at the head of a README that leads to the same text in other languages: "English · [中文](README.zh.md)"."""

import re
from pathlib import Path

from .language import name_of
from .sources import languages, twin

ENGLISH = "en"
LINE = re.compile(r"^English(?: · \[[^\]\n]+\]\([^)\n]+\))+$", re.MULTILINE)


def switch(root: Path, source: str, here: str = ENGLISH) -> str:
    """The line in a language.

    Args:
        root: folder of the project.
        source: the file in English, in the folder of the project.
        here: the language of the file in which the line is.
    """
    parts = []
    for language in (ENGLISH, *languages(root)):
        place = source if language == ENGLISH else twin(source, language)
        name = name_of(root, language)
        parts.append(name if language == here else f"[{name}]({place})")
    return " · ".join(parts)
