"""Hands on an explorer of the site in a browser, what the page then shows, and what Python shows in the same state."""

import html as markup
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from golden import clickable

from frcnn_edu.lessons import EXPLORER_OF, notebook_name
from frcnn_edu.lessons.board.explorer import Explorer
from frcnn_edu.lessons.board.formula import html
from frcnn_edu.lessons.board.scene import WIDTH, Boxes, Grid, Handle, Points, Scene
from frcnn_edu.site.explorers.records import described

PAGES = {name: f"notebooks/{Path(notebook_name(lesson)).stem}.html" for lesson, name in EXPLORER_OF.items()}
WIDE = {"viewport": {"width": 1280, "height": 1000}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 1}
PATIENCE = 20_000  # milliseconds

# Keeps the explorers that the engine makes, and counts the answers to hands.
KEEP = """
  window.explorers = {};
  window.answers = 0;
  document.addEventListener("frcnn:drawn", () => { window.answers += 1; });
  let own, start;
  Object.defineProperty(window, "frcnn", { get: () => own, set(value) {
    own = value;
    Object.defineProperty(own, "start", {
      get: () => start && (async (name) => (window.explorers[name] = await start(name))),
      set(value) { start = value; },
    });
  } });
"""
# What was done before has been answered after the next frame.
ANSWERED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
SHOWN = """(live) => {
  const board = live.querySelector(":scope > .fe-board"), all = (selector) => [...board.querySelectorAll(selector)];
  const label = (control) => (control.querySelector(":scope > .fe-control-label, :scope > label") ?? control).textContent;
  const value = (control) => {
    const [number, range, output, select, chosen, box] = ["[type=number]", "[type=range]", "output", "select", ":checked + span", "[type=checkbox]"]
      .map((selector) => control.querySelector(selector));
    if (number) return `${number.value} of ${Number(range.min)} to ${Number(range.max)}`;
    if (box) return box.checked ? "yes" : "no";
    return output?.textContent ?? select?.selectedOptions[0]?.textContent ?? chosen?.textContent ?? "nothing";
  };
  const problem = board.querySelector(".fe-problem");
  return {
    formula: all(".fe-line").map((line) => line.textContent),
    words: all(".fe-words").map((one) => one.textContent),
    problem: [problem.hidden ? "" : problem.textContent.replace("⚠ ", "")],
    controls: [...live.querySelectorAll(":scope > .fe-controls > .fe-control")].map((one) => `${label(one)}: ${value(one)}`),
    boxes: all(".fe-handle").map((handle) => handle.getAttribute("aria-label").split(".").slice(0, -2).join(".")),
    picture: all(".fe-picture").map((picture) => picture.getAttribute("aria-label")),
  };
}"""
NUMBER = re.compile(r"[-−+]?\d[\d,]*(?:\.\d+)?")
Shown = dict[str, list[str]]


class Hand:
    """A hand on one explorer of a page.

    Attributes:
        page: Playwright's page. name: of the page's explorer.
        live: the explorer's element.
        child: whether this is the explorer that the page's explorer has opened below itself.
    """

    def __init__(self, page: Any, name: str, *, child: bool = False) -> None:
        self.page, self.name, self.child = page, name, child
        self.live = page.locator(f"figure[data-explorer={name}] > .fe-live").first
        if child:
            self.live = self.live.locator("> .fe-live")

    def board(self, selector: str) -> Any:
        """The first element of the explorer's own board that a selector finds."""
        return self.live.locator(f"> .fe-board {selector}").first

    def shown(self) -> Shown:
        """What the page shows, as texts."""
        return self.live.evaluate(SHOWN)

    def state(self) -> dict[str, Any]:
        """The state of the explorer in the engine; tuples are lists."""
        return self.page.evaluate(f"window.explorers.{self.name}{'.child()' * self.child}.state()")

    def answered(self) -> None:
        """Wait until the engine is there and has answered all that was done.

        Raises:
            playwright.sync_api.TimeoutError: the engine does not come.
        """
        self.page.wait_for_function(
            "(live) => live.querySelector(':scope > .fe-board').dataset.version > 0", arg=self.live.element_handle()
        )
        self.page.evaluate(ANSWERED)

    def suggest(self, index: int) -> None:
        """Press "Do it" at a suggestion."""
        for _ in range(index):
            self.board(".fe-next").click()
        self.board(".fe-do").click()
        self.answered()

    def press(self, control: Any, key: str) -> None:
        """Press a key in a control."""
        control.focus()
        self.page.keyboard.press(key)
        self.answered()

    def middle(self, element: Any) -> tuple[float, float]:
        """The middle of an element, in the window."""
        element.scroll_into_view_if_needed()
        place = element.bounding_box()
        return place["x"] + place["width"] / 2, place["y"] + place["height"] / 2

    def place_of(self, scene: Scene, panel: str, x: float, y: float) -> tuple[float, float]:
        """Where a place of a panel, in its data units, is in the window. Of a narrow view only the panels with keys are known."""
        one, picture, keys = scene.panel(panel), self.board(".fe-picture"), self.board(f".fe-keys-{panel}")
        (keys if one.keys else picture).scroll_into_view_if_needed()
        px, py, w, h = ((keys if one.keys else picture).bounding_box()[side] for side in ("x", "y", "width", "height"))
        if not one.keys:
            scale, (x1, y1, wide, high) = w / WIDTH, one.place
            px, py, w, h = px + scale * x1, py + scale * y1, scale * wide, scale * high
        left, top, right, bottom = one.view
        return px + (x - left) / (right - left) * w, py + (y - top) / (bottom - top) * h

    def drag_by_mouse(self, handle: Handle, dx: float, dy: float, steps: int = 5) -> None:
        """Make a box larger or smaller at its lower right corner, or move it, if it is one that only moves."""
        box = self.board(f".fe-handle-{handle.name}")
        x, y = self.middle(box.locator(".fe-se") if handle.resizable else box)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx, y + dy, steps=steps)
        self.page.mouse.up()
        self.answered()

    def drag_by_touch(self, handle: Handle, dx: float, dy: float, steps: int = 5) -> None:
        """Move a box by a finger."""
        x, y = self.middle(self.board(f".fe-handle-{handle.name}"))
        on_the_way = [(x + k * dx / steps, y + k * dy / steps) for k in range(1, steps + 1)]
        self.touch([("Start", (x, y)), *(("Move", place) for place in on_the_way), ("End", None)])

    def click(self, x: float, y: float) -> None:
        """Click a place of the window."""
        self.page.mouse.click(x, y)
        self.answered()

    def link(self) -> str:
        """Copy the link to the present view; its fragment, once the address has it too."""
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.live.locator("> .fe-below .fe-copy").click()
        self.live.locator("> .fe-below .fe-copied").filter(has_text="Copied").wait_for()
        link = self.page.evaluate("navigator.clipboard.readText()")
        self.page.wait_for_function("(link) => location.href === link", arg=link)
        return f"#{link.partition('#')[2]}"

    def tap(self, x: float, y: float) -> None:
        """Touch a place of the window with a finger."""
        self.touch([("Start", (x, y)), ("End", None)])

    def touch(self, events: list[tuple[str, tuple[float, float] | None]]) -> None:
        """What one finger does, as the browser gets it from a touch screen."""
        finger = self.page.context.new_cdp_session(self.page)
        for kind, place in events:
            points = [{"x": place[0], "y": place[1]}] if place else []
            finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        finger.detach()
        self.answered()


@contextmanager
def opened(browser: Any, site: Path, name: str, fragment: str = "", **settings: Any) -> Iterator[Hand]:
    """The lesson page of an explorer, opened from the disk without a network, with the explorer's first view in sight.

    Raises:
        AssertionError: there was an error in the page, when it has been left.
    """
    context = browser.new_context(offline=True, **(settings or WIDE))
    page, errors = context.new_page(), []
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(f"{request.url} is not loaded: {request.failure}"))
    page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
    page.add_init_script(KEEP)
    try:
        page.goto(f"{(site / PAGES[name]).as_uri()}{fragment}", wait_until="domcontentloaded")
        page.locator(f"figure[data-explorer={name}]").first.scroll_into_view_if_needed()
        page.locator(f"figure[data-explorer={name}] .fe-board[data-version]").first.wait_for()
        yield Hand(page, name)
    finally:
        context.close()
    assert errors == []


# --------------------------------------------------------------------------------------------------- what Python shows


def bring(explorer: Explorer[Any, Any], state: dict[str, Any]) -> None:
    """Bring Python's explorer into the state of a page's."""
    first = vars(explorer.first)
    with patch.object(explorer, "follow_up", lambda before, changes: changes):  # the state is complete: nothing follows
        explorer.set(**{field: as_python(first[field], value) for field, value in state.items()})
    assert flat(vars(explorer.state)) == pytest.approx(flat(state)), "Python does not accept the page's state"


def flat(state: dict[str, Any]) -> dict[str, Any]:
    """A state without lists: the sides of a box are fields of their own."""
    lists = {field: value if isinstance(value, list | tuple) else [value] for field, value in state.items()}
    return {f"{field} {place}": value for field, values in lists.items() for place, value in enumerate(values)}


def as_python(like: Any, value: Any) -> Any:
    """A value from JavaScript, which has no tuples and writes 1.0 as 1."""
    return tuple(value) if isinstance(value, list) else type(like)(value)


def wanted(explorer: Explorer[Any, Any]) -> Shown:
    """What a page has to show of Python's explorer, as texts."""
    scene = explorer.scene
    return {
        "formula": [bare(html(line)) for line in scene.formula],
        "words": [bare(html(scene.words))],
        "problem": [explorer.board.problem],
        "controls": [written(described(field, control)) for field, control in explorer.controls.items()],
        "boxes": [box_of(handle) for handle in scene.handles],
        "picture": [". ".join(panel.alt for panel in scene.panels if panel.alt)],
    }


def bare(text: str) -> str:
    """The text of HTML."""
    return markup.unescape(re.sub(r"<[^>]+>", "", text))


def written(control: dict[str, Any]) -> str:
    """A control's label and what a page shows as its value."""
    value = control["value"]
    match control:
        case {"options": options}:
            (shown,) = [label for label, other in options if other == value]
        case {"kind": "slider", "digits": digits, "min": low, "max": high}:
            shown = f"{value:.{digits}f} of {low:g} to {high:g}"
        case _:
            shown = "yes" if value else "no"
    return f"{control['label']}: {shown}"


def box_of(handle: Handle) -> str:
    """A box that can be dragged, and its corners, as they are read aloud."""
    x1, y1, x2, y2 = (f"{math.floor(10 * float(side) + 0.5) / 10:g}" for side in handle.box)
    return f"{handle.label}: from {x1}, {y1} to {x2}, {y2}"


def difference(explorer: Explorer[Any, Any], shown: Shown, *, exact: bool = False, without: Sequence[str] = ()) -> str:
    """Where a page shows something else than Python, in words; nothing if it does not.

    A number may differ by one in its last digit after the point, because the last bits of a computation are not the same everywhere;
    not if the texts have to be exactly the same, as those that Python recorded. `without`: parts that are not compared.
    """
    for part, texts in ((part, texts) for part, texts in wanted(explorer).items() if part not in without):
        if len(texts) != len(shown[part]):
            return f"{part}: Python shows {texts}, the page {shown[part]}"
        for text, found in zip(texts, shown[part]):
            if text != found and (exact or not same_text(text, found)):
                return f"{part}: Python shows “{text}”, the page “{found}”"
    return ""


def same_text(one: str, other: str) -> bool:
    """The same words, and numbers with as many decimals that differ by no more than one in the last (as in compare.js)."""
    first, second = NUMBER.findall(one), NUMBER.findall(other)
    if NUMBER.sub("#", one) != NUMBER.sub("#", other) or len(first) != len(second):
        return False
    return all(a == b or near(a, b) for a, b in zip(first, second))


def near(one: str, other: str) -> bool:
    digits, others = (len(number.partition(".")[2]) for number in (one, other))
    a, b = (float(number.replace("−", "-").replace(",", "")) for number in (one, other))
    return digits == others > 0 and abs(a - b) < 1.01 * 10**-digits


def items_to_pick(explorer: Explorer[Any, Any]) -> Iterator[tuple[str, str, int]]:
    """The panel, the group and the number of items by whose click the state changes: one of each layer, in panels that also take keys."""
    seen = explorer.seen
    for panel, group, ids in clickable(explorer.scene):
        for id in ids[len(ids) // 2 :] if explorer.scene.panel(panel).keys else ():
            if any(getattr(seen, field) != value for field, value in explorer.picked(seen, panel, group, id).items()):
                yield panel, group, id
                break


def place_of_item(scene: Scene, panel: str, group: str, id: int) -> tuple[float, float]:
    """A place on an item of a panel, in its data units: the middle of a cell or of a filled box, the left side of an outline, or a point.

    Raises:
        LookupError: there is no such item.
    """
    for layer in reversed(scene.panel(panel).layers):
        if getattr(layer, "group", None) != group:
            continue
        if isinstance(layer, Grid):
            left, top, right, bottom = layer.extent
            row, column = divmod(id, layer.columns)
            return left + (column + 0.5) * (right - left) / layer.columns, top + (row + 0.5) * (
                bottom - top
            ) / layer.rows
        ids = (
            layer.ids.tolist()
            if layer.ids is not None
            else range(len(layer.boxes if isinstance(layer, Boxes) else layer.points))
        )
        if id not in ids:
            continue
        index = list(ids).index(id)
        if isinstance(layer, Boxes):
            x1, y1, x2, y2 = layer.boxes[index].tolist()
            return (x1 + x2) / 2 if layer.fill else x1, (y1 + y2) / 2
        if isinstance(layer, Points):
            x, y = layer.points[index].tolist()
            return x, y
    raise LookupError(f"the panel {panel} has no item {id} of {group}")
