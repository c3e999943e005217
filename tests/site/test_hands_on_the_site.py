"""Each explorer of the built site in a real browser, from the disk: whatever a hand does, the page shows what Python shows."""

import base64
import io
import os
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_on_a_page import PHONE, Hand, bring, difference, flat, items_to_pick, opened, place_of_item
from PIL import Image

from frcnn_edu.lessons import EXPLORER_NAMES
from frcnn_edu.lessons.board.explorer import Explorer
from frcnn_edu.lessons.explore import EXPLORERS
from frcnn_edu.notebook_checks.browser import find_browser
from frcnn_edu.site.explorers import FOLDER
from frcnn_edu.site.explorers.records import record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"), reason="no Chromium was found"
    ),
]
SUGGESTION = 1  # the second: "next" is pressed too
SMOOTHING = 1.0  # of 255, root mean square: how much two drawings of the same scene may differ


@cache
def in_python(name: str) -> Explorer[Any, Any]:
    """The explorer itself; it is made once."""
    explorer = EXPLORERS[name]()
    explorer.complete()
    return explorer


def agree(hand: Hand, explorer: Explorer[Any, Any], doing: str, without: Sequence[str] = ()) -> None:
    """Compare what the page shows with what Python shows in the state of the page."""
    bring(explorer, hand.state())
    assert difference(explorer, hand.shown(), without=without) == "", f"after {doing}"


def drag_or_pick(hand: Hand, explorer: Explorer[Any, Any], *, finger: bool) -> None:
    """Drag the first box of an explorer, or click an item, if it has no box, by mouse or by finger."""
    before, scene, without = hand.state(), explorer.scene, []
    if scene.handles:
        handle, way = scene.handles[0], -1 if scene.handles[0].resizable else 1  # away from what is too small
        (hand.drag_by_touch if finger else hand.drag_by_mouse)(handle, 14 * way, 9 * way)
        # A box that only moves stays where it was dropped until the next answer, although sizes are whole numbers.
        without = [] if handle.resizable else ["boxes"]
    for panel, group, id in items_to_pick(explorer) if not scene.handles else ():
        place = hand.place_of(scene, panel, *place_of_item(scene, panel, group, id))
        hand.tap(*place) if finger else hand.click(*place)
        if hand.state() != before:  # another item that is already chosen may have been above it
            break
    assert hand.state() != before, "the hand changes nothing"
    agree(hand, explorer, "a touch" if finger else "a drag or a click by mouse", without)


def by_key(hand: Hand, explorer: Explorer[Any, Any]) -> None:
    """Change the first slider by keyboard; without one, a menu; without any control, the box."""
    before, controls = hand.state(), hand.live.locator("> .fe-controls")
    sliders = [
        one for one in controls.locator("input[type=range]").all() if one.evaluate("(one) => one.min !== one.max")
    ]
    if sliders:
        at_the_end = sliders[0].evaluate("(slider) => slider.value === slider.max")
        hand.press(sliders[0], "ArrowLeft" if at_the_end else "ArrowRight")
    elif (menu := controls.locator("select")).count():
        at_the_end = menu.first.evaluate("(menu) => menu.selectedIndex === menu.length - 1")
        hand.press(menu.first, "ArrowUp" if at_the_end else "ArrowDown")
    else:
        hand.press(hand.board(".fe-handle"), "ArrowLeft")
    assert hand.state() != before, "the key changes nothing"
    agree(hand, explorer, "a key")


def first_view(hand: Hand, explorer: Explorer[Any, Any]) -> None:
    """Compare the recorded first view with Python's, before the engine is there and, as a picture, with that of the engine."""
    assert hand.page.evaluate("Object.keys(window.explorers)") == [], "the engine has been loaded before a touch"
    explorer.reset()
    assert difference(explorer, hand.shown(), exact=True) == "", "in the recorded first view"
    recorded = pixels(hand)
    hand.board(".fe-do").hover()
    hand.answered()
    assert difference(explorer, hand.shown()) == "", "in the first view of the engine"
    off = float(np.sqrt(((recorded - pixels(hand)) ** 2).mean()))
    assert off <= SMOOTHING, f"the picture of the recorded first view differs from that of the engine by {off:.1f}"


def pixels(hand: Hand) -> np.ndarray:
    picture = hand.board(".fe-picture").evaluate("(canvas) => canvas.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.split(",")[1]))).convert("RGB"), dtype=float)


@pytest.mark.parametrize("name", EXPLORER_NAMES)
def test_mouse_keyboard_and_link(browser: Any, site: Path, name: str) -> None:
    explorer = in_python(name)
    with opened(browser, site, name) as hand:
        first_view(hand, explorer)
        hand.suggest(SUGGESTION)
        explorer.try_prompt(SUGGESTION)
        assert flat(hand.state()) == pytest.approx(flat(vars(explorer.state)))
        agree(hand, explorer, "a suggestion")
        hand.board(".fe-reset").click()
        hand.answered()
        explorer.reset()
        assert flat(hand.state()) == flat(vars(explorer.first)), "reset does not lead back to the first view"
        by_key(hand, explorer)
        drag_or_pick(hand, explorer, finger=False)
        fragment, state = hand.link(), hand.state()
    with opened(browser, site, name, fragment) as hand:
        hand.answered()
        assert flat(hand.state()) == pytest.approx(flat(state), abs=1e-6), f"the link {fragment} leads to another state"
        agree(hand, explorer, f"the link {fragment}")


def test_what_of_a_link_cannot_be_shown_is_left_out(browser: Any, site: Path) -> None:
    with opened(browser, site, "iou_labeling", "#iou_labeling?anchor=99999&foreground=0.6") as hand:
        hand.answered()
        assert hand.state()["foreground"] == 0.6
        assert hand.state()["anchor"] == in_python("iou_labeling").state.anchor
        assert "anchor=99999 is ignored: the explorer cannot show it." in hand.live.locator(".fe-said").inner_text()
    with opened(browser, site, "box_coding", "#box_coding?anchor=-1e300,-1e300,1e300,1e300") as hand:
        hand.answered()
        assert (
            "anchor=-1e300,-1e300,1e300,1e300 is ignored: it has to be a box within"
            in hand.live.locator(".fe-said").inner_text()
        )


@pytest.mark.parametrize("name", EXPLORER_NAMES)
def test_touch(browser: Any, site: Path, name: str) -> None:
    explorer = in_python(name)
    explorer.reset()
    with opened(browser, site, name, **PHONE) as hand:
        hand.board(".fe-do").tap()
        hand.answered()
        agree(hand, explorer, "a suggestion by touch")
        drag_or_pick(hand, explorer, finger=True)


def test_an_explorer_that_a_stage_opens(browser: Any, site: Path) -> None:
    explorer = in_python("whole_path")
    explorer.reset()
    with opened(browser, site, "whole_path") as hand:
        panel = explorer.scene.panel("Detections")
        number = next(int(layer.ids[0]) for layer in panel.layers if getattr(layer, "group", None) == "stage")
        hand.click(
            *hand.place_of(explorer.scene, "Detections", *place_of_item(explorer.scene, "Detections", "stage", number))
        )
        hand.live.locator("> .fe-live").wait_for()
        agree(hand, explorer, "a click on a stage")
        (below,) = [one for one in explorer.opened.values() if one.widget is explorer.widget.children[-1]]
        below.complete()
        inner = Hand(hand.page, hand.name, child=True)
        assert inner.live.locator("> .fe-head .fe-title").inner_text() == below.title
        agree(inner, below, "a stage has been opened")
        inner.suggest(SUGGESTION)
        agree(inner, below, "a suggestion in the explorer of a stage")
        by_key(inner, below)
        agree(hand, explorer, "a hand on the explorer below it")
        fragment, state = hand.link(), inner.state()
    with opened(browser, site, "whole_path", fragment) as hand:
        inner = Hand(hand.page, hand.name, child=True)
        inner.live.wait_for()
        inner.answered()
        assert flat(inner.state()) == pytest.approx(flat(state), abs=1e-6), (
            f"the link {fragment} leads to another state"
        )
        agree(inner, below, "a link into the explorer of a stage")


# ------------------------------------------------------------------------------------------------ what these tests can see


@pytest.fixture
def copied(site: Path, tmp_path: Path) -> Path:
    """A copy of the site that a test may change."""
    return shutil.copytree(site, tmp_path / "site")


def plant(folder: Path, file: str, before: str, after: str) -> None:
    path = folder / FOLDER / file
    script = path.read_text(encoding="utf-8")
    assert before in script
    path.write_text(script.replace(before, after), encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("The side is ", "The edge is ", "words: Python shows “The side is"),
        ("canonical_level = 4", "canonical_level = 5", "formula: Python shows"),
    ],
)
def test_a_fault_in_the_engine_is_seen(browser: Any, copied: Path, before: str, after: str, told: str) -> None:
    plant(copied, "engine.js", before, after)
    with opened(browser, copied, "level_mapper") as hand:
        hand.suggest(0)
        with pytest.raises(AssertionError, match=told):
            agree(hand, in_python("level_mapper"), "a suggestion")


def test_a_stale_first_view_is_seen(browser: Any, copied: Path) -> None:
    plant(copied, "first/level_mapper.js", "38.1 pixels", "38.2 pixels")
    with (
        pytest.raises(AssertionError, match=r"the page “The side is 38\.2"),
        opened(browser, copied, "level_mapper") as hand,
    ):
        first_view(hand, in_python("level_mapper"))


def test_a_first_view_with_a_stale_picture_is_seen(browser: Any, copied: Path) -> None:
    explorer = in_python("level_mapper")
    explorer.reset()
    now = record(explorer)["scene"]["data"]
    explorer.set(box=(40.0, 42.0, 84.0, 75.0))
    plant(copied, "first/level_mapper.js", now, record(explorer)["scene"]["data"])
    with (
        pytest.raises(AssertionError, match="the picture of the recorded"),
        opened(browser, copied, "level_mapper") as hand,
    ):
        first_view(hand, explorer)
