"""What a hand does to an explorer in a page, and what must follow."""

import base64
import contextlib
import io
import os

import numpy as np
import pytest
from PIL import Image, ImageChops

from frcnn_edu.lessons.board.scene import WIDTH, Scene
from frcnn_edu.notebook_checks.browser import Reader, find_browser

IN_A_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"),
        reason="no browser: install Chromium (or name one in the variable CHROMIUM) to test the explorers in it",
    ),
]

SMOOTHING = 2.0  # of 255, root mean square: how much two drawings of the same scene may differ


def seen(reader: Reader) -> tuple[str, str]:
    """The picture, as bytes in text, and the formula with its words."""
    picture, said = reader.page.evaluate(
        """() => { const board = document.querySelector(".fe-board");
        const said = [".fe-formula", ".fe-words"].map((part) => board.querySelector(part).innerText);
        return [board.querySelector("canvas").toDataURL(), said.join("\\n")]; }"""
    )
    return picture, said


def same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """The same words, and a picture that differs by no more than a browser's smoothing of scaled images does."""
    first, second = (
        Image.open(io.BytesIO(base64.b64decode(seen[0].split(",")[1]))).convert("RGB") for seen in (one, other)
    )
    if one[1] != other[1] or first.size != second.size:
        return False
    off = np.asarray(ImageChops.difference(first, second), dtype=float)
    return float(np.sqrt((off**2).mean())) <= SMOOTHING


def drag(reader: Reader) -> None:
    """Make the first box smaller at its lower right corner, or move it, if it is one that only moves."""
    handle = reader.page.locator(".fe-explorer .fe-handle").first
    corner = handle.locator(".fe-se")
    place = (corner if corner.is_visible() else handle).bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    reader.page.mouse.move(x, y)
    reader.page.mouse.down()
    reader.page.mouse.move(x - 16, y - 11, steps=6)
    reader.page.mouse.up()


def press(reader: Reader, where: str, key: str, seconds: float) -> None:
    """One key, and the picture that follows."""
    before = reader.version()
    reader.page.locator(f".fe-explorer {where}").first.focus()
    reader.page.keyboard.press(key)
    reader.settle(before, seconds)


def reset(reader: Reader, seconds: float = 20) -> None:
    before = reader.version()
    reader.page.locator(".fe-explorer .fe-reset").first.click()
    reader.settle(before, seconds)
    reader.page.mouse.move(5, 5)


def touch(reader: Reader, *, dragged: bool, where: str, presses: int = 1, seconds: float = 20) -> None:
    """Drag a box, move a slider by keyboard and back, and see picture and formula change each time."""
    first = seen(reader)
    if dragged:
        before = reader.version()
        drag(reader)
        reader.settle(before, seconds)
        picture, said = seen(reader)
        assert picture != first[0], "dragging a box leaves the picture as it was"
        assert said != first[1], "dragging a box leaves the formula as it was"
        reset(reader, seconds)
        assert same(seen(reader), first), "reset does not lead back to the first view"

    # There, back, and there again: "another picture than before" would be content with half an answer. (The first view need not
    # lie on a slider's steps.)
    def presses_of(key: str) -> tuple[str, str]:
        for _ in range(presses):
            press(reader, where, key, seconds)
        return seen(reader)

    there, back, again = (presses_of(key) for key in ("ArrowRight", "ArrowLeft", "ArrowRight"))
    for one, other in ((first, there), (there, back)):
        assert one[0] != other[0], "a key leaves the picture as it was"
        assert one[1] != other[1], "a key leaves the formula as it was"
    assert same(again, there), "the same place does not look the same"


def names_missing(reader: Reader) -> list[str]:
    """What can be reached by keyboard in the explorer and has no name that could be read aloud, once there was time for names."""
    from playwright.sync_api import TimeoutError as TooLate

    with contextlib.suppress(TooLate):
        reader.page.wait_for_function(f"() => ({NAMELESS})().length === 0", timeout=10_000)
    return reader.page.evaluate(NAMELESS)


NAMELESS = """() => [...document.querySelectorAll(".fe-explorer :is(button, input, select, [tabindex])")].filter((one) => {
  if (one.tabIndex < 0 || one.disabled || !one.offsetParent) return false;
  const label = one.id && document.querySelector(`label[for="${one.id}"]`);
  return !(one.getAttribute("aria-label") || one.title || one.innerText?.trim() || one.closest("label")?.innerText.trim() || label?.innerText.trim());
}).map((one) => one.outerHTML.slice(0, 200))"""


def names_colliding(reader: Reader) -> list[list[str]]:
    """Pairs of boxes in the picture whose names cover each other."""
    return reader.page.evaluate(
        """() => {
          const names = [...document.querySelectorAll(".fe-handle-name")].map((one) => [one.textContent, one.getBoundingClientRect()]);
          return names.flatMap(([one, a], i) => names.slice(i + 1)
            .filter(([, b]) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
            .map(([other]) => [one, other]));
        }"""
    )


def lit_panels(reader: Reader, scene: Scene) -> list[str]:
    """The scene's panels in which something is lit up at the moment."""
    return reader.page.evaluate(
        """(panels) => {
          const overlay = document.querySelector(".fe-overlay"), scale = overlay.width / 800, context = overlay.getContext("2d");
          return panels.filter(([, place]) =>
            context.getImageData(...place.map((value) => Math.round(value * scale))).data.some((value, i) => i % 4 === 3 && value)
          ).map(([name]) => name);
        }""",
        [[panel.name, panel.place] for panel in scene.panels],
    )


def point_at(reader: Reader, scene: Scene, panel: str, x: float, y: float) -> None:
    """Move the mouse to a place of a panel, in its data units."""
    one, frame = scene.panel(panel), reader.page.locator(".fe-picture").first.bounding_box()
    (left, top, right, bottom), (px, py, w, h) = one.view, one.place
    at = (px + (x - left) / (right - left) * w, py + (y - top) / (bottom - top) * h)
    scale = frame["width"] / WIDTH
    reader.page.mouse.move(frame["x"] + at[0] * scale, frame["y"] + at[1] * scale)
