"""The words of explorers in a page: JavaScript translates every text as Python does, and a Chinese page shows Chinese explorers."""

import os
from pathlib import Path
from typing import Any

import pytest
from visits import Visit

from frcnn_edu.lessons import explore
from frcnn_edu.lessons.board.formula import text
from frcnn_edu.lessons.board.scene import Words
from frcnn_edu.notebook_checks.browser import find_browser
from frcnn_edu.words import catalogue, translated

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"), reason="no Chromium was found"
    ),
]
HAN = "[\\u4e00-\\u9fff]"


def shown(explorer: Any) -> set[str]:
    """All texts of the present scene."""
    scene = explorer.scene
    found = {explorer.title, text(scene.words), *(words for words, _ in explorer.prompts)}
    found |= {control.description for control in explorer.controls.values()}
    found |= {piece for line in scene.formula if not isinstance(line, str) for piece in [text(line)]}
    for panel in scene.panels:
        found |= {panel.title, panel.caption, panel.alt}
        found |= {words for layer in panel.layers if isinstance(layer, Words) for words in layer.texts}
    return found


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """The texts of every explorer, in its first view and after each suggestion."""
    found = set()
    for make in explore.EXPLORERS.values():
        explorer = make()
        found |= shown(explorer)
        for index in range(len(explorer.prompts)):
            explorer.try_prompt(index)
            found |= shown(explorer) | {explorer.board.problem}
    return sorted(found)


def test_javascript_translates_as_python_does(site: Path, visit: Visit, texts: list[str]) -> None:
    known = catalogue("zh_CN")
    page = visit.open(site / "zh" / "index.html")
    page.wait_for_function("window.frcnn?.words('Reset') !== 'Reset'", timeout=20_000)
    found = page.evaluate("texts => texts.map(text => frcnn.words(text))", texts)
    wanted = [translated(one, known) for one in texts]
    assert len(texts) > 800
    assert [pair for pair in zip(found, wanted, strict=True) if pair[0] != pair[1]] == []


def test_an_explorer_on_a_chinese_page_is_chinese_and_stays_so(site: Path, visit: Visit) -> None:
    page = visit.open(site / "zh" / "notebooks" / "10_level_mapper.html")
    page.locator(".fe-place").scroll_into_view_if_needed()
    page.wait_for_selector(".fe-live .fe-title")
    english = "node => [...node.querySelectorAll('.fe-title, .fe-prompt, .fe-words, .fe-controls label, button')].map(n => n.textContent).filter(t => /[a-z]{4}/.test(t) && !/[\\u4e00-\\u9fff]/.test(t))"
    explorer = page.locator(".fe-live")
    assert explorer.evaluate(english) == []
    before = explorer.locator(".fe-words").text_content()
    explorer.locator(".fe-do").click()
    page.wait_for_function("before => document.querySelector('.fe-live .fe-words').textContent !== before", arg=before)
    assert explorer.evaluate(english) == []
