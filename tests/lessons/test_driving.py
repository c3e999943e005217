"""The driver that tests all explorers notices the faults that an explorer can have."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets
import pytest
import torch
from driving import drive, pairwise

from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.scene import Boxes, Handle, Panel, Scene


@dataclass(frozen=True)
class State:
    box: tuple[float, float, float, float] = (1.0, 1.0, 4.0, 3.0)
    width: int = 2
    least: int = 1


class Sound(Explorer[State, State]):
    """A small explorer without a fault."""

    title = "A box and a line"

    def start(self) -> State:
        return State()

    def make_prompts(self) -> Sequence[Prompt]:
        return (("Make it thin.", {"width": 1}), ("Thicker.", {"width": 3}), ("Thick.", {"width": 4}))

    def make_controls(self) -> dict[str, Any]:
        return {
            "width": ipywidgets.IntSlider(min=1, max=5, description="width"),
            "least": ipywidgets.IntSlider(min=1, max=3, description="least width"),
        }

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        return {"width": (state.least, 5)}

    def problem(self, state: State) -> str | None:
        return "Five is wider than the panel is." if state.width == 5 else None

    def compute(self, state: State) -> State:
        return state

    def draw(self, result: State) -> Scene:
        box = torch.tensor(result.box)
        panel = Panel(
            "one", (10, 10, 100, 100), (0, 0, 10, 10), [Boxes(box[None], "#000000", result.width)], alt="a box"
        )
        words = [f"A line {result.width} wide, at least {result.least}."]
        return Scene(120, [panel], [f"width = {result.width}"], words, [Handle("box", "one", box, "#000000", "box")])


def test_few_combinations_hold_every_pair() -> None:
    ranges = {"one": [*range(9)], "two": [False, True], "three": [*"abcde"], "four": [7], "five": [*range(20)]}
    rows = [*pairwise(ranges)]
    chosen = {"one": [0, 4, 8], "two": [False, True], "three": ["a", "c", "e"], "four": [7], "five": [0, 10, 19]}
    for one, other in itertools.combinations(ranges, 2):
        assert {(row[one], row[other]) for row in rows} == {*itertools.product(chosen[one], chosen[other])}
    assert len(rows) <= 12
    assert [*pairwise({"alone": [1, 2]})] == []


def test_a_sound_explorer_passes() -> None:
    drive(Sound())


class Raises(Sound):
    def compute(self, state: State) -> State:
        if state.width == 4:
            raise ZeroDivisionError("planted")
        return state


class DoesNotRedraw(Sound):
    def _control_moved(self, field: str, value: Any) -> None:
        if field != "width":
            super()._control_moved(field, value)


class RedrawsTheOldPicture(Sound):
    def draw(self, result: State) -> Scene:
        if hasattr(self, "kept") and result.width == 3:
            return self.kept
        self.kept = super().draw(result)
        return self.kept


class ForgetsAControl(Sound):
    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        return {}

    def draw(self, result: State) -> Scene:
        return super().draw(State(result.box, result.width, 1))


class IgnoresTheHand(Sound):
    def _dragged(self, name: str, box: list[float]) -> None:
        pass


class LeavesThePage(Sound):
    def draw(self, result: State) -> Scene:
        scene = super().draw(result)
        panel = Panel("two", (780, 0, 30, 30), (0, 0, 1, 1), alt="nothing")
        return Scene(scene.height, [*scene.panels, panel], scene.formula, scene.words, scene.handles)


class DividesByZero(Sound):
    def draw(self, result: State) -> Scene:
        return super().draw(
            State((1.0, 1.0, 4.0, 3.0 if result.width < 4 else float("nan")), result.width, result.least)
        )


class SaysNothing(Sound):
    def problem(self, state: State) -> str | None:
        return "No." if state.width == 5 else None


class PromptsInVain(Sound):
    def make_prompts(self) -> Sequence[Prompt]:
        return (("Make it 2 wide.", {"width": 2}),) * 3


class DoesNotReset(Sound):
    def reset(self) -> None:
        pass


FAULTS = [Raises, DoesNotRedraw, RedrawsTheOldPicture, ForgetsAControl, IgnoresTheHand]
FAULTS += [LeavesThePage, DividesByZero, SaysNothing, PromptsInVain, DoesNotReset]


@pytest.mark.parametrize("faulty", FAULTS)
def test_a_fault_is_noticed(faulty: type[Explorer]) -> None:
    with pytest.raises((AssertionError, ZeroDivisionError)):
        drive(faulty())
