"""The explorers in a page compute what Python computes, whatever a hand does: random states of each, in a real browser."""

import json
import os
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from golden import states

from frcnn_edu.lessons.explore import EXPLORERS
from frcnn_edu.notebook_checks.browser import QUIET, find_browser
from frcnn_edu.site.explorers.scripts import page_script
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
<script src="page.js"></script><script src="engine.js"></script><script src="compare.js"></script></head><body></body></html>
"""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors are computed faster by one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page with the engine, opened from the disk; its folder is `page.folder`."""
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("engine")
    (folder / "data").mkdir()
    (folder / "page.js").write_text(page_script(), encoding="utf-8")
    (folder / "engine.js").write_text(engine(), encoding="utf-8")
    for name, script in data().items():
        (folder / "data" / f"{name}.js").write_text(script, encoding="utf-8")
    (folder / "compare.js").write_text(
        (Path(__file__).parent / "compare.js").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=[*QUIET])
        opened = browser.new_page()
        opened.set_default_timeout(300_000)
        opened.goto((folder / "index.html").as_uri())
        opened.folder = folder
        yield opened
        browser.close()


@pytest.mark.parametrize("name", EXPLORERS)
def test_the_page_computes_what_python_computes(page: Any, name: str) -> None:
    explorer = EXPLORERS[name]()
    explorer.complete()
    golden = json.dumps([*states(explorer, STATES, seed=23)])
    (page.folder / f"{name}.js").write_text(f"window.golden = {golden};", encoding="utf-8")
    page.add_script_tag(url=(page.folder / f"{name}.js").as_uri())
    told = page.evaluate("(name) => compare(name, window.golden)", name)
    print(name, "milliseconds, median:", round(statistics.median(told["milliseconds"]), 1))
    assert told["number"] == STATES
    assert told["differences"] == []
