"""Explorers on a page that is opened from the disk, in a real browser, with a stand-in for the engine: what the page itself does."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from frcnn_edu.lessons.board.explorer import Explorer
from frcnn_edu.lessons.explore import EXPLORERS
from frcnn_edu.notebook_checks.browser import find_browser
from frcnn_edu.site.explorers.records import record, record_script
from frcnn_edu.site.explorers.scripts import page_script, page_styles

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"),
        reason="no browser: install Chromium (or name one in the variable CHROMIUM) to test the explorers in it",
    ),
]

PROMPTS = 2  # of each explorer
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'"
STILL = '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><rect width="400" height="300"/></svg>'
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Explorers</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="page.css"><script defer src="page.js"></script></head>
<body><main><h1>Explorers</h1>{places}</main></body></html>
"""
PLACE = '<figure class="fe-place" data-explorer="{name}"><img src="still.svg" alt="a still picture"></figure>'
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
FIRST_BOX = [83.5, 42, 127.5, 75]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with two explorers, each on a page of its own, and a page with one that is not there."""
    root = tmp_path_factory.mktemp("explorers")
    (root / "page.js").write_text(page_script(), encoding="utf-8")
    (root / "page.css").write_text(page_styles(), encoding="utf-8")
    (root / "engine.js").write_text((Path(__file__).parent / "mock_engine.js").read_text(encoding="utf-8"))
    (root / "still.svg").write_text(STILL)
    for part in ("first", "data"):
        (root / part).mkdir()
    for name in ("level_mapper", "fpn_levels"):
        explorer = EXPLORERS[name]()
        (root / "first" / f"{name}.js").write_text(record_script(name, explorer), encoding="utf-8")
        (root / "data" / f"{name}.js").write_text(f"frcnn.mock({name!r}, {json.dumps(views(explorer))});")
    for name in ("level_mapper", "fpn_levels", "missing"):
        (root / f"{name}.html").write_text(PAGE.format(policy=POLICY, places=PLACE.format(name=name)))
    return root


def views(explorer: Explorer) -> list[dict[str, Any]]:
    """The first view and those of the first suggestions, for the stand-in."""
    made = []
    for index in (None, *range(PROMPTS)):
        if index is not None:
            explorer.try_prompt(index)
        made.append({**record(explorer), "state": vars(explorer.state), "problem": explorer.board.problem})
    return made


@pytest.fixture
def opened(browser: Any, folder: Path) -> Iterator[Any]:
    """Opens a page of the folder; at the end, nothing may have been written into its console."""
    contexts, errors = [], []

    def open_page(address: str, mock: dict[str, Any] | None = None, **settings: Any) -> Any:
        contexts.append(browser.new_context(**{"viewport": {"width": 1000, "height": 1100}, **settings}))
        page = contexts[-1].new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.add_init_script(f"window.mock = {json.dumps(mock or {})}")
        page.goto(f"{folder.as_uri()}/{address}")
        page.wait_for_selector(".fe-board[data-version], .fe-said:not(:empty)")
        page.errors = errors
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def started(page: Any) -> None:
    """Wait until the engine has drawn."""
    page.wait_for_selector('.fe-board[data-version]:not([data-version="0"])')


def until(page: Any, selector: str, words: str) -> None:
    """Wait until a part of the page has some words."""
    page.locator(selector).filter(has_text=words).first.wait_for()


def state(page: Any) -> dict[str, Any]:
    """The state that the stand-in says in words, once it differs from those that were recorded."""
    page.locator(".fe-words").first.filter(has_text="{").wait_for()
    return json.loads(page.locator(".fe-words").first.inner_text())


def middle(page: Any, selector: str) -> tuple[float, float]:
    place = page.locator(selector).first.bounding_box()
    return place["x"] + place["width"] / 2, place["y"] + place["height"] / 2


def take(page: Any, selector: str) -> tuple[float, float]:
    """Take hold of something with the mouse, in its middle."""
    x, y = middle(page, selector)
    page.mouse.move(x, y)
    page.mouse.down()
    return x, y


def swipe(page: Any, *places: tuple[float, float]) -> None:
    """Move a finger from the first place to the last one."""
    hand = page.context.new_cdp_session(page)
    steps = [("Start", places[0]), *(("Move", place) for place in places[1:]), ("End", None)]
    for kind, place in steps:
        points = [{"x": place[0], "y": place[1]}] if place else []
        hand.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})


def fragment(page: Any, words: str) -> str:
    """The fragment of the address, once it contains some words."""
    for _ in range(40):
        found = page.evaluate("decodeURIComponent(location.hash)")
        if words in found:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"{words!r} is not in {found!r}")


def test_the_first_view_is_there_before_the_engine_is_loaded(opened: Any) -> None:
    page = opened("level_mapper.html")
    assert page.evaluate("window.mock.starts") is None
    assert page.locator(".fe-place img").is_hidden()
    assert "The side is 38.1 pixels" in page.locator(".fe-words").inner_text()
    assert page.get_by_label("shorter side of the image").input_value() == "120 pixels"
    assert page.get_by_label("canonical scale").get_attribute("aria-valuetext") == "112"
    # The policy allows no styles in HTML, so the script has to set the colours of meanings.
    assert page.locator(".fe-term").first.evaluate("(term) => term.style.getPropertyValue('--meaning')") == "#E69F00"


def test_a_drag_that_begins_before_the_engine_is_there_goes_on(opened: Any) -> None:
    page = opened("level_mapper.html", {"delay": 600})
    x, y = take(page, ".fe-handle")
    page.mouse.move(x + 20, y + 10, steps=3)
    until(page, ".fe-status", "Loading the explorer")
    started(page)
    early = state(page)["box"]
    assert early[0] > FIRST_BOX[0]
    page.mouse.move(x + 60, y + 10, steps=3)
    page.mouse.up()
    fragment(page, "box=")
    assert state(page)["box"][0] > early[0]
    assert page.locator(".fe-status").inner_text() == ""


def test_controls_answer_the_keyboard_and_the_address_follows(opened: Any) -> None:
    page = opened("fpn_levels.html")
    page.get_by_label("channel (−1: all)", exact=True).focus()
    page.keyboard.press("ArrowRight")
    started(page)
    assert state(page)["channel"] == 61
    assert page.get_by_label("channel (−1: all), number").input_value() == "61"
    page.get_by_label("opacity of the map, number").fill("0.123")
    page.keyboard.press("Tab")
    assert fragment(page, "overlay") == "#fpn_levels?channel=61&overlay=0.12"
    page.get_by_role("radio", name="P2").focus()
    page.keyboard.press("ArrowRight")
    assert fragment(page, "level=") == "#fpn_levels?level=1&channel=61&overlay=0.12"
    page.get_by_role("button", name="Do it").click()
    assert fragment(page, "prompt") == "#fpn_levels?prompt=1"
    page.get_by_role("button", name="Reset").click()
    for _ in range(40):
        if page.evaluate("location.hash") == "#fpn_levels":
            return
        page.wait_for_timeout(50)
    raise AssertionError("the address still has a state after “Reset”")


def test_a_link_leads_to_its_state(opened: Any) -> None:
    page = opened("level_mapper.html#level_mapper?box=10,20.5,110,90&canonical_scale=224")
    started(page)
    expected = {"box": [10, 20.5, 110, 90], "size": 120, "canonical_scale": 224}
    assert state(page) == expected
    assert page.locator(".fe-said").inner_text() == ""
    page.evaluate("location.hash = '#level_mapper?prompt=2'")
    until(page, ".fe-where", "Try 2 of 7")
    assert page.get_by_label("shorter side of the image").input_value() == "800 pixels"


def test_what_a_link_cannot_ask_for_is_said_and_ignored(opened: Any) -> None:
    asked = "size=33&box=0,0,900,50&colour=<img src=x onerror=alert(1)>&canonical_scale=many&prompt=99"
    page = opened(f"level_mapper.html#level_mapper?{asked}")
    until(page, ".fe-said", "ignored")
    said = page.locator(".fe-said").inner_text()
    assert "size=33 is ignored: it has to be one of 120, 240, 480, 800." in said
    assert "box=0,0,900,50 is ignored: it has to be a box within 0,0,160,120" in said
    assert "colour=<img src=x onerror=alert(1)> is ignored: this explorer has no such value." in said
    assert "canonical_scale=many is ignored: it cannot be read as a value." in said
    assert "prompt=99 is ignored: the suggestions have the numbers 1 to 7." in said
    assert page.locator(".fe-said img").count() == 0
    assert "The side is 38.1 pixels" in page.locator(".fe-words").inner_text()


def test_an_error_is_said_and_reset_leads_back(opened: Any) -> None:
    page = opened("level_mapper.html", {"fault": "no such tensor"})
    page.locator(".fe-handle").focus()
    page.keyboard.press("ArrowRight")
    until(page, ".fe-problem", "no such tensor")
    page.evaluate("window.mock.fault = ''")
    page.get_by_role("button", name="Reset").click()
    page.locator(".fe-problem").wait_for(state="hidden")
    page.locator(".fe-handle").focus()
    page.keyboard.press("ArrowRight")
    assert state(page)["box"] == [FIRST_BOX[0] + 1, FIRST_BOX[1], FIRST_BOX[2] + 1, FIRST_BOX[3]]
    assert page.evaluate("window.mock.starts") == 2
    assert "no such tensor" in page.errors.pop()


def test_a_link_leads_out_of_an_error(opened: Any) -> None:
    page = opened("level_mapper.html", {"fault": "no such tensor"})
    page.locator(".fe-handle").focus()
    page.keyboard.press("ArrowRight")
    until(page, ".fe-problem", "no such tensor")
    assert page.locator(".fe-controls").evaluate("(one) => one.inert")  # nothing there would be answered
    page.evaluate("window.mock.fault = ''; location.hash = '#level_mapper?size=240'")
    assert state(page)["size"] == 240
    assert not page.locator(".fe-controls").evaluate("(one) => one.inert")
    page.errors.clear()


def test_a_finger_that_begins_to_scroll_puts_the_box_back(opened: Any) -> None:
    page = opened("level_mapper.html")
    x, y = take(page, ".fe-handle")
    page.mouse.move(x + 20, y + 20, steps=3)
    assert state(page)["box"][0] > FIRST_BOX[0]
    finger = "(kind, id) => document.querySelector('.fe-handle').dispatchEvent(new PointerEvent(kind, { pointerId: id, bubbles: true }))"
    page.evaluate(f"({finger})('pointercancel', 7)")  # another finger
    page.mouse.move(x + 30, y + 20)
    moved = page.locator(".fe-handle").get_attribute("aria-label")
    assert not moved.startswith("box: from 83.5"), "another finger has ended the drag"
    page.evaluate(f"({finger})('pointermove', 7)")
    assert page.locator(".fe-handle").get_attribute("aria-label") == moved
    page.evaluate(f"({finger})('pointercancel', 1)")
    page.mouse.move(x + 60, y + 20)
    assert page.locator(".fe-handle").get_attribute("aria-label").startswith("box: from 83.5, 42 to")


def test_an_explorer_without_a_record_leaves_the_still_picture(opened: Any) -> None:
    page = opened("missing.html")
    assert page.locator(".fe-place img").is_visible()
    assert "first/missing.js could not be loaded" in page.locator(".fe-said").inner_text()
    page.errors.clear()


def test_of_many_moves_between_two_frames_the_first_and_the_last_are_computed(opened: Any) -> None:
    page = opened("level_mapper.html")
    x, y = take(page, ".fe-handle")
    started(page)
    page.evaluate("document.addEventListener('frcnn:drawn', (event) => { window.told = event.detail; })")
    page.evaluate(
        """([x, y]) => { for (let k = 0; k < 50; k++) document.querySelector(".fe-handle").dispatchEvent(
        new PointerEvent("pointermove", { pointerId: 1, bubbles: true, clientX: x + k, clientY: y })); }""",
        [x, y],
    )
    fragment(page, "box=")
    assert page.evaluate("window.mock.sets") == 2
    told = page.evaluate("window.told")
    assert told["name"] == "level_mapper"
    assert 0 < told["milliseconds"] < 1000


def test_an_explorer_opens_below_another_one(opened: Any) -> None:
    page = opened("fpn_levels.html", {"opens": {"lateral": "level_mapper"}})
    page.get_by_role("radio", name="lateral").focus()
    page.keyboard.press("Space")
    inner = page.get_by_role("group", name="Which map is a box read from?", exact=True)
    inner.get_by_label("shorter side of the image").select_option("240 pixels")
    until(page, ".fe-live .fe-live .fe-words", '"size": 240')
    page.get_by_role("button", name="Reset").first.click()
    inner.wait_for(state="detached")


def test_a_link_leads_into_the_explorer_below(opened: Any) -> None:
    mock, inner = {"opens": {"lateral": "level_mapper"}}, ".fe-live .fe-live"
    page = opened(
        "fpn_levels.html#fpn_levels?stage=lateral&level_mapper.size=240&level_mapper.colour=red&iou.size=3", mock
    )
    until(page, f"{inner} .fe-words", '"size": 240')
    assert "iou.size=3 is ignored: this explorer is not open." in page.locator(".fe-said").first.inner_text()
    assert "colour=red is ignored: this explorer has no such value." in page.locator(f"{inner} .fe-said").inner_text()
    page.locator(inner).get_by_label("shorter side of the image").select_option("480 pixels")
    assert fragment(page, "480") == "#fpn_levels?stage=lateral&level_mapper.size=480"
    page.locator(f"{inner} .fe-do").click()
    assert fragment(page, "prompt") == "#fpn_levels?stage=lateral&level_mapper.prompt=1"
    page.evaluate("location.hash = '#fpn_levels?stage=lateral'")
    until(page, f"{inner} .fe-words", "The side is 38.1 pixels")


def test_a_finger_drags_on_a_phone_where_nothing_is_cut_off(opened: Any) -> None:
    page = opened("level_mapper.html", **PHONE)
    page.locator(".fe-handle").scroll_into_view_if_needed()
    x, y = middle(page, ".fe-handle")
    swipe(page, (x, y), (x - 10, y - 30), (x - 30, y - 40))
    box = state(page)["box"]
    assert box[0] < FIRST_BOX[0]
    assert box[1] < FIRST_BOX[1]
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_finger_that_scrolls_changes_no_slider(opened: Any) -> None:
    page = opened("fpn_levels.html", **PHONE)
    slider = page.locator(".fe-controls input[type=range]").first
    slider.evaluate("(one) => { document.body.style.minHeight = '3000px'; one.scrollIntoView({ block: 'center' }); }")
    before, place, top = slider.input_value(), slider.bounding_box(), page.evaluate("scrollY")
    x, y = place["x"] + 0.9 * place["width"], place["y"] + place["height"] / 2
    swipe(page, (x, y), *((x, y - 12 * k) for k in range(1, 15)))
    page.wait_for_function("(top) => scrollY > top + 50", arg=top)
    assert slider.input_value() == before
    swipe(page, (x, y := middle(page, ".fe-controls input[type=range]")[1]), *((x - 12 * k, y) for k in range(1, 5)))
    assert slider.input_value() != before  # but a finger that stays on it does


def test_a_box_can_be_moved_by_its_name(opened: Any) -> None:
    page = opened("level_mapper.html")
    x, y = take(page, ".fe-handle-name")
    page.mouse.move(x + 40, y + 20, steps=4)
    page.mouse.up()
    box = state(page)["box"]
    assert box[0] > FIRST_BOX[0]
    assert box[2] - box[0] == pytest.approx(FIRST_BOX[2] - FIRST_BOX[0], abs=0.2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_board_has_the_colours_of_the_theme(opened: Any, scheme: str) -> None:
    page = opened("level_mapper.html", color_scheme=scheme)
    paper = page.evaluate(
        "[...document.querySelector('.fe-picture').getContext('2d').getImageData(2, 2, 1, 1).data].slice(0, 3)"
    )
    assert min(paper) > 200 if scheme == "light" else max(paper) < 60
