"""The widget that shows a scene and reports what the reader does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from frcnn_edu.words import labels

from .message import message
from .scene import Scene

HERE = Path(__file__).parent
#: The words of board.js.
LABELS = (
    "formula with live numbers",
    "{1}: from {2}, {3} to {4}, {5}. {6}",
    "Arrow keys move it, with Shift they resize it.",
    "Arrow keys move it.",
    "box that can be moved",
    "{1}. Arrow keys choose.",
    "Reset",
    "previous suggestion",
    "next suggestion",
    "Try {1} of {2}",
    "Do it",
    "{1}, number",
    "This is a still picture: run the cell to make it interactive.",
)


# No existing widget does this: jupyter_bbox_widget has boxes on an image, but no cells, points, linked panels or formulas;
# ipycanvas asks the kernel about every move of the pointer; bqplot has marks, but no boxes that can be resized.
class Board(anywidget.AnyWidget):
    """Shows a `Scene`; calls `on_drag(name, box)` for dragged boxes and `on_event(content)` for other events.

    Events are dicts: {"kind": "pick", "panel", "group", "id"}, {"kind": "arrow", "panel", "dx", "dy"},
    {"kind": "prompt", "index"}, {"kind": "reset"} and, once a page shows the board, {"kind": "hello", "token"}.
    """

    _esm = HERE / "board.js"
    _css = HERE / "board.css"
    scene = traitlets.Dict().tag(sync=True)
    images = traitlets.Dict().tag(
        sync=True
    )  # the scene's pictures that occur again: they are not sent with every scene
    problem = traitlets.Unicode().tag(sync=True)  # why the state is illegal
    prompts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    drag = traitlets.Dict().tag(sync=True)  # what is dragged, and its box: only the latest value counts
    labels = traitlets.Dict().tag(sync=True)  # the words of board.js in another language, by their English
    alive = traitlets.Unicode().tag(sync=True)  # the token of a page's "hello": a kernel is running

    def __init__(
        self,
        scene: Scene,
        prompts: list[str],
        on_drag: Callable[[str, list[float]], None],
        on_event: Callable[[dict[str, Any]], None],
    ) -> None:
        content, images = message(scene)
        super().__init__(scene={**content, "version": 0}, images=images, prompts=prompts, labels=labels(LABELS))
        self._on_drag, self._on_event = on_drag, on_event
        self.observe(lambda change: self._on_drag(change.new["name"], change.new["box"]), "drag")
        self.on_msg(self._receive)

    def show(self, scene: Scene) -> None:
        """Show another scene, in one message to the page."""
        content, images = message(scene)
        with self.hold_sync():
            if not images["places"].keys() <= self.images["places"].keys():
                self.images = images
            self.scene = {**content, "version": self.scene["version"] + 1}

    def _receive(self, widget: Any, content: dict[str, Any], buffers: Any) -> None:
        if content["kind"] == "hello":
            self.alive = content["token"]
        self._on_event(content)
