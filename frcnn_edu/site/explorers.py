"""The files that make the explorers on the pages come alive."""

from pathlib import Path

#: What a page with an explorer loads, in this folder: a style sheet and a script.
FOLDER = "_static/explorers"


def write(folder: Path) -> None:
    """Write what the explorers need into a folder of the site, `FOLDER`.

    A page marks the place of an explorer by `<figure class="fe-place" data-explorer="level_mapper">`, which contains the
    still picture. It loads `page.css` and, deferred, `page.js` from here; these find everything else by their own address.

    Args:
        folder: is made if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.css").write_text(".fe-place { position: relative; }\n", encoding="utf-8")
    (folder / "page.js").write_text('"use strict";\n', encoding="utf-8")
