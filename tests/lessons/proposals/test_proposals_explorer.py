import re

import pytest
import torch
from driving import drive
from torchvision.ops import box_iou, clip_boxes_to_image, nms

from frcnn_edu.lessons.board.scene import Boxes
from frcnn_edu.lessons.proposals.explorer.explorer import ProposalsExplorer
from frcnn_edu.lessons.proposals.explorer.result import (
    AFTER_NMS,
    BEFORE_NMS,
    State,
    compute,
    first_state,
    moved_anchors,
    sieve_with,
    suppressions,
)
from frcnn_edu.lessons.proposals.explorer.words import differing
from frcnn_edu.lessons.story import story
from frcnn_edu.viz import style as st

STORY = story()


@pytest.mark.slow
def test_driven() -> None:
    drive(ProposalsExplorer())


def test_the_first_view_ends_in_the_models_proposals() -> None:
    explorer = ProposalsExplorer()
    assert torch.equal(explorer.result.steps[-1].boxes, STORY.trace.proposals)
    assert explorer.result.best[-1] == pytest.approx(float(box_iou(STORY.box[None], STORY.trace.proposals).max()))
    now = explorer.result.now
    assert now is not None
    assert float(box_iou(explorer.result.nms.boxes[[now.kept]], STORY.box[None])) > 0.5


@pytest.mark.parametrize("pre", [3, 50, 3840])
@pytest.mark.parametrize("threshold", [0.0, 0.35, 0.7, 1.0])
@pytest.mark.parametrize(("smallest", "post"), [(0, 300), (25, 7), (150, 300)])
def test_every_setting_ends_as_the_models_own_filter(pre: int, threshold: float, smallest: int, post: int) -> None:
    state = State(pre, threshold, smallest, post)
    moved, logits, counts = moved_anchors(STORY.trace, STORY.model)
    rpn = sieve_with(state, STORY.model)
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
    dropped = {one.dropped for one in found.nms.suppressions}
    kept = nms(found.nms.boxes, found.nms.probabilities, threshold)
    assert sorted(kept.tolist()) == [i for i in range(len(found.nms.boxes)) if i not in dropped]
    assert len(dropped) == len(found.nms.suppressions)
    ious = box_iou(found.nms.boxes, found.nms.boxes)
    for one in found.nms.suppressions:
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
    assert after[1] == 300 - len(found.nms.suppressions)


def test_the_formula_has_the_pairs_numbers() -> None:
    explorer = ProposalsExplorer()
    now = explorer.result.now
    assert now is not None
    assert explorer.formula.startswith(f"IoU(box {now.kept}, box {now.dropped}) = ")
    assert f" = {now.iou:.3f} > 0.70, so box {now.dropped} is removed" in explorer.formula
    top, bottom = explorer.formula.split(") = ")[1].split(" = ")[0].split(" / ")
    assert float(top) / float(bottom) == pytest.approx(now.iou, abs=1e-3)


def test_the_scrubber_stays_within_its_suppressions() -> None:
    explorer = ProposalsExplorer()
    explorer.set(place=10_000)
    number = len(explorer.result.nms.suppressions)
    assert explorer.state.place == explorer.controls["place"].max == number
    explorer.controls["threshold"].value = 1.0
    assert explorer.state.place == explorer.controls["place"].max == 0
    assert "all are kept" in explorer.words
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
    third = explorer.result.nms.suppressions[2]
    explorer._happened({"kind": "pick", "panel": "nms", "group": "box", "id": third.dropped})
    assert explorer.state.place == 3


def test_nothing_left_is_said_in_words() -> None:
    explorer = ProposalsExplorer()
    explorer.set(smallest=160)
    assert explorer.words.startswith("No box is left: none is at least 160 pixels wide")


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
    assert sorted(waiting + dropped + kept) == list(range(len(explorer.result.nms.boxes)))
    assert len(dropped) == explorer.state.place
    if place == len(explorer.result.nms.suppressions):
        assert not waiting


def test_the_first_state_has_the_models_settings() -> None:
    rpn = STORY.model.rpn
    state = first_state(STORY)
    assert (state.pre, state.threshold, state.post) == (
        rpn._pre_nms_top_n["testing"], rpn.nms_thresh, rpn._post_nms_top_n["testing"],  # type: ignore[union-attr,index]
    )  # fmt: skip


@pytest.mark.slow
def test_probabilities_have_as_many_digits_as_tell_them_apart() -> None:
    explorer = ProposalsExplorer()
    for level in range(5):
        explorer.set(level=level)
        for place in range(1, len(explorer.result.nms.suppressions) + 1):
            explorer.set(place=place)
            said = re.search(r"([\d.]+(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?) beats ([\d.]+(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)", explorer.words)
            if said is None:
                assert "hardly lower" in explorer.words
                continue
            first, second = map(number, said.groups())
            assert first >= second
            assert first > 0
            now = explorer.result.now
            assert now is not None
            assert first == pytest.approx(float(explorer.result.nms.probabilities[now.kept]), rel=0.06, abs=6e-4)


def number(written: str) -> float:
    digits, _, power = written.partition("·10")
    return float(digits) * 10.0 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)


def test_small_probabilities_are_powers_of_ten() -> None:
    assert differing(torch.tensor(2.1e-7), torch.tensor(3e-12)) == "2.1·10⁻⁷ beats 3.0·10⁻¹²"
    assert differing(torch.tensor(0.002), torch.tensor(3e-6)) == "0.002 beats 3.0·10⁻⁶"
    assert differing(torch.tensor(0.98), torch.tensor(0.97)) == "0.980 beats 0.970"
    assert differing(torch.tensor(1.0), torch.tensor(0.99999994)) == "1.0000000 beats 0.9999999"
    assert "hardly" in differing(torch.tensor(0.4), torch.tensor(0.39999998))


def test_the_formula_names_the_others_that_the_box_drops() -> None:
    explorer = ProposalsExplorer()
    now, level = explorer.result.now, explorer.result.nms
    assert now is not None
    ious = box_iou(level.boxes[[now.kept]], level.boxes)[0]
    dropped = {one.dropped for one in level.suppressions if one.kept == now.kept} - {now.dropped}
    second = explorer.formula.split("\n")[1]
    assert second.startswith(f"box {now.kept} also removes: ")
    told = {int(rank): float(iou) for rank, iou in re.findall(r"box (\d+) \(([\d.]+)\)", second)}
    assert set(told) == dropped
    assert told == pytest.approx({k: float(ious[k]) for k in dropped}, abs=0.006)
    explorer.set(threshold=0.05, place=1)
    many = [one for one in explorer.result.nms.suppressions if one.kept == explorer.result.now.kept]  # type: ignore[union-attr]
    assert explorer.formula.endswith(f" and {len(many) - 1 - 6} more")


@pytest.mark.parametrize("pre", [10, 300, 3840])
@pytest.mark.parametrize("threshold", [0.3, 0.7, 1.0])
@pytest.mark.parametrize(("smallest", "post"), [(0, 300), (0, 20), (45, 300)])
def test_the_best_fit_is_followed_to_its_end(pre: int, threshold: float, smallest: int, post: int) -> None:
    """Against torchvision's own parts, one after the other, on the box that fits best."""
    moved, logits, counts = moved_anchors(STORY.trace, STORY.model)
    clipped = clip_boxes_to_image(moved, STORY.trace.batch.image_sizes[0])
    fits = box_iou(clipped, STORY.box[None])[:, 0]
    mine = int(fits.argmax())
    one = compute(State(pre, threshold, smallest, post), STORY).champion
    assert one.fit == pytest.approx(float(fits.max()))
    starts = [sum(counts[:k]) for k in range(6)]
    level = next(k for k in range(5) if starts[k] <= mine < starts[k + 1])
    own = logits[starts[level] : starts[level + 1]]
    rank = int((own > logits[mine]).sum())
    assert (one.level, one.rank, one.among) == (level, rank, counts[level])
    wide, high = (clipped[mine, 2:] - clipped[mine, :2]).tolist()
    if rank >= pre:
        assert one.lost == 1
        return
    if min(wide, high) < smallest:
        assert one.lost == 3
        return
    best = starts[level] + own.sort(descending=True, stable=True).indices[:pre]
    sides = clipped[best, 2:] - clipped[best, :2]
    best = best[(sides >= max(smallest, 1e-3)).all(dim=1)]
    kept = best[nms(clipped[best], logits[best].sigmoid(), threshold)]
    if mine not in kept.tolist():
        assert one.lost == AFTER_NMS
        assert one.dropper is not None
        better = kept[logits[kept] > logits[mine]]
        ious = box_iou(clipped[[mine]], clipped[better])[0]
        first = int((ious > threshold).int().argmax())
        assert one.dropper.iou == pytest.approx(float(ious[first]))
        assert one.dropper_fit == pytest.approx(float(fits[better[first]]))
    else:
        assert one.place >= 0
        assert (one.lost is None) == (one.place < post)


def test_the_words_say_what_becomes_of_the_best_fit() -> None:
    explorer = ProposalsExplorer()
    assert (
        "NMS removes it (box 32) because box 24 has a higher probability and overlaps it with an IoU of 0.92"
        in explorer.words
    )
    now, one = explorer.result.now, explorer.result.champion
    assert one.dropper == now  # it is the suppression that the first view shows
    explorer.set(threshold=1.0)
    assert f"it becomes proposal {explorer.result.champion.place} of 300" in explorer.words
    explorer.set(post=5)
    assert "not among the best 5" in explorer.words
    explorer.set(pre=20)
    assert "not among the best 20 that are kept" in explorer.words
    explorer.set(pre=300, smallest=45)
    assert "it is removed because it is too small" in explorer.words
    explorer.set(smallest=25, threshold=0.7, post=300)  # NMS has other numbers then: the same that the formula names
    dropper = explorer.result.champion.dropper
    assert dropper is not None
    assert f"(box {dropper.dropped}) because box {dropper.kept} has" in explorer.words
    explorer.set(level=1, place=1 + explorer.result.nms.suppressions.index(dropper))
    assert f"so box {dropper.dropped} is removed" in explorer.formula


def test_one_box_is_not_said_to_be_many() -> None:
    explorer = ProposalsExplorer()
    explorer.set(pre=1, post=1)
    assert "On P3, there is only one box, so it is kept." in explorer.words
    assert "not among the best one that is kept" in explorer.words


def test_boxes_that_wait_are_thinner_than_those_that_stay() -> None:
    explorer = ProposalsExplorer()
    layers = explorer.scene.panel("nms").layers
    waiting, dropped, kept = [layer for layer in layers if isinstance(layer, Boxes) and layer.group == "box"][:3]
    assert waiting.width < dropped.width < kept.width


def test_all_true_boxes_are_drawn() -> None:
    for name in ("step", "nms"):
        layers = ProposalsExplorer().scene.panel(name).layers
        drawn = [layer for layer in layers if isinstance(layer, Boxes) and layer.color == st.GROUND_TRUTH]
        assert torch.equal(drawn[0].boxes, STORY.boxes)
        assert torch.equal(drawn[1].boxes[0], STORY.box)
