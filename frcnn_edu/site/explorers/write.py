"""Everything that a page with explorers loads: the page's own script, the engine, its data, and the recorded first views."""

import json
import re
from collections.abc import Collection
from pathlib import Path

from frcnn_edu.words import catalogue, languages, speaking

from ..translate.engine import data, engine
from ..translate.program import explorers, files_of
from .records import record_script
from .scripts import page_script, page_styles

#: What a page with an explorer loads, in this folder: a style sheet and a script.
FOLDER = "_static/explorers"


def files(names: Collection[str]) -> dict[str, str]:
    """The content of all files that some explorers need, by their names, "page.js" or "first/level_mapper.js".

    Args:
        names: of the explorers.
    """
    needed = {file for name in names for file in files_of(name)}
    return {
        "page.css": page_styles(),
        "page.js": page_script(),
        "engine.js": engine(),
        **{f"data/{name}.js": script for name, script in data().items() if name in needed},
        **{f"first/{name}.js": record_script(name, made) for name, made in explorers().items() if name in names},
    }


def files_in(language: str) -> dict[str, str]:
    """The files that explorers need in another language than English: their first views, "zh/first/level_mapper.js", and their words."""
    known = json.dumps(catalogue(language), ensure_ascii=False)
    place = language.partition("_")[0]
    with speaking(language):
        views = {f"{place}/first/{name}.js": record_script(name, made) for name, made in explorers().items()}
    return {f"{place}/words.js": f"frcnn.known({known});\n", **views}


def write(folder: Path) -> None:
    """Write what the explorers need into a folder of the site, `FOLDER`.

    A page marks the place of an explorer by `<figure class="fe-place" data-explorer="level_mapper">`, which contains the
    still picture. It loads `page.css` and, deferred, `page.js` from here; these find everything else by their own address.

    Args:
        folder: is made if it does not exist.
    """
    content_of = files(explorers())
    for language in languages():
        content_of |= files_in(language)
    for name, content in content_of.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")


def embedded(names: Collection[str]) -> str:
    """The same as HTML, for a page that is one file: what follows the places of its explorers.

    The page's own script runs when it is read, the others when `load` (loading.js) takes them out of their elements.
    """
    content = files(names)
    styles, script = content.pop("page.css"), content.pop("page.js")
    kept = [f'<script type="text/plain" data-file="{name}">{in_html(text)}</script>' for name, text in content.items()]
    return "\n".join([f"<style>{styles}</style>", *kept, f"<script>{in_html(script)}</script>"])


def in_html(script: str) -> str:
    """A script that can stand in an HTML element: what would end the element there is written otherwise, within texts."""
    return re.sub(r"<(?=/?script|!--)", r"\\x3c", script, flags=re.IGNORECASE)
