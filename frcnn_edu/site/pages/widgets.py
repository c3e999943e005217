"""What a notebook shows by widgets: its explorers, and the pictures of others, which the notebook keeps in its metadata."""

import base64
import html
import re
from collections.abc import Iterator
from typing import Any

from ...lessons import EXPLORER_NAMES
from ...lessons.board.saved import STYLES

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
REFERENCE = "IPY_MODEL_"
# The end of a cell that opens an explorer and does nothing else to it.
OPENED = re.compile(r"^(?:(\w+) = explore\.(\w+)\(\)\s+\1|explore\.(\w+)\(\))\s*\Z", re.MULTILINE)


def explorer_of(cell: Any) -> str | None:
    """The name of the course's explorer that a cell shows in its first view, as pages can show it.

    Args:
        cell: of a notebook, with its outputs.

    Returns:
        None if it shows none; also for an explorer of the reader's own image, or one that the cell brings into another state.
    """
    opened = OPENED.search(cell.source)
    name = opened and (opened[2] or opened[3])
    return name if name in EXPLORER_NAMES and any(map(is_widget, cell.get("outputs", []))) else None


def is_widget(output: Any) -> bool:
    """Whether an output is a widget."""
    return VIEW in output.get("data", {})


def is_style_sheet(output: Any) -> bool:
    """Whether an output is what an explorer shows only to JupyterLab."""
    return output.get("data", {}).get("text/html") == STYLES


def explorer_place(name: str, still: str) -> str:
    """The place of an explorer in a page: scripts find it by the name, and until then it shows the still picture.

    Args:
        name: of the explorer.
        still: HTML of the picture.
    """
    return f'<figure class="fe-place" data-explorer="{html.escape(name)}">{still}</figure>'


def widget_pictures(notebook: Any, view: dict[str, Any]) -> Iterator[bytes]:
    """The content of each image that is part of a widget, from top to bottom.

    Args:
        notebook: the whole notebook.
        view: the output that shows the widget, of the type `VIEW`.
    """
    models = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    yield from _pictures(models, view["model_id"])


def _pictures(models: dict[str, Any], model_id: str) -> Iterator[bytes]:
    model = models[model_id]
    if model["model_name"] == "ImageModel":
        for buffer in model.get("buffers", []):
            if buffer["path"] == ["value"] and buffer["data"]:
                yield base64.b64decode(buffer["data"])
    for child in model["state"].get("children", []):
        yield from _pictures(models, child.removeprefix(REFERENCE))
