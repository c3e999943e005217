"""The explorers in a page compute what Python computes, whatever a hand does: random states of each, in a real browser."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from golden import states

from frcnn_edu.lessons.explore import EXPLORERS
from frcnn_edu.notebook_checks.browser import QUIET, find_browser
from frcnn_edu.site.translate.engine import data, engine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"),
        reason="no browser: install Chromium (or name one in the variable CHROMIUM) to test the explorers in it",
    ),
]
STATES = 500  # of each explorer
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>The engine</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'">
<script src="engine.js"></script><script src="compare.js"></script></head><body></body></html>
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page with the engine, opened from the disk."""
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("engine")
    (folder / "data").mkdir()
    (folder / "engine.js").write_text(engine(), encoding="utf-8")
    for name, script in data().items():
        (folder / "data" / f"{name}.js").write_text(script, encoding="utf-8")
    (folder / "compare.js").write_text((Path(__file__).parent / "compare.js").read_text(encoding="utf-8"))
    (folder / "index.html").write_text(PAGE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=[*QUIET])
        opened = browser.new_page()
        opened.goto((folder / "index.html").as_uri())
        yield opened
        browser.close()


@pytest.mark.parametrize("name", EXPLORERS)
def test_the_page_computes_what_python_computes(page: Any, name: str) -> None:
    explorer = EXPLORERS[name]()
    explorer.complete()
    golden = json.loads(json.dumps([*states(explorer, STATES, seed=23)]))
    told = page.evaluate("([name, golden]) => compare(name, golden)", [name, golden])
    assert told["number"] == STATES
    assert told["differences"] == []
