"""Python that is translated returns in a browser what it returns in Python."""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import snippets
import torch

from frcnn_edu.notebook_checks.browser import QUIET, find_browser
from frcnn_edu.site.translate.classes import translated
from frcnn_edu.site.translate.engine import RUNTIME
from frcnn_edu.site.translate.reach import reach
from frcnn_edu.site.translate.scope import UnsupportedError
from frcnn_edu.site.translate.units import Unit, read

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"),
        reason="no browser: install Chromium (or name one in the variable CHROMIUM) to run the translation in it",
    ),
]
PLAIN = """
const plain = (value) => isTensor(value) ? { shape: [...value.shape], numbers: Array.from(value.data) }
  : value instanceof Dict || value instanceof PySet ? [...value].map(plain) : Array.isArray(value) ? value.map(plain) : value;
globalThis.results = (name) => plain(cases[name]());
globalThis.written = (value, how) => $.format(value, how);
globalThis.rounded = (value, digits) => $.round(value, digits);
"""


def program(units: list[Unit]) -> str:
    """The JavaScript of some units, with the runtime that they need."""
    made = reach(units, set(), set(), set(), [])
    cases = ", ".join(f"{unit.name}: {unit.js}" for unit in units)
    runtime = "\n".join((RUNTIME / f"{name}.js").read_text(encoding="utf-8") for name in ("python", "tensor", "torch"))
    return f"(() => {{\n{runtime}\n{translated(made)}\nconst cases = {{ {cases} }};\n{PLAIN}\n}})();"


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=[*QUIET])
        opened = browser.new_page()
        opened.add_script_tag(content=program([read("snippets").units[case.__name__] for case in snippets.CASES]))
        yield opened
        browser.close()


def plain(value: Any) -> Any:
    """As the page returns it."""
    match value:
        case torch.Tensor():
            return {"shape": list(value.shape), "numbers": value.reshape(-1).double().tolist()}
        case list() | tuple():
            return [plain(one) for one in value]
    return value


def same(wanted: Any, found: Any) -> bool:
    """Equal, numbers to seven digits."""
    match wanted:
        case bool() | str() | None:
            return wanted == found
        case int() | float():
            return found is not None and abs(wanted - found) <= 1e-6 * max(1.0, abs(wanted))
        case list():
            return len(wanted) == len(found) and all(map(same, wanted, found))
        case dict():
            return wanted["shape"] == found["shape"] and same(
                wanted["numbers"], [float(one) for one in found["numbers"]]
            )
    raise TypeError(type(wanted))


@pytest.mark.parametrize("case", snippets.CASES, ids=lambda case: case.__name__)
def test_the_translation_returns_the_same(page: Any, case: Any) -> None:
    wanted, found = plain(case()), page.evaluate("(name) => results(name)", case.__name__)
    assert len(wanted) == len(found)
    for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
        assert same(one, other), f"{case.__name__}, number {number}: {one}, not {other}"


def test_numbers_are_written_and_rounded_as_in_python(page: Any) -> None:
    hand, asked = random.Random(11), []
    for _ in range(3000):
        value = hand.choice(
            [hand.uniform(-1, 1), hand.uniform(-1e4, 1e4), hand.randint(-99, 99) / 8, 10 ** hand.uniform(-9, 9)]
        )
        asked.append(
            (
                value,
                hand.choice([".0f", ".1f", ".2f", ".3f", "g", ".2g", ".5g", ".1e", "+.2f", ".0%", ".1%"]),
                hand.randint(0, 4),
            )
        )
    found = page.evaluate(
        "(asked) => asked.map(([value, how, digits]) => [written(value, how), rounded(value, digits)])", asked
    )
    for (value, how, digits), (written, rounded) in zip(asked, found, strict=True):
        assert written == f"{value:{how}}", (value, how)
        assert rounded == round(value, digits), (value, digits)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f(x):\n    with open(x) as file:\n        return file\n", "with open"),
        ("def f(x):\n    for _ in x:\n        pass\n    else:\n        return 1\n", "for _ in x"),
        ("def f(x):\n    try:\n        return x\n    except ValueError:\n        return 0\n", "except ValueError"),
        ("def f(x):\n    del x\n", "del x"),
    ],
    ids=["with", "for-else", "except", "del"],
)
def test_what_cannot_be_translated_is_named_with_its_line(
    source: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"unsupported_{len(source)}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnsupportedError, match=f"{name}.f, line 2") as raised:
        program([read(name).units["f"]])
    assert told in str(raised.value)


def test_only_what_is_reached_is_translated() -> None:
    made = reach([read("snippets").units["calls"]], set(), set(), set(), [])
    assert {unit.name for unit in made.units.values()} >= {"calls", "Counter", "Doubling", "keywords"}
    assert not {"Place", "rounding"} & {unit.name for unit in made.units.values()}


def test_data_that_a_page_cannot_have_is_refused() -> None:
    from frcnn_edu.site.translate.shipped import Shipment

    file = Shipment(reach([], set(), set(), set(), []), set()).file("one")
    assert json.loads(json.dumps(file.value((1, "a", [2.5, None])))) == ["tuple", 1, "a", ["list", 2.5, None]]
    with pytest.raises(TypeError, match="float32"):
        file.value(torch.float32)
