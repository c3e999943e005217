"""The pictures that a notebook's widgets last showed; the notebook keeps them in its metadata."""

import base64
from collections.abc import Iterator
from typing import Any

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
REFERENCE = "IPY_MODEL_"


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
