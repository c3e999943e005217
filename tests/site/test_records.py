import base64
import json
import zlib
from typing import Any

import ipywidgets
import pytest

from frcnn_edu.lessons import explore
from frcnn_edu.lessons.board.message import message
from frcnn_edu.site.explorers.records import described, record, record_script


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (
            ipywidgets.IntSlider(3, min=1, max=9, step=2, description="a"),
            {"kind": "slider", "min": 1, "max": 9, "step": 2, "digits": 0, "value": 3},
        ),
        (
            ipywidgets.FloatSlider(0.5, min=0, max=1, step=0.05, description="a"),
            {"kind": "slider", "min": 0.0, "max": 1.0, "step": 0.05, "digits": 2, "value": 0.5},
        ),
        (
            ipywidgets.SelectionSlider(options=(56, 112), value=112, description="a"),
            {"kind": "slider", "options": [["56", 56], ["112", 112]], "value": 112},
        ),
        (
            ipywidgets.Dropdown(options=[("none", ""), ("one", "1")], value="1", description="a"),
            {"kind": "select", "options": [["none", ""], ["one", "1"]], "value": "1"},
        ),
        (
            ipywidgets.ToggleButtons(options=[("P2", 0), ("P3", 1)], value=1, description="a"),
            {"kind": "toggle", "options": [["P2", 0], ["P3", 1]], "value": 1},
        ),
        (ipywidgets.Checkbox(True, description="a"), {"kind": "checkbox", "value": True}),
    ],
)
def test_a_control_in_plain_values(control: Any, expected: dict[str, Any]) -> None:
    assert described("field", control) == {"field": "field", "label": "a", **expected}


def test_a_control_that_a_page_does_not_have_is_named() -> None:
    with pytest.raises(TypeError, match=r"the control of 'when' is a DatePicker"):
        described("when", ipywidgets.DatePicker())


def test_a_record_is_the_first_view() -> None:
    explorer = explore.level_mapper()
    script = record_script("level_mapper", explorer)
    start, end = 'frcnn.first("level_mapper", ', ");\n"
    assert script.startswith(start)
    assert script.endswith(end)
    read = json.loads(script[len(start) : -len(end)])
    assert read == json.loads(json.dumps(record(explorer)))
    content, images = message(explorer.scene)
    for part, data in (("scene", content.pop("data")), ("images", images["data"])):
        assert zlib.decompress(base64.b64decode(read[part]["data"])) == data
    assert read["scene"]["json"] == json.loads(json.dumps(content))
    assert read["prompts"][1] == "A box of 223×223 pixels in the full model: P3 or P4?"
    assert [control["field"] for control in read["controls"]] == ["size", "canonical_scale"]
