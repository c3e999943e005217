"""What a page shows of an explorer before its engine is loaded: the first view, with the state of all controls."""

import base64
import json
import zlib
from typing import Any

import ipywidgets

from frcnn_edu.lessons.board.explorer import Explorer
from frcnn_edu.lessons.board.language import in_language
from frcnn_edu.lessons.board.message import message
from frcnn_edu.words import words


def record(explorer: Explorer) -> dict[str, Any]:
    """The view of an explorer as plain values, in the present language: title, prompts, controls, and the scene with its pictures.

    The scene's arrays, and likewise the pictures, are one piece of memory, compressed, as text.
    """
    content, images = message(in_language(explorer.scene))
    return {
        "title": words(explorer.title),
        "prompts": [words(prompt) for prompt, _ in explorer.prompts],
        "controls": [described(field, control) for field, control in explorer.controls.items()],
        "scene": {"data": packed(content.pop("data")), "json": content},
        "images": {"data": packed(images["data"]), "json": images["places"]},
    }


def record_script(name: str, explorer: Explorer) -> str:
    """The script that gives a page the record of an explorer.

    Args:
        name: of the explorer, as in `explore.NAME()`.
        explorer: in its first view.
    """
    content = json.dumps(record(explorer), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"frcnn.first({json.dumps(name)}, {content});\n"


def packed(data: bytes) -> str:
    """Bytes as text: compressed by zlib, which browsers call "deflate", in base64."""
    return base64.b64encode(zlib.compress(data, 9)).decode()


def described(field: str, control: Any) -> dict[str, Any]:
    """A control of an explorer as a page needs it.

    Args:
        field: of the state, which the control sets.
        control: an ipywidget.

    Returns:
        {"field", "kind", "label", "value"}, and by its kind: "slider" has "min", "max", "step" and "digits" (decimals that are shown) or
        "options"; "select" and "toggle" have "options", a list of [label, value]; "checkbox" has nothing more.

    Raises:
        TypeError: no kind of control that a page has.
    """
    common = {"field": field, "label": words(control.description), "value": control.value}
    match control:
        case ipywidgets.Checkbox():
            return {**common, "kind": "checkbox"}
        case ipywidgets.Dropdown() | ipywidgets.ToggleButtons() | ipywidgets.SelectionSlider():
            options = [[words(label), value] for label, value in control._options_full]
            return {**common, "kind": KINDS[type(control)], "options": options}
        case ipywidgets.IntSlider() | ipywidgets.FloatSlider():
            shown = control.readout_format  # "d", ".2f"
            digits = 0 if shown == "d" else int(shown.strip(".f"))
            limits = {"min": control.min, "max": control.max, "step": control.step}
            return {**common, "kind": "slider", **limits, "digits": digits}
    raise TypeError(f"the control of {field!r} is a {type(control).__name__}, which a page has no counterpart for")


KINDS = {ipywidgets.Dropdown: "select", ipywidgets.ToggleButtons: "toggle", ipywidgets.SelectionSlider: "slider"}
