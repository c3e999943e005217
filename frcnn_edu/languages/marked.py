"""The words of the web site around its texts: they are marked in its code by `word("…")` or `later("…")`, and found by Babel."""

from pathlib import Path

from babel.messages.extract import extract_from_dir

from .messages import Message

SOURCE = "frcnn_edu/site"
KEYWORDS = {"word": None, "later": None}
METHODS = [
    ("**.py", "python"),
    ("explorers/page/**.js", "javascript"),
    ("theme/**.js", "javascript"),
    ("theme/**.html", "jinja2.ext:babel_extract"),
]


def site_messages(root: Path) -> list[Message]:
    """All marked words of the site's code, each once."""
    found: dict[str, Message] = {}
    for file, _, text, _, _ in extract_from_dir(root / SOURCE, METHODS, keywords=KEYWORDS):
        if isinstance(text, str):
            found.setdefault(text, Message(text, file, "words of the site"))
    return list(found.values())
