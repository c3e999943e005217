"""What is known about a language besides its catalogues: a few lines in `locale/zh_CN/language.toml`."""

import tomllib
from pathlib import Path

from .sources import LOCALE

FILE = "language.toml"


def name_of(root: Path, language: str) -> str:
    """What a language calls itself: "中文"; its code if nothing is known about it."""
    return "English" if language == "en" else str(_facts(root, language).get("name", language))


def _facts(root: Path, language: str) -> dict[str, object]:
    file = root / LOCALE / language / FILE
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
