"""Random hands: what they do to an explorer, and the scenes that Python computes for it, to hold a page to them."""

import random
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.board.explorer import Explorer
from frcnn_edu.lessons.board.formula import html
from frcnn_edu.lessons.board.scene import Grid, Scene

SAMPLE = 997  # of a picture's bytes, one in so many is compared


def states(explorer: Explorer[Any, Any], number: int, seed: int) -> Iterator[dict[str, Any]]:
    """What a hand does, and after each step the scene, the problem and the controls."""
    hand = random.Random(seed)
    yield {"event": {"kind": "reset"}, **seen(explorer)}
    for _ in range(number):
        event = random_event(explorer, hand)
        apply(explorer, event)
        yield {"event": event, **seen(explorer)}


def apply(explorer: Explorer[Any, Any], event: dict[str, Any]) -> None:
    """Do what a hand does, as the page does it."""
    match event["kind"]:
        case "set":
            explorer.set(**event["changes"])
        case "drag":
            explorer._dragged(event["name"], event["box"])
        case _:
            explorer._happened(event)


def random_event(explorer: Explorer[Any, Any], hand: random.Random) -> dict[str, Any]:
    """Something that a hand can do in the present scene."""
    scene, kinds = explorer.scene, ["prompt", "reset"]
    keyed = [panel.name for panel in scene.panels if panel.keys]
    kinds += 6 * ["set"] * bool(explorer.controls) + 8 * ["drag"] * bool(scene.handles) + 5 * ["pick"] + 2 * ["arrow"] * bool(keyed)
    match hand.choice(kinds):
        case "set":
            field, control = hand.choice(sorted(explorer.controls.items()))
            return {"kind": "set", "changes": {field: random_value(control, hand)}}
        case "drag":
            handle = hand.choice(list(scene.handles))
            x1, y1, x2, y2 = handle.limits or scene.panel(handle.panel).view
            low, high = sorted(round(hand.uniform(x1, x2), 1) for _ in "xx")
            up, down = sorted(round(hand.uniform(y1, y2), 1) for _ in "yy")
            return {"kind": "drag", "name": handle.name, "box": [low, up, high + handle.smallest, down + handle.smallest]}
        case "pick":
            items = list(clickable(scene))
            panel, group, ids = hand.choice(items) if items else ("", "", [0])
            return {"kind": "pick", "panel": panel, "group": group, "id": hand.choice(ids)}
        case "arrow":
            dx, dy = hand.choice([(1, 0), (-1, 0), (0, 1), (0, -1)])
            return {"kind": "arrow", "panel": hand.choice(keyed), "dx": dx, "dy": dy}
        case "prompt":
            return {"kind": "prompt", "index": hand.randrange(len(explorer.prompts))}
    return {"kind": "reset"}


def random_value(control: Any, hand: random.Random) -> Any:
    """A value that a hand can give a control."""
    if hasattr(control, "options"):
        return hand.choice([option[1] if isinstance(option, tuple) else option for option in control.options])
    if not hasattr(control, "max"):
        return not control.value
    steps = round((control.max - control.min) / control.step)
    value = control.min + hand.randint(0, steps) * control.step
    return value if isinstance(control.step, int) else round(value, 4)


def clickable(scene: Scene) -> Iterator[tuple[str, str, list[int]]]:
    """The panel, the group and the ids of each layer that can be clicked."""
    for panel in scene.panels:
        for layer in panel.layers:
            group = getattr(layer, "group", None)
            if group:
                number = layer.rows * layer.columns if isinstance(layer, Grid) else len(getattr(layer, "boxes", getattr(layer, "points", ())))
                ids = getattr(layer, "ids", None)
                if number:
                    yield panel.name, group, list(range(number)) if ids is None else ids.tolist()


# --------------------------------------------------------------------------------------------------- a scene as plain values


def seen(explorer: Explorer[Any, Any]) -> dict[str, Any]:
    """All that a page shows of an explorer."""
    controls = {
        field: [control.value, getattr(control, "min", None), getattr(control, "max", None)] for field, control in explorer.controls.items()
    }
    return {"scene": plain(explorer.scene), "problem": explorer.board.problem, "controls": controls}


def plain(thing: Any) -> Any:
    """Dataclasses as dicts, tensors as lists, formulas as a page shows them."""
    if isinstance(thing, Scene):
        own = {name: plain(getattr(thing, name)) for name in ("height", "panels", "handles")}
        return own | {"formula": [html(line) for line in thing.formula], "words": html(thing.words)}
    if isinstance(thing, Tensor):
        return sampled(thing) if thing.dtype == torch.uint8 else thing.tolist()
    if isinstance(thing, dict):
        return {name: plain(value) for name, value in thing.items()}
    if isinstance(thing, list | tuple | range):
        return [plain(value) for value in thing]
    if hasattr(thing, "__dict__"):
        kind = {"kind": type(thing).__name__}
        return kind | {name: plain(value) for name, value in vars(thing).items() if name != "keep"}
    return thing


def sampled(pixels: Tensor) -> list[Any]:
    """A picture's height and width, and some of its bytes."""
    return [*pixels.shape[:2], pixels.reshape(-1)[::SAMPLE].tolist()]
