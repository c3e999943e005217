"""Python that is translated returns in a browser what it returns in Python."""

import json
import os
import random
import re
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
    runtime = "\n".join(
        (RUNTIME / f"{name}.js").read_text(encoding="utf-8")
        for name in ("python", "builtins", "tensor", "operations", "torch")
    )
    return f"(() => {{\n{runtime}\n{translated(made)}\nconst cases = {{ {cases} }};\n{PLAIN}\n}})();"


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=[*QUIET])
        opened = browser.new_page()
        opened.add_script_tag(
            content=program([read("snippets").units[case.__name__] for case in (*snippets.CASES, *snippets.FAILING)])
        )
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


@pytest.mark.parametrize("case", snippets.FAILING, ids=lambda case: case.__name__)
def test_what_a_page_cannot_do_right_ends_with_an_error(page: Any, case: Any) -> None:
    told = page.evaluate("(name) => { try { results(name); } catch (error) { return error.kind; } }", case.__name__)
    assert told == snippets.FAILING[case]


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
        ("def f(x):\n    while x:\n        x -= 1\n    else:\n        return 1\n", "while x"),
        ("def f(x):\n    [x.a, x.b] = 1, 2\n", "[x.a, x.b]"),
        ("def f(x):\n    return [x for x in x]\n", "'x'"),
        ("import torch\ndef f(x): return torch.full((2,), x)\n", "torch.full"),
        ("def f(x):\n    @staticmethod\n    def g(): return 1\n    return g()\n", "staticmethod"),
        ("import functools\n@functools.wraps(print)\ndef f(): pass\n", "functools.wraps"),
        ("from functools import lru_cache\n@lru_cache(maxsize=2, typed=True)\ndef f(): pass\n", "typed"),
        ("class f:\n    @staticmethod\n    def __call__(x): return x\n", "staticmethod"),
        ("from functools import *\nclass f:\n    @cached_property\n    def __init__(x): return x\n", "cached_property"),
        ("class f:\n    def __len__(self): return 0\n", "__len__"),
        ("from dataclasses import dataclass as d\n@d\nclass f:\n    x: int\n", "'d'"),
        (
            "from dataclasses import dataclass\n@dataclass(order=True)\nclass f:\n    x: int\n",
            "order=True",
        ),
        (
            "from dataclasses import dataclass\n@dataclass\nclass f:\n    x: int = 0\n    def __post_init__(self): pass\n",
            "__post_init__",
        ),
    ],
    ids=lambda value: value if "def " not in value and "class " not in value else "",
)
def test_what_cannot_be_translated_is_named_with_its_line(
    source: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"unsupported_{abs(hash(source))}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnsupportedError, match=rf"{name}.f, line \d") as raised:
        program([read(name).units["f"]])
    assert told in str(raised.value)
    (line,) = re.findall(r"line (\d+)", str(raised.value))
    assert told.strip("'") in "\n".join(source.splitlines()[int(line) - 1 :])


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


def test_a_file_refers_only_to_itself_and_to_the_one_that_is_always_loaded() -> None:
    from frcnn_edu.site.translate.shipped import Shipment

    made = Shipment(reach([], set(), set(), set(), []), set())
    always, own, unknown = torch.zeros(1), torch.zeros(1), torch.nn.Linear(1, 1)
    made.file("story").give("f", None, always)
    made.file("one").give("f", None, (always, own, own))
    with pytest.raises(ValueError, match="two refers to a Tensor in one"):
        made.file("two").give("f", None, own)
    with pytest.raises(ValueError, match="two adds to a Linear"):
        made.file("two").add(unknown, ["weight"])
