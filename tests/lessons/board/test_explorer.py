"""What all explorers have in common, seen on a small one."""

import asyncio
import io
from typing import Any

import ipywidgets
import numpy as np
import pytest
from PIL import Image
from test_driving import Sound, State

from frcnn_edu.lessons import explore
from frcnn_edu.lessons.board.saved import STYLES
from frcnn_edu.viz.output import figure_to_png


def event(explorer: Any, **content: Any) -> None:
    explorer.board._receive(explorer.board, content, None)


class Answers(Sound):
    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        return {"width": id} if group == "line" else {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        return {"width": state.width + dx}

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        return {**changes, "box": (0.0, 0.0, 1.0, 1.0)} if changes.get("width") == 1 else changes


def test_hand_code_and_control_do_the_same() -> None:
    one = Answers()
    one.controls["width"].value = 3
    assert one.state.width == 3
    one.set(width=4)
    assert one.controls["width"].value == 4
    event(one, kind="pick", panel="one", group="line", id=3)
    assert one.controls["width"].value == one.state.width == 3
    event(one, kind="arrow", panel="one", dx=1, dy=0)
    assert one.state.width == 4
    one.board.drag = {"name": "box", "box": [2, 2, 5, 5]}
    assert one.state.box == (2, 2, 5, 5)
    assert one.scene.handles[0].box.tolist() == [2, 2, 5, 5]
    event(one, kind="reset")
    assert one.state == State()


def test_a_click_that_means_nothing_draws_nothing() -> None:
    one = Answers()
    event(one, kind="pick", panel="one", group="other", id=0)
    assert one.board.scene["version"] == 0


def test_controls_bound_each_other() -> None:
    one = Answers()
    one.controls["least"].value = 3
    assert one.state.width == one.controls["width"].value == 3
    assert one.controls["width"].min == 3
    one.controls["least"].value = 1
    assert (one.controls["width"].min, one.state.width) == (1, 3)


def test_an_illegal_state_keeps_the_last_picture_and_says_why() -> None:
    one = Answers()
    scene = one.scene
    one.set(width=5)
    assert one.board.problem == "Five is wider than the panel is."
    assert one.scene is scene
    assert one.controls["width"].value == 5
    one.set(width=4)
    assert one.board.problem == ""
    assert one.scene is not scene


def test_what_follows_is_followed() -> None:
    one = Answers()
    one.controls["width"].value = 1
    assert one.state.box == (0.0, 0.0, 1.0, 1.0)


def test_a_prompt_starts_from_the_first_view() -> None:
    one = Answers()
    one.set(box=(5.0, 5.0, 6.0, 6.0))
    event(one, kind="prompt", index=1)
    assert (one.state.width, one.state.box) == (3, State().box)


class Parts(Answers):
    """Two parts are missing from its first view."""

    missing = 2

    def compute_more(self) -> bool:
        self.missing -= 1
        return self.missing >= 0


def test_a_page_that_says_hello_gets_what_is_missing() -> None:
    async def look() -> Any:
        one = Parts()
        assert one.board.scene["version"] == 0
        event(one, kind="hello", token="here")
        assert one.board.scene["version"] == 1  # the rest comes later: a reader can act in between
        one.set(width=5)  # an illegal state
        await asyncio.sleep(0.1)
        return one

    one = asyncio.run(look())
    assert one.board.scene["version"] == 2
    assert (one.seen, one.state.width) == (State(), 5)
    assert one.board.problem == "Five is wider than the panel is."


def test_what_is_missing_can_be_computed_at_once() -> None:
    one = Parts()
    one.complete()
    assert (one.board.scene["version"], one.missing) == (2, -1)


def test_where_nothing_is_missing_nothing_is_drawn_again() -> None:
    one = Answers()
    event(one, kind="hello", token="here")
    one.complete()
    assert one.board.scene["version"] == 0


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(TypeError, match="height"):
        Answers().set(height=3)


def test_a_cell_shows_the_still_picture_and_the_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda content, **_: shown.append(content))
    one = Answers()
    one._ipython_display_()
    styles, still, live = shown
    assert styles["text/html"] == STYLES
    drawn = Image.open(io.BytesIO(figure_to_png(one.picture(), colors=256)))
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(still["image/png"])).convert("RGB")), np.asarray(drawn.convert("RGB"))
    )
    assert still["text/plain"] == "Explorer “A box and a line”. a box."
    assert live["application/vnd.jupyter.widget-view+json"]["model_id"] == one.widget.model_id


def test_an_image_of_ones_own_needs_its_target() -> None:
    story = explore.story()
    with pytest.raises(ValueError, match="together with its target"):
        explore.level_mapper(image=story.image)
    with pytest.raises(ValueError, match="no object 99"):
        explore.level_mapper(image=story.image, target=story.target, object=99)


class Fractions(Answers):
    """Its width is a fraction, and its slider has steps of 0.5."""

    def make_controls(self) -> dict[str, Any]:
        slider = ipywidgets.FloatSlider(min=1, max=5, step=0.5, description="width")
        return {**super().make_controls(), "width": slider}


def test_a_slider_rounded_by_the_page_is_no_move_of_a_hand() -> None:
    one = Fractions()
    one.set(width=2.2)
    version = one.board.scene["version"]
    one.controls["width"].value = 2.0  # what a page answers to 2.2
    assert (one.state.width, one.board.scene["version"]) == (2.2, version)
    one.controls["width"].value = 2.5  # the next step
    assert one.state.width == 2.5
