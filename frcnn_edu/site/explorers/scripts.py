"""The files that a page with explorers loads, made of their parts: one script and one style sheet.

The script is a classic one, because a page that is opened from the disk may not load modules.
"""

import re
from pathlib import Path

BOARD = Path(__file__).parents[2] / "lessons" / "board"
PAGE = Path(__file__).parent / "page"
PARTS = (
    "words.js",
    "loading.js",
    "controls.js",
    "fragment.js",
    "explorer.js",
    "places.js",
)  # in an order in which names are known


def page_script() -> str:
    """`page.js`: the board, and what puts explorers into a page."""
    board = classic((BOARD / "board.js").read_text(encoding="utf-8"), "board")
    parts = "\n".join((PAGE / part).read_text(encoding="utf-8") for part in PARTS)
    return f'"use strict";\n(() => {{\n{board}\n{parts}}})();\n'


def page_styles() -> str:
    """`page.css`: the board's style sheet, and that of its surroundings in a page."""
    return "\n".join(path.read_text(encoding="utf-8") for path in (BOARD / "board.css", PAGE / "page.css"))


def classic(module: str, name: str) -> str:
    """A JavaScript module as a statement of a classic script, which defines a constant with the module's default export.

    Args:
        module: source of the module. Its last statement is `export default …;`, and it imports and exports nothing else.
        name: of the constant.

    Raises:
        ValueError: the module imports or exports something else, or has no default export at its end.
    """
    start, found, export = module.rstrip().rpartition("\nexport default ")
    if not found or not export.endswith(";"):
        raise ValueError(f"the module for {name!r} does not end with `export default …;`")
    if other := re.search(r"^(import|export)\b.*", start, re.MULTILINE):
        raise ValueError(f"the module for {name!r} cannot be made a classic script, because of `{other.group()}`")
    return f"const {name} = (() => {{\n{start}\nreturn {export}\n}})();\n"
