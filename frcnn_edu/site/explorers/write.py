"""Everything that a page with explorers loads: the page's own script, the engine, its data, and the recorded first views."""

from pathlib import Path

from ..translate.engine import data, engine
from ..translate.program import explorers
from .records import record_script
from .scripts import page_script, page_styles

#: What a page with an explorer loads, in this folder: a style sheet and a script.
FOLDER = "_static/explorers"


def write(folder: Path) -> None:
    """Write what the explorers need into a folder of the site, `FOLDER`.

    A page marks the place of an explorer by `<figure class="fe-place" data-explorer="level_mapper">`, which contains the
    still picture. It loads `page.css` and, deferred, `page.js` from here; these find everything else by their own address.

    Args:
        folder: is made if it does not exist.
    """
    scripts = {
        "page.css": page_styles(),
        "page.js": page_script(),
        "engine.js": engine(),
        **{f"data/{name}.js": script for name, script in data().items()},
        **{f"first/{name}.js": record_script(name, made) for name, made in explorers().items()},
    }
    for name, content in scripts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
