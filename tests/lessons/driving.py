"""Drives an explorer without a browser: every control over its whole range, boxes to every corner, all prompts."""

import itertools
from collections.abc import Iterator
from typing import Any

import ipywidgets
import torch

from frcnn_edu.lessons.board.explorer import Explorer
from frcnn_edu.lessons.board.formula import html, text
from frcnn_edu.lessons.board.message import message
from frcnn_edu.lessons.board.scene import WIDTH, Boxes, Lines, Panel, Points, Scene, Words

SMALLEST_TEXT = 9.5  # pixels at notebook width


def drive(explorer: Explorer) -> None:
    """Move everything that can be moved; an AssertionError says what did not answer as it should."""
    check_now(explorer)
    check_controls(explorer)
    check_combinations(explorer)
    check_handles(explorer)
    check_prompts(explorer)


def check_controls(explorer: Explorer, *, most: int = 9) -> None:
    """Each control over its whole range; `most` values of those that are continuous."""
    for field, control in explorer.controls.items():
        assert control.description, f"the control of {field!r} has no name"
        seen = set()
        values = values_of(control, most)
        for value in values:
            before = explorer.board.scene["version"]
            still = explorer._same(field, value)
            control.value = value
            drawn = explorer.board.scene["version"] > before
            assert drawn or still or explorer.board.problem, f"{field} = {value!r} does not redraw"
            check_now(explorer)
            seen.add(fingerprint(explorer.scene))
        assert len(seen) > 1 or len(values) == 1 or explorer.board.problem, f"{field} changes nothing that can be seen"
        explorer.reset()


def check_combinations(explorer: Explorer) -> None:
    """Values of all controls at once, illegal ones too: a picture, or a sentence that says why there is none."""
    for values in pairwise({field: values_of(control) for field, control in explorer.controls.items()}):
        explorer.set(**values)
        check_now(explorer)
    explorer.reset()


def pairwise(ranges: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Few combinations in which the ends and the middle of each range meet those of every other range."""
    levels = {field: sorted({0, len(values) // 2, len(values) - 1}) for field, values in ranges.items()}
    places = [(field, level) for field in ranges for level in levels[field]]
    missing = [{one, other} for one, other in itertools.combinations(places, 2) if one[0] != other[0]]
    while missing:
        row = dict(missing[0])
        for field in (field for field in ranges if field not in row):
            met = {level: sum(pair <= {*row.items(), (field, level)} for pair in missing) for level in levels[field]}
            row[field] = max(met, key=met.__getitem__)
        missing = [pair for pair in missing if not pair <= {*row.items()}]
        yield {field: ranges[field][level] for field, level in row.items()}


def check_handles(explorer: Explorer) -> None:
    """Every box in every corner, as large and as small as it may be."""
    for handle in explorer.scene.handles:
        panel = explorer.scene.panel(handle.panel)
        left, top, right, bottom = handle.limits or panel.view
        wide, high = (handle.box[2:] - handle.box[:2]).tolist()
        if handle.resizable:
            sizes = [(handle.smallest, handle.smallest), (right - left, bottom - top), (right - left, handle.smallest)]
        else:
            sizes = [(wide, high)]
        seen = set()
        for (w, h), x_end, y_end in itertools.product(sizes, (False, True), (False, True)):
            x, y = (right - w if x_end else left), (bottom - h if y_end else top)
            explorer.board.drag = {"name": handle.name, "box": [x, y, x + w, y + h]}
            check_now(explorer)
            seen.add(fingerprint(explorer.scene))
        assert len(seen) > 1, f"dragging {handle.name!r} changes nothing"
        explorer.reset()


def check_prompts(explorer: Explorer) -> None:
    """Every prompt leads to another picture than the first one, and back."""
    assert len(explorer.prompts) >= 3, "an explorer suggests at least three things to try"
    explorer.reset()
    first = fingerprint(explorer.scene)
    for index, (words, changes) in enumerate(explorer.prompts):
        assert words
        assert changes
        explorer.board._receive(explorer.board, {"kind": "prompt", "index": index}, None)
        check_now(explorer)
        assert explorer.board.problem or fingerprint(explorer.scene) != first, f"prompt {index + 1} shows nothing new"
        explorer.board._receive(explorer.board, {"kind": "reset"}, None)
        assert explorer.state == explorer.first
        assert fingerprint(explorer.scene) == first


def check_now(explorer: Explorer) -> None:
    """What is shown is what the state says, and it can be read."""
    for field, control in explorer.controls.items():
        assert explorer._same(field, control.value), f"{field}: the control shows another value"
    if explorer.board.problem:
        assert explorer.problem(explorer.state) == explorer.board.problem
        assert len(explorer.board.problem.split()) >= 4, "a problem is said in a sentence"
        return
    assert explorer.problem(explorer.state) is None
    again = explorer.draw(explorer.compute(explorer.state))
    assert fingerprint(again) == fingerprint(explorer.scene), "the picture is not that of the state"
    assert explorer.board.scene["formula"] == [html(line) for line in again.formula]
    check_scene(explorer.scene)


def check_scene(scene: Scene) -> None:
    """Panels on the page and apart, finite numbers, readable texts, words for those who do not see."""
    assert scene.formula
    assert len(text(scene.words).split()) >= 5
    names = [panel.name for panel in scene.panels]
    assert len(set(names)) == len(names)
    for panel in scene.panels:
        x, y, w, h = panel.place
        inside = x >= 0 and y >= 0 and x + w <= WIDTH and y + h <= scene.height
        assert inside, f"{panel.name} leaves the page"
        assert panel.alt, f"{panel.name} has no words for those who do not see it"
        for layer in panel.layers:
            if isinstance(layer, Boxes):
                assert tuple(layer.boxes.shape[1:]) == (4,)
                assert bool(torch.isfinite(layer.boxes).all())
            if isinstance(layer, Points | Lines | Words):
                assert layer.points.shape[-1] == 2
                assert bool(torch.isfinite(layer.points).all())
            if isinstance(layer, Words):
                assert len(layer.texts) == len(layer.points)
                assert layer.size >= SMALLEST_TEXT
            if isinstance(layer, Boxes | Points | Lines):
                number = len(layer.boxes if isinstance(layer, Boxes) else layer.points)
                assert layer.ids is None or len(layer.ids) == number
                assert all(len(column) == number for column in layer.values.values())
    for one, other in itertools.combinations(scene.panels, 2):
        assert not overlap(one, other), f"{one.name} and {other.name} overlap"
    for handle in scene.handles:
        assert handle.panel in names
        assert handle.label


def overlap(one: Panel, other: Panel) -> bool:
    (x1, y1, w1, h1), (x2, y2, w2, h2) = one.place, other.place
    return x1 < x2 + w2 and x2 < x1 + w1 and y1 < y2 + h2 and y2 < y1 + h1


def values_of(control: Any, most: int = 9) -> list[Any]:
    """Values over a control's whole range."""
    if isinstance(control, ipywidgets.Checkbox | ipywidgets.ToggleButton):
        return [not control.value, control.value]
    if hasattr(control, "_options_values"):
        return list(control._options_values)
    if isinstance(control, ipywidgets.FloatLogSlider):
        return [control.base ** (control.min + (control.max - control.min) * k / (most - 1)) for k in range(most)]
    low, high, step = control.min, control.max, control.step
    number = min(most - 1, round((high - low) / step))
    steps = [round(k * (high - low) / step / number) for k in range(number + 1)]
    kind = type(control.value)
    return [min(kind(low + k * step), high) for k in steps]


def fingerprint(scene: Scene) -> int:
    """A number that differs between scenes that look different."""
    return hash(_frozen(message(scene)))


def _frozen(thing: Any) -> Any:
    if isinstance(thing, dict):
        return tuple((key, _frozen(value)) for key, value in thing.items())
    if isinstance(thing, list | tuple):
        return tuple(map(_frozen, thing))
    return thing
