"""How fast the explorers of a built site answer a hand, in a real browser. A script; times are never asserted.

    python tests/site/response_times.py FOLDER_OF_A_SITE [EXPLORER …]

For each explorer: some 60 moves as a hand makes them (a drag in small steps at 60 Hz, a slider by keyboard, clicks, suggestions), each
measured from the input until its frame has been drawn; and the time from the first touch until the engine has answered.
"""

import statistics
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from hand_on_a_page import WIDE, Hand, items_to_pick, opened, place_of_item

from frcnn_edu.lessons import EXPLORER_NAMES
from frcnn_edu.lessons.board.explorer import Explorer
from frcnn_edu.lessons.explore import EXPLORERS
from frcnn_edu.notebook_checks.browser import QUIET, find_browser

MOVES = 30  # by each hand that the explorer has: one that drags or clicks, and one at a slider
STEP = 1 / 60  # seconds between two moves of a mouse
# Collects what the page says about its answers, and when the engine has first answered a touch.
LISTEN = """
  window.measured = [];
  window.addEventListener("pointerover", (event) => { if (event.target.closest?.(".fe-place")) window.touched ??= event.timeStamp; }, { capture: true });
  document.addEventListener("frcnn:drawn", (event) => window.measured.push(event.detail.milliseconds));
  new MutationObserver(() => { window.alive ??= document.querySelector('.fe-board:not([data-version="0"])[data-version]') ? performance.now() : undefined; })
    .observe(document, { subtree: true, attributeFilter: ["data-version"] });
"""


def drag(hand: Hand, explorer: Explorer[Any, Any]) -> None:
    """Drag the first box, there and back, by its lower right corner or, if it only moves, as a whole."""
    handle = explorer.scene.handles[0]
    box = hand.board(f".fe-handle-{handle.name}")
    x, y = hand.middle(box.locator(".fe-se") if handle.resizable else box)
    hand.page.mouse.move(x, y)
    hand.page.mouse.down()
    for k in range(MOVES):
        due = time.monotonic() + STEP
        away = 2 * min(k + 1, MOVES - k)
        hand.page.mouse.move(x - away if handle.resizable else x + away, y - 0.6 * away)
        time.sleep(max(0, due - time.monotonic()))
    hand.page.mouse.up()
    hand.answered()


def click(hand: Hand, explorer: Explorer[Any, Any]) -> None:
    """Click items of the picture, in turn; after each, press an arrow key, for which a panel that was clicked has the focus."""
    items = [*items_to_pick(explorer)]
    for (panel, group, id), key in islice(
        zip(cycle(items), cycle(("ArrowRight", "ArrowLeft", "ArrowDown"))), MOVES // 2
    ):
        hand.click(*hand.place_of(explorer.scene, panel, *place_of_item(explorer.scene, panel, group, id)))
        hand.page.keyboard.press(key)
        hand.answered()


def press(hand: Hand) -> None:
    """Move the sliders by keyboard, there and back; without one, the menus; without any control, the box."""
    controls = hand.live.locator("> .fe-controls")
    found = (
        controls.locator("input[type=range]").all() or controls.locator("select").all() or [hand.board(".fe-handle")]
    )
    for control in found:
        control.focus()
        for key in islice(cycle(["ArrowRight"] * 3 + ["ArrowLeft"] * 3), max(6, MOVES // len(found))):
            hand.page.keyboard.press(key)
            hand.answered()


def suggest(hand: Hand, explorer: Explorer[Any, Any]) -> None:
    """Follow all suggestions."""
    for _ in explorer.prompts:
        hand.suggest(0)
        hand.board(".fe-next").click()


def measure(browser: Any, site: Path, name: str) -> tuple[list[float], float]:
    """The milliseconds of each answer, and those from the first touch to the first answer of the engine."""
    explorer = EXPLORERS[name]()
    with opened(browser, site, name, **WIDE) as hand:
        hand.page.evaluate(f"() => {{ {LISTEN} }}")
        hand.board(".fe-reset").hover()
        hand.answered()
        first = hand.page.evaluate("window.alive - window.touched")
        drag(hand, explorer) if explorer.scene.handles else click(hand, explorer)
        press(hand)
        suggest(hand, explorer)
        return hand.page.evaluate("window.measured"), first


def main(folder: str, *names: str) -> None:
    """Print the table.

    Args:
        folder: of the site.
        names: of the explorers; by default, of all.
    """
    from playwright.sync_api import sync_playwright

    print(f"{'explorer':14} {'answers':>8} {'median':>8} {'95 %':>8} {'first touch':>12}   (milliseconds)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=[*QUIET])
        for name in names or EXPLORER_NAMES:
            answers, first = measure(browser, Path(folder).resolve(), name)
            most = statistics.quantiles(answers, n=20)[-1]
            print(f"{name:14} {len(answers):8} {statistics.median(answers):8.1f} {most:8.1f} {first:12.0f}")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
