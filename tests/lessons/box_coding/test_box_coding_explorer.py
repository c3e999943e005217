import math
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from driving import drive
from torchvision.models.detection._utils import BoxCoder

from frcnn_edu.lessons import explore
from frcnn_edu.lessons.board.scene import Boxes, Lines, Words
from frcnn_edu.lessons.box_coding.explorer.result import CLIP, CODERS, Result, State, compute, encode
from frcnn_edu.lessons.logbook import best_anchor, predicted_deltas, target_deltas
from frcnn_edu.lessons.story import story
from frcnn_edu.viz import style as st

STORY = story()
THEIRS = {"rpn": BoxCoder((1.0, 1.0, 1.0, 1.0)), "head": BoxCoder((10.0, 10.0, 5.0, 5.0))}
ANCHOR = (88.0, 40.0, 136.0, 88.0)


def result(*deltas: float, anchor: tuple[float, float, float, float] = ANCHOR, weights: str = "rpn") -> Result:
    return compute(State(anchor, *deltas, weights), STORY)


@pytest.mark.slow
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
    assert "does not have this anchor" in explorer.scene.panel("deltas").caption


def test_predictions_are_known_for_every_anchor_of_the_model() -> None:
    """On each level: row by row, cell by cell, the anchors of a cell one after another."""
    anchors = torch.cat(STORY.trace.anchors)
    levels = [maps.unflatten(1, (-1, 4)).permute(0, 3, 4, 1, 2).reshape(-1, 4) for maps in STORY.trace.deltas]
    deltas = torch.cat(levels)
    for index in range(0, len(anchors), 97):
        predicted = result(0, 0, 0, 0, anchor=tuple(anchors[index].tolist())).predicted  # type: ignore[arg-type]
        assert predicted is not None
        assert torch.equal(predicted, deltas[index])


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
    assert "dw = 1 · ln(3000.0 / 48.0) = 4.135" in explorer.formula
    assert "dw means a factor of 148; decoding clamps it to 62.5, so encoding the result gives 4.135." in explorer.words
    explorer.set(dh=20.0)
    assert "dw and dh mean factors of 148 and over a million; decoding clamps both to 62.5" in explorer.words
    explorer.set(dh=5.0)
    assert (
        "dw and dh mean a factor of 148; decoding clamps it to 62.5, so encoding the result gives 4.135."
        in explorer.words
    )
    explorer.set(weights="head", dw=20.6, dh=0.0)  # 20.6 / 5 is just below the limit
    assert "stops" not in explorer.words
    explorer.set(dw=21.0)
    assert "encoding the result gives 20.676" in explorer.words


def test_the_largest_box_that_can_be_decoded_asks_for_no_more() -> None:
    explorer = explore.box_coding()
    explorer.set(dw=5.0)
    explorer.controls["weights"].value = "head"  # encodes the box of 62.5 times the width anew
    assert explorer.state.dw == pytest.approx(5 * CLIP, abs=1e-3)
    assert "stops" not in explorer.words


def test_twice_as_wide_is_the_logarithm_of_two() -> None:
    explorer = explore.box_coding()
    explorer.try_prompt(2)
    assert explorer.state.dw == pytest.approx(math.log(2), abs=1e-6)
    assert "1 · ln(96.0 / 48.0) = 0.693" in explorer.formula
    assert explorer.words.startswith(
        "The centre does not move; the box becomes 2.00 times as wide and exactly as high."
    )


def prompted(index: int) -> explore.Explorer:
    explorer = explore.box_coding()
    explorer.try_prompt(index)
    return explorer


def test_prompts_set_up_what_they_say() -> None:
    first = explore.box_coding().result.moved
    torch.testing.assert_close(prompted(0).state.deltas[0], target_deltas())
    assert prompted(0).result.fit == pytest.approx(1, abs=1e-5)
    assert "The centre does not move; the size does not change." in prompted(1).words
    torch.testing.assert_close(prompted(3).state.deltas, torch.tensor([[-1.0, 0, 0, 0]]))
    assert "48.0 px left (1.000 anchor widths); the size does not change." in prompted(3).words
    small = prompted(4)
    torch.testing.assert_close(small.state.deltas, torch.tensor([[1 / 8, 0, 0, 0]]))
    assert "1/48 = 0.021" in small.prompts[4][0]
    head = prompted(5)
    torch.testing.assert_close(head.result.moved, first)
    torch.testing.assert_close(head.state.deltas[0], predicted_deltas() * torch.tensor([10.0, 10, 5, 5]))
    assert "dx and dy are 10 times as large as with the RPN’s weights, and dw and dh 5 times." in head.words


def test_words_of_the_first_view() -> None:
    found = explore.box_coding()
    assert found.words == (
        "The centre moves 5.7 px left (0.119 anchor widths) and 3.9 px up (0.081 anchor heights); "
        "the box becomes 0.87 times as wide and 0.81 times as high. The decoded box has an IoU of 0.82 with our cross."
    )
    assert found.formula.splitlines()[1].startswith("dx = 1 · (106.3 − 112.0) / 48.0 = −0.119")
    assert found.formula.splitlines()[1].endswith("x = −0.119 / 1 · 48.0 + 112.0 = 106.3")
    found.set(dx=0.5, dy=0.25, dw=0.0, dh=0.0)
    assert (
        "24.0 px right (0.500 anchor widths) and 12.0 px down (0.250 anchor heights); the size does not change."
        in found.words
    )


def layers_of(explorer: explore.Explorer, panel: str, kind: type, test: Callable[[Any], bool]) -> list[Any]:
    return [layer for layer in explorer.scene.panel(panel).layers if isinstance(layer, kind) and test(layer)]


def test_sizes_and_ways_are_drawn() -> None:
    explorer = explore.box_coding()
    explorer.set(dx=-1.0, dy=0.5, dw=0.0, dh=math.log(0.5))
    spans = layers_of(explorer, "picture", Words, lambda layer: layer.chip in (st.ANCHOR, st.PROPOSAL))
    assert [list(layer.texts) for layer in spans] == [["anchor 48.0", "48.0"], ["decoded 48.0", "24.0"]]
    ways = layers_of(explorer, "picture", Words, lambda layer: layer.chip == st.PAPER)
    assert [list(layer.texts) for layer in ways] == [["−48.0"], ["24.0"]]
    right, down = layers_of(explorer, "picture", Lines, lambda layer: layer.group == "delta")
    assert right.points.tolist() == [[[112, 64], [64, 64]]]
    torch.testing.assert_close(down.points, torch.tensor([[[64.0, 64], [64, 88]]]))
    (ground_truth,) = layers_of(explorer, "picture", Boxes, lambda layer: layer.dashed)
    assert ground_truth.color == st.GROUND_TRUTH
    assert torch.equal(ground_truth.boxes[0], STORY.box)


def test_numbers_of_sizes_stay_on_the_page() -> None:
    explorer = explore.box_coding()
    left, top, right, bottom = explorer.scene.panel("picture").view
    for box in ((-12.0, -9.0, -2.0, -1.0), (150.0, 110.0, 172.0, 129.0), (-12.0, -9.0, 172.0, 129.0)):
        for anchor in (ANCHOR, (0.0, 0.0, 20.0, 20.0), (140.0, 100.0, 160.0, 120.0)):
            explorer.set(anchor=anchor, target=box)
            for layer in layers_of(explorer, "picture", Words, lambda layer: layer.chip != st.PAPER):
                x, y = layer.points.T
                assert left < float(x.min()) <= float(x.max()) < right
                assert top < float(y.min()) <= float(y.max()) < bottom


def test_the_same_delta_has_the_same_mark_everywhere() -> None:
    explorer = explore.box_coding()
    for number in range(4):
        panels = [
            panel.name
            for panel in explorer.scene.panels
            for layer in panel.layers
            if getattr(layer, "group", None) == "delta" and number in getattr(layer, "ids", [])
        ]
        assert panels == (["picture", "deltas"] if number < 2 else ["curve", "deltas"])
        assert "".join(explorer.board.scene["formula"]).count(f'data-mark="delta:{number}"') == 2


def test_impossible_boxes_are_explained() -> None:
    explorer = explore.box_coding()
    explorer.set(anchor=(10.0, 10.0, 10.0, 20.0))
    assert "no width or no height" in explorer.board.problem
    explorer.reset()
    explorer.set(target=(10.0, 10.0, 10.0, 20.0))
    assert "0 has no logarithm" in explorer.board.problem
    explorer.set(target=(10.0, 10.0, 5.0, 20.0))  # from right to left
    assert "0 has no logarithm" in explorer.board.problem
    explorer.set(target=(10.0, 10.0, 20.0, 20.0))
    assert explorer.board.problem == ""
    torch.testing.assert_close(explorer.result.moved, torch.tensor([10.0, 10, 20, 20]))


def test_the_next_anchor_mends_an_impossible_one() -> None:
    explorer = explore.box_coding()
    explorer.set(anchor=(10.0, 10.0, 10.0, 20.0))
    explorer.set(anchor=(10.0, 10.0, 30.0, 30.0))
    assert explorer.board.problem == ""
    assert torch.equal(explorer.state.deltas[0], predicted_deltas())


def test_sliders_reach_as_far_as_the_weights_and_the_hand() -> None:
    explorer = explore.box_coding()
    sliders = [explorer.controls[name] for name in ("dx", "dy", "dw", "dh")]
    assert [slider.max for slider in sliders] == [2, 2, 5, 5]
    explorer.controls["weights"].value = "head"
    assert [slider.max for slider in sliders] == [20, 20, 25, 25]
    assert [slider.min for slider in sliders] == [-20, -20, -25, -25]
    far = encode((10.0, 10.0, 14.0, 14.0), (100.0, 10.0, 104.0, 14.0), "head")["dx"]
    explorer.set(anchor=(10.0, 10.0, 14.0, 14.0), target=(100.0, 10.0, 104.0, 14.0))
    assert explorer.state.dx == far == 225
    assert sliders[0].max == 225


def test_a_slider_gets_its_range_and_value_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In two messages, or in another order, a page would answer with the old value or with one cut to old bounds."""
    explorer = explore.box_coding()
    slider, sent = explorer.controls["dx"], []
    monkeypatch.setattr(slider, "send_state", lambda key=None: sent.append(list(key) if key else None))
    explorer.controls["weights"].value = "head"
    assert sent[0] == ["min", "max", "value"]
    assert all(set(keys) <= set(sent[0]) for keys in sent[1:])  # the same numbers again


def test_a_box_beyond_the_page_keeps_a_handle_on_it() -> None:
    explorer = explore.box_coding()
    for deltas in ({"dx": 40.0}, {"dw": 5.0}, {"dy": -90.0}):
        explorer.set(**deltas)
        box, (left, top, right, bottom) = explorer.scene.handles[1].box.tolist(), explorer.scene.panel("picture").view
        assert left - 1e-3 <= box[0] < box[2] <= right + 1e-3
        assert top - 1e-3 <= box[1] < box[3] <= bottom + 1e-3


@pytest.mark.parametrize("index", range(7))
def test_the_boxes_names_do_not_cover_each_other(index: int) -> None:
    explorer = prompted(index)
    picture = explorer.scene.panel("picture")
    (x1, y1), (x2, y2) = (
        (handle.box[:2] * picture.place[2] / (picture.view[2] - picture.view[0])).tolist()
        for handle in explorer.scene.handles
    )
    lifts = [handle.lift for handle in explorer.scene.handles]
    assert abs(x1 - x2) >= 80 or abs((y1 - lifts[0]) - (y2 - lifts[1])) >= 17
