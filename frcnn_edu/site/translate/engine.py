"""The engine of the explorers in a page: one script of the runtime and the translated program, and its files of data."""

import base64
import json
import zlib
from functools import cache
from pathlib import Path
from typing import get_type_hints

from .classes import translated
from .program import FILES, FILES_INSIDE, GIVEN, INSTEAD, explorers, program, shipment
from .program import unit as unit_of

RUNTIME = Path(__file__).parents[1] / "runtime"
PARTS = ("python.js", "builtins.js", "tensor.js", "operations.js", "torch.js", "widgets.js", "ship.js", "explorer.js")


@cache
def engine() -> str:
    """The script. It defines what the page calls, `frcnn.start`, and is loaded by the page's own script."""
    made = program()
    given = [f'const {unit_of(key).js} = $.given("{key}", {by});' for key, by in GIVEN.items()]
    instead = [f"const {unit_of(key).js} = {js};" for key, js in INSTEAD.items()]
    known = ", ".join(
        f'"{key}": {unit.js}' for unit in made.units.values() if isinstance(unit.value, type) for key in [unit.key]
    )
    makers = ", ".join(
        f"{name}: {unit_of(f'{type(e).__module__}.{type(e).__name__}').js}" for name, e in explorers().items()
    )
    parts = [
        '"use strict";',
        *((RUNTIME / part).read_text(encoding="utf-8") for part in PARTS),
        *given,
        *instead,
        translated(made),
        f'const classes = {{ {known}, "torch.nn.Linear": torch.nn.Linear }};',
        f"const explorers = {{ {makers} }};",
        f"const files = {json.dumps(FILES)};",
        f"const filesInside = {json.dumps(FILES_INSIDE)};",
        f"const whole = {json.dumps(whole_fields())};",
        f"const formulaHtml = {unit_of('frcnn_edu.lessons.board.formula.html').js};",
        f"const story = {unit_of('frcnn_edu.lessons.story.story').js};",
        f"const photograph = {unit_of('frcnn_edu.lessons.your_own_data.explorer.photograph.photograph').js};",
        (RUNTIME / "start.js").read_text(encoding="utf-8"),
    ]
    return "(() => {\n" + "\n".join(parts) + "\n})();\n"


def whole_fields() -> dict[str, list[str]]:
    """The fields of each explorer's state that are whole numbers, which JavaScript does not tell from others."""
    states = {name: get_type_hints(type(made.state)) for name, made in explorers().items()}
    return {name: [field for field, hint in hints.items() if hint is int] for name, hints in states.items()}


@cache
def data() -> dict[str, str]:
    """The scripts that bring the data, by name: `frcnn.data(name, content, memory)`, the memory deflated and in base64."""
    return {
        name: f'frcnn.data("{name}", {json.dumps(file.content())}, "{base64.b64encode(zlib.compress(bytes(file.data), 9)).decode()}");\n'
        for name, file in shipment().files.items()
    }
