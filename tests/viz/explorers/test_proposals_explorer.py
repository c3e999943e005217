import re

import pytest
import torch
from driving import drive
from torchvision.ops import box_iou, nms

from frcnn_edu.viz.explorers.proposals import ProposalsExplorer
from frcnn_edu.viz.explorers.proposals_result import (
    AFTER_NMS,
    BEFORE_NMS,
    State,
    compute,
    first_state,
    moved_anchors,
    sieve_with,
    suppressions,
)
from frcnn_edu.viz.explorers.scene import Boxes
from frcnn_edu.viz.story import story

STORY = story()


def test_driven() -> None:
    drive(ProposalsExplorer(), combinations=25)


def test_the_first_view_ends_in_the_models_proposals() -> None:
    explorer = ProposalsExplorer()
    assert torch.equal(explorer.result.steps[-1].boxes, STORY.trace.proposals)
    assert explorer.result.best[-1] == pytest.approx(float(box_iou(STORY.box[None], STORY.trace.proposals).max()))
    now = explorer.result.now
    assert now is not None
    assert float(box_iou(explorer.result.boxes[[now.kept]], STORY.box[None])) > 0.5


@pytest.mark.parametrize("pre", [3, 50, 3840])
@pytest.mark.parametrize("threshold", [0.0, 0.35, 0.7, 1.0])
@pytest.mark.parametrize(("smallest", "post"), [(0, 300), (25, 7), (150, 300)])
def test_every_setting_ends_as_the_models_own_filter(pre: int, threshold: float, smallest: int, post: int) -> None:
    state = State(pre, threshold, smallest, post)
    moved, logits, counts = moved_anchors(STORY)
    rpn = sieve_with(state, STORY)
    boxes, probabilities = rpn.filter_proposals(moved[None], logits[None], STORY.trace.batch.image_sizes, counts)
    last = compute(state, STORY).steps[-1]
    assert torch.equal(last.boxes, boxes[0])
    torch.testing.assert_close(last.probabilities, probabilities[0], rtol=1e-5, atol=1e-12)


def test_the_model_itself_keeps_its_settings() -> None:
    rpn = STORY.model.rpn
    before = (rpn.nms_thresh, rpn.min_size, dict(rpn._pre_nms_top_n), dict(rpn._post_nms_top_n))  # type: ignore[union-attr,arg-type]
    compute(State(5, 0.1, 50, 5), STORY)
    assert (rpn.nms_thresh, rpn.min_size, rpn._pre_nms_top_n, rpn._post_nms_top_n) == before  # type: ignore[union-attr]


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("level", range(5))
def test_what_no_suppression_drops_is_what_torchvisions_nms_keeps(level: int, threshold: float) -> None:
    found = compute(State(300, threshold, 0, 300, level=level), STORY)
    dropped = {one.dropped for one in found.suppressions}
    kept = nms(found.boxes, found.probabilities, threshold)
    assert sorted(kept.tolist()) == [i for i in range(len(found.boxes)) if i not in dropped]
    assert len(dropped) == len(found.suppressions)
    ious = box_iou(found.boxes, found.boxes)
    for one in found.suppressions:
        assert one.kept < one.dropped
        assert one.kept not in dropped
        assert one.iou == pytest.approx(float(ious[one.kept, one.dropped]), abs=1e-6)
        assert one.iou > threshold


def test_nms_of_nothing_and_of_one() -> None:
    assert suppressions(torch.zeros(0, 4), 0.5) == ()
    assert suppressions(torch.tensor([[0.0, 0, 1, 1]]), 0.0) == ()


def test_steps_are_counted_level_by_level() -> None:
    found = ProposalsExplorer().result
    assert found.steps[0].per_level() == [3840, 960, 240, 60, 18]
    assert found.steps[BEFORE_NMS].per_level() == [300, 300, 240, 60, 18]
    after = found.steps[AFTER_NMS].per_level()
    assert after[1] == 300 - len(found.suppressions)


def test_the_formula_has_the_pairs_numbers() -> None:
    explorer = ProposalsExplorer()
    now = explorer.result.now
    assert now is not None
    assert explorer.formula.startswith(f"IoU(no. {now.kept + 1}, no. {now.dropped + 1}) = ")
    assert f" = {now.iou:.3f} > 0.70, so no. {now.dropped + 1} is dropped" in explorer.formula
    top, bottom = explorer.formula.split(") = ")[1].split(" = ")[0].split(" / ")
    assert float(top) / float(bottom) == pytest.approx(now.iou, abs=1e-3)


def test_the_scrubber_stays_within_its_suppressions() -> None:
    explorer = ProposalsExplorer()
    explorer.set(place=10_000)
    number = len(explorer.result.suppressions)
    assert explorer.state.place == explorer.controls["place"].max == number
    explorer.controls["threshold"].value = 1.0
    assert explorer.state.place == explorer.controls["place"].max == 0
    assert "all stay" in explorer.words
    explorer.reset()
    for dx, dy, moved in ((1, 0, 1), (0, 1, -10), (0, -1, 10), (-1, 0, -1)):
        before = explorer.state.place
        explorer._happened({"kind": "arrow", "panel": "nms", "dx": dx, "dy": dy})
        assert explorer.state.place == before + moved
    explorer.controls["level"].value = 3
    assert explorer.state.place == 0


def test_a_click_goes_to_the_step_or_to_the_suppression() -> None:
    explorer = ProposalsExplorer()
    explorer._happened({"kind": "pick", "panel": "funnel", "group": "step", "id": 2})
    assert explorer.state.step == 2
    third = explorer.result.suppressions[2]
    explorer._happened({"kind": "pick", "panel": "nms", "group": "box", "id": third.dropped})
    assert explorer.state.place == 3


def test_nothing_left_is_said_in_words() -> None:
    explorer = ProposalsExplorer()
    explorer.set(smallest=160)
    assert explorer.words.startswith("Nothing is left: no box is at least 160 pixels wide")


@pytest.mark.parametrize("place", [0, 1, 40, 72])
def test_every_box_is_kept_dropped_or_waiting(place: int) -> None:
    explorer = ProposalsExplorer()
    explorer.set(place=place)
    drawn = [
        layer.ids.tolist()
        for layer in explorer.scene.panel("nms").layers
        if isinstance(layer, Boxes) and layer.group == "box" and layer.ids is not None
    ]
    waiting, dropped, kept = drawn[:3]
    assert sorted(waiting + dropped + kept) == list(range(len(explorer.result.boxes)))
    assert len(dropped) == explorer.state.place
    if place == len(explorer.result.suppressions):
        assert not waiting


def test_the_first_state_has_the_models_settings() -> None:
    rpn = STORY.model.rpn
    state = first_state(STORY)
    assert (state.pre, state.threshold, state.post) == (
        rpn._pre_nms_top_n["testing"], rpn.nms_thresh, rpn._post_nms_top_n["testing"],  # type: ignore[union-attr,index]
    )  # fmt: skip


def test_probabilities_have_as_many_digits_as_tell_them_apart() -> None:
    explorer = ProposalsExplorer()
    for place in range(1, len(explorer.result.suppressions) + 1):
        explorer.set(place=place)
        first, second = re.findall(r"([\d.e-]+) beats ([\d.e-]+)", explorer.words)[0]
        assert float(first) > float(second)
