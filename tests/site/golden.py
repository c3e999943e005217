"""Random hands: what they do to an explorer, and what Python computes for it, to hold a page to both."""

import itertools
import math
import random
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.board.explorer import Explorer
from frcnn_edu.lessons.board.formula import html
from frcnn_edu.lessons.board.scene import Grid, Scene
from frcnn_edu.site.explorers.records import described

MANY = 40  # of a long tensor, about so many numbers are compared
ALL = 4 * MANY  # a tensor with no more numbers is compared as a whole
PARTS = 5  # of a side: the numbers come from each of them
STEPS = 100  # so many are tried


def states(explorer: Explorer[Any, Any], number: int, seed: int) -> Iterator[dict[str, Any]]:
    """What a hand does, `number` times, and after each step all that a page shows."""
    hand = random.Random(seed)
    explorer.board = SimpleNamespace(show=lambda scene: None, problem="")  # no page listens
    for step in range(number):
        event = random_event(explorer, hand) if step else {"kind": "reset"}
        perform(explorer, event)
        yield {"event": event, **seen(explorer)}


def perform(explorer: Explorer[Any, Any], event: dict[str, Any]) -> None:
    """Do what a hand does, as a page does it."""
    match event["kind"]:
        case "set":
            explorer.set(**event["changes"])
        case "drag":
            explorer._dragged(event["name"], event["box"])
        case _:
            explorer._happened(event)


def random_event(explorer: Explorer[Any, Any], hand: random.Random) -> dict[str, Any]:
    """Something that a hand can do in the present scene."""
    scene, items = explorer.scene, list(clickable(explorer.scene))
    keyed = [panel.name for panel in scene.panels if panel.keys]
    kinds = ["reset"] + 2 * ["prompt"] + 6 * ["set"] * bool(explorer.controls) + 8 * ["drag"] * bool(scene.handles)
    kinds += 5 * ["pick"] * bool(items) + 2 * ["arrow"] * bool(keyed)
    match hand.choice(kinds):
        case "set":
            field, control = hand.choice(list(explorer.controls.items()))
            return {"kind": "set", "changes": {field: random_value(control, hand)}}
        case "drag":
            handle = hand.choice(list(scene.handles))
            x1, y1, x2, y2 = handle.limits or scene.panel(handle.panel).view
            low, high = sorted(round(hand.uniform(x1, x2), 1) for _ in "xx")
            up, down = sorted(round(hand.uniform(y1, y2), 1) for _ in "yy")
            return {
                "kind": "drag",
                "name": handle.name,
                "box": [low, up, high + handle.smallest, down + handle.smallest],
            }
        case "pick":
            panel, group, ids = hand.choice(items)
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
        return hand.choice([value for _, value in control._options_full])
    if not hasattr(control, "max"):
        return not control.value
    value = control.min + hand.randint(0, round((control.max - control.min) / control.step)) * control.step
    return value if isinstance(control.step, int) else round(value, 4)


def clickable(scene: Scene) -> Iterator[tuple[str, str, list[int]]]:
    """The panel, the group and the ids of each layer that can be clicked."""
    for panel in scene.panels:
        for layer in panel.layers:
            if group := getattr(layer, "group", None):
                items = (
                    range(layer.rows * layer.columns)
                    if isinstance(layer, Grid)
                    else getattr(layer, "boxes", getattr(layer, "points", ()))
                )
                ids = getattr(layer, "ids", None)
                if len(items):
                    yield panel.name, group, list(range(len(items))) if ids is None else ids.tolist()


# ------------------------------------------------------------------------------------------------- a scene as plain values


def seen(explorer: Explorer[Any, Any]) -> dict[str, Any]:
    """All that a page shows of an explorer."""
    controls = [described(field, control) for field, control in explorer.controls.items()]
    return {"scene": plain(explorer.scene), "problem": explorer.board.problem, "controls": controls}


def plain(thing: Any) -> Any:
    """Objects as dicts, tensors as some of their numbers, formulas as a page shows them."""
    match thing:
        case Scene():
            own = {name: plain(getattr(thing, name)) for name in ("height", "panels", "handles")}
            return own | {"formula": [html(line) for line in thing.formula], "words": html(thing.words)}
        case Tensor():
            return sampled(thing)
        case dict():
            return {name: plain(value) for name, value in thing.items()}
        case list() | tuple() | range():
            return [plain(value) for value in thing]
        case None | bool() | int() | float() | str():
            return thing
    return {"kind": type(thing).__name__} | {
        name: plain(value) for name, value in vars(thing).items() if name != "keep"
    }


def sampled(tensor: Tensor) -> dict[str, Any]:
    """The shape of a tensor, and its numbers, or some of many."""
    every = step_through(tuple(tensor.shape))
    return {"shape": list(tensor.shape), "every": every, "numbers": tensor.reshape(-1)[::every].tolist()}


@cache
def step_through(shape: tuple[int, ...]) -> int:
    """From which number of a tensor to the next one that is compared.

    With a step that is a multiple of a side, only one of its entries would be compared: of boxes, only x1. A step without a common factor
    can still stay near one border of a large picture, so it is the smallest of those whose numbers come from the most parts.
    """
    number = math.prod(shape)
    if number <= ALL:
        return 1
    steps = (step for step in itertools.count(number // MANY) if math.gcd(step, number) == 1)
    return max(itertools.islice(steps, STEPS), key=lambda step: parts_reached(shape, step))


def parts_reached(shape: tuple[int, ...], step: int) -> int:
    """From how many parts numbers come. They are parts of the last two axes; along the first one, numbers are spread by any step."""
    places = torch.unravel_index(torch.arange(0, math.prod(shape), step), shape)
    parts = [(place * min(side, PARTS) // side).tolist() for place, side in zip(places, shape)]
    return len({*zip(*parts[-2:])})
