import math
import random

import pytest
import torch
from driving import drive
from torchvision.models.detection._utils import BoxCoder

from frcnn_edu.viz import explore
from frcnn_edu.viz.explorers.box_coding import CLIP, CODERS, Result, State, compute
from frcnn_edu.viz.logbook import best_anchor, predicted_deltas
from frcnn_edu.viz.story import story

STORY = story()
THEIRS = {"rpn": BoxCoder((1.0, 1.0, 1.0, 1.0)), "head": BoxCoder((10.0, 10.0, 5.0, 5.0))}
ANCHOR = (88.0, 40.0, 136.0, 88.0)


def result(*deltas: float, anchor: tuple[float, float, float, float] = ANCHOR, weights: str = "rpn") -> Result:
    return compute(State(anchor, *deltas, weights), STORY)


def test_driven() -> None:
    drive(explore.box_coding())


@pytest.mark.parametrize("weights", CODERS)
def test_both_ways_are_torchvisions(weights: str) -> None:
    chance = random.Random(0)
    for _ in range(50):
        x, y = chance.uniform(0, 100), chance.uniform(0, 80)
        anchor = (x, y, x + chance.uniform(4, 60), y + chance.uniform(4, 40))
        found = result(*(chance.uniform(-6, 6) for _ in range(4)), anchor=anchor, weights=weights)
        theirs = THEIRS[weights].decode_single(found.state.deltas, torch.tensor([anchor]))[0]
        torch.testing.assert_close(found.moved, theirs)
        back = THEIRS[weights].encode_single(theirs[None], torch.tensor([anchor]))[0]
        torch.testing.assert_close(found.encoded, back, rtol=1e-4, atol=1e-3)


def test_the_first_view_is_the_models_prediction_for_the_best_anchor() -> None:
    explorer = explore.box_coding()
    assert torch.equal(torch.tensor(explorer.state.anchor), best_anchor())
    assert torch.equal(explorer.state.deltas[0], predicted_deltas())
    assert explorer.result.predicted is not None
    assert torch.equal(explorer.result.predicted, predicted_deltas())
    explorer.controls["weights"].value = "head"
    torch.testing.assert_close(explorer.result.predicted, predicted_deltas() * torch.tensor([10.0, 10, 5, 5]))
    explorer.set(anchor=(10.0, 10.0, 30.0, 30.0))
    assert explorer.result.predicted is None


@pytest.mark.parametrize("weights", CODERS)
def test_a_dragged_box_stays_where_the_hand_has_it(weights: str) -> None:
    explorer = explore.box_coding()
    explorer.set(weights=weights)
    explorer.board.drag = {"name": "target", "box": [20.0, 30.0, 70.0, 45.0]}
    torch.testing.assert_close(explorer.result.moved, torch.tensor([20.0, 30, 70, 45]))
    explorer.board.drag = {"name": "anchor", "box": [50.0, 50.0, 60.0, 60.0]}
    assert explorer.state.anchor == (50, 50, 60, 60)
    torch.testing.assert_close(explorer.result.moved, torch.tensor([20.0, 30, 70, 45]))
    explorer.controls["weights"].value = "rpn" if weights == "head" else "head"
    torch.testing.assert_close(explorer.result.moved, torch.tensor([20.0, 30, 70, 45]))


def test_a_slider_moves_the_box_and_leaves_the_anchor() -> None:
    explorer = explore.box_coding()
    explorer.set(target=explorer.state.anchor)
    torch.testing.assert_close(explorer.state.deltas, torch.zeros(1, 4))
    explorer.controls["dx"].value = 1.0
    x1, y1, x2, y2 = ANCHOR
    assert explorer.state.anchor == ANCHOR
    torch.testing.assert_close(explorer.result.moved, torch.tensor([x2, y1, 2 * x2 - x1, y2]))


def test_the_clamp_is_in_decoding_only() -> None:
    found = result(0, 0, 5, 0)
    assert float(found.moved[2] - found.moved[0]) == pytest.approx(48 * 1000 / 16, rel=1e-5)
    assert float(found.encoded[2]) == pytest.approx(CLIP, abs=1e-4)
    explorer = explore.box_coding()
    explorer.set(dx=0.0, dy=0.0, dw=5.0, dh=0.0)
    assert "exp(min(5.000 / 1, 4.135)) · 48.0 = 3000.0" in explorer.formula
    assert "exp is cut off" in explorer.words
    explorer.set(weights="head", dw=20.6)  # 20.6 / 5 is just below the limit
    assert "cut off" not in explorer.words


def test_twice_as_wide_is_the_logarithm_of_two() -> None:
    explorer = explore.box_coding()
    explorer.try_prompt(2)
    assert explorer.state.dw == pytest.approx(math.log(2), abs=1e-6)
    assert "1 · ln(96.0 / 48.0) = 0.693" in explorer.formula


def test_impossible_boxes_are_explained() -> None:
    explorer = explore.box_coding()
    explorer.set(anchor=(10.0, 10.0, 10.0, 20.0))
    assert "no width or no height" in explorer.board.problem
    explorer.reset()
    explorer.set(target=(10.0, 10.0, 10.0, 20.0))
    assert "logarithm of 0" in explorer.board.problem
    explorer.reset()
    assert explorer.board.problem == ""


def test_a_box_beyond_the_page_keeps_a_handle_on_it() -> None:
    explorer = explore.box_coding()
    for deltas in ({"dx": 40.0}, {"dw": 5.0}, {"dy": -90.0}):
        explorer.set(**deltas)
        box, (left, top, right, bottom) = explorer.scene.handles[1].box.tolist(), explorer.scene.panel("picture").view
        assert left <= box[0] < box[2] <= right
        assert top <= box[1] < box[3] <= bottom
