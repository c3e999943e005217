"""The words of the site's scripts in the languages other than English."""

import json
from pathlib import Path

from ..languages.edition import Edition


def words_file(edition: Edition) -> str:
    """The script with the words of an edition: "_static/words_zh.js"."""
    return f"_static/words_{edition.prefix.rstrip('/')}.js"


def write_words(site: Path, edition: Edition) -> None:
    """Write the words of an edition as a script; pages load it before all others. English needs none."""
    if edition.prefix:
        content = json.dumps(edition.words, ensure_ascii=False, indent=0)
        (site / words_file(edition)).write_text(f"const WORDS = {content};\n", encoding="utf-8")
