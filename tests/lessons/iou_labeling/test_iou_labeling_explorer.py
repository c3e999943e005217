import dataclasses
from typing import Any

import pytest
import torch
from driving import check_now, drive
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler, Matcher
from torchvision.ops import box_iou

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons import explore
from frcnn_edu.lessons.board.formula import Term
from frcnn_edu.lessons.board.scene import Boxes, Points, Words
from frcnn_edu.lessons.iou_labeling.explorer import result as numbers
from frcnn_edu.lessons.iou_labeling.explorer.panels import BINS, FEW, MANY, anchors_of_bar, draw
from frcnn_edu.lessons.iou_labeling.explorer.result import BACKGROUND, FOREGROUND, IGNORED, Result
from frcnn_edu.lessons.iou_labeling.explorer.words import KINDS, reason
from frcnn_edu.lessons.story import followed, story

STORY = story()
ANCHORS = torch.cat(STORY.trace.anchors)
RPN: Any = STORY.model.rpn
FIRST = numbers.start(STORY)


def result(**changes: Any) -> Result:
    return numbers.compute(dataclasses.replace(FIRST, **changes), STORY)


def send(explorer: Any, kind: str, panel: str = "picture", **event: Any) -> None:
    explorer.board._receive(explorer.board, {"kind": kind, "panel": panel, **event}, None)


@pytest.mark.slow
def test_driven() -> None:
    drive(explore.iou_labeling())


# ------------------------------------------------------------------------------------------------- labels and samples


@pytest.mark.parametrize("low_quality", [True, False])
@pytest.mark.parametrize(("foreground", "background"), [(0.7, 0.3), (0.5, 0.5), (1.0, 0.0), (0.35, 0.2), (0.0, 0.0)])
@pytest.mark.parametrize(
    "box", [FIRST.box, (100.0, 50.0, 108.0, 58.0), (0.0, 0.0, 160.0, 120.0), (84.0, 8.0, 128.0, 41.0)]
)
def test_labels_are_torchvisions(box: tuple, foreground: float, background: float, low_quality: bool) -> None:
    found = result(box=box, foreground=foreground, background=background, low_quality=low_quality)
    ground_truth = STORY.boxes.clone()
    ground_truth[2] = torch.tensor(box)
    ious = box_iou(ground_truth, ANCHORS)
    assert torch.equal(found.matched, Matcher(foreground, background, low_quality)(ious))
    assert torch.equal(found.labels == FOREGROUND, found.matched >= 0)
    assert torch.equal(found.labels == BACKGROUND, found.matched == -1)
    assert torch.equal(found.labels == IGNORED, found.matched == -2)
    strict = Matcher(foreground, background, allow_low_quality_matches=False)(ious)
    assert torch.equal(found.by_threshold, (strict + 1).clamp(max=1))
    assert torch.equal(found.best, ious.amax(dim=0))


def test_the_first_view_is_what_the_model_learns_from() -> None:
    labels, boxes = (each[0] for each in RPN.assign_targets_to_anchors([ANCHORS], [{"boxes": STORY.boxes}]))
    explorer = explore.iou_labeling()
    found = explorer.result
    assert torch.equal(found.labels.float(), labels)
    learns = found.labels == FOREGROUND
    assert torch.equal(found.ground_truth[found.matched[learns]], boxes[learns])
    assert [found.count(label) for label in KINDS] == [8, 198, 4912]
    assert found.anchor == followed().anchor
    assert (explorer.state.foreground, explorer.state.background) == (0.7, 0.3)


@pytest.mark.parametrize("seed", [1, 2, 50])
@pytest.mark.parametrize("foreground", [0.7, 0.3])
def test_a_sample_is_torchvisions_and_disturbs_no_other_chance(foreground: float, seed: int) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    found = result(foreground=foreground, sampled=True, seed=seed)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(seed)
    positives, negatives = BalancedPositiveNegativeSampler(64, 0.5)([found.labels])
    assert torch.equal(found.positives, torch.where(positives[0])[0])
    assert torch.equal(found.negatives, torch.where(negatives[0])[0])
    assert (len(found.positives), len(found.negatives)) == ((8, 56) if foreground == 0.7 else (32, 32))


def test_another_seed_is_another_sample_and_switches_it_on() -> None:
    explorer = explore.iou_labeling()
    assert len(explorer.result.negatives) == 0
    explorer.controls["seed"].value = 2
    assert explorer.state.sampled
    second = explorer.result.negatives
    explorer.controls["seed"].value = 3
    assert not torch.equal(explorer.result.negatives, second)
    explorer.controls["seed"].value = 2
    assert torch.equal(explorer.result.negatives, second)


def test_the_selected_anchor_follows_the_object_until_one_is_chosen() -> None:
    explorer = explore.iou_labeling()
    box = [20.0, 50.0, 64.0, 83.0]
    explorer.board.drag = {"name": "box", "box": box}
    assert explorer.result.anchor == int(box_iou(torch.tensor([box]), ANCHORS).argmax()) != followed().anchor
    explorer.set(anchor=4000)
    explorer.board.drag = {"name": "box", "box": [21.0, 50.0, 65.0, 83.0]}
    assert explorer.result.anchor == 4000


# --------------------------------------------------------------------------------------------------- picture and numbers


@pytest.mark.parametrize("anchor", [followed().anchor, 0, 2000, 4900])
def test_the_formula_is_the_iou(anchor: int) -> None:
    found = result(anchor=anchor)
    _, shared, union = found.overlap()
    assert shared / union == pytest.approx(float(box_iou(STORY.boxes, ANCHORS[anchor : anchor + 1]).max()), abs=1e-5)


def test_the_formula_has_the_numbers_of_the_course() -> None:
    explorer = explore.iou_labeling()
    lines = explorer.formula.split("\n")
    assert lines[0] == "IoU = intersection / union = 1303.5 / 2452.5 = 0.531"
    assert lines[1] == "0.30 ≤ 0.531 < 0.70 → ignored, but it is an object’s best anchor → positive"
    rows = [line.split() for line in lines[2:]]
    assert rows[0] == ["anchors", "positive", "ignored", "negative"]
    assert [row[-3:] for row in rows[1:]] == [["1", "205", "4912"], ["8", "198", "4912"]]
    explorer.set(sampled=True)
    assert explorer.formula.split("\n")[-1].split()[-3:] == ["8", "–", "56"]
    explorer.set(sampled=False, low_quality=False)
    assert len(explorer.formula.split("\n")) == 4
    marks = {piece.mark for piece in explorer.scene.formula[0] if isinstance(piece, Term)}  # type: ignore[union-attr]
    assert f"anchor:{followed().anchor}" in marks


def test_a_number_is_written_on_its_side_of_a_threshold() -> None:
    found = result()
    anchor = int((found.best - 0.695).abs().argmin())
    assert found.best[anchor] < 0.6951
    seen = result(anchor=anchor, foreground=0.7)
    assert float(seen.written(2)) < 0.7
    on_the_edge = int((found.best == torch.tensor(0.3)).nonzero()[0])
    seen = result(anchor=on_the_edge, low_quality=False)
    assert seen.labels[on_the_edge] == IGNORED
    assert seen.written(3) == "0.300"
    assert reason(seen).startswith("Ignored: its IoU with")
    for anchor in range(0, len(ANCHORS), 31):
        seen = result(anchor=anchor)
        written = float(seen.written(2))
        assert (written >= 0.7) == (seen.by_threshold[anchor] == FOREGROUND)
        assert (written < 0.3) == (seen.by_threshold[anchor] == BACKGROUND)


@pytest.mark.parametrize("sampled", [True, False])
def test_every_anchor_is_marked_by_its_label(sampled: bool) -> None:
    found = result(sampled=sampled)
    layers = [layer for layer in draw(found, STORY).panel("picture").layers if isinstance(layer, Boxes | Points)]
    by_shape = {
        (layer.shape, layer.color): layer.ids.tolist()
        for layer in layers
        if isinstance(layer, Points) and layer.ids is not None
    }
    shown = {color: set(ids) for (shape, color), ids in by_shape.items() if shape != "cross"}
    assert set(found.where(BACKGROUND).tolist()) in shown.values()
    assert set(found.where(IGNORED).tolist()) in shown.values()
    outlines = [
        layer.ids.tolist()
        for layer in layers
        if isinstance(layer, Boxes) and layer.ids is not None and layer.group == "anchor"
    ]
    assert found.where(FOREGROUND).tolist() in outlines
    assert outlines[-1] == [found.anchor]
    crosses = [ids for (shape, _), ids in by_shape.items() if shape == "cross"]
    assert crosses == ([found.negatives.tolist(), found.positives.tolist()] if sampled else [])
    for layer in layers:
        if layer.values and layer.group == "anchor":
            assert torch.equal(layer.values["IoU"], found.best[layer.ids])


def test_ignored_boxes_are_those_of_the_chosen_object_while_they_are_few() -> None:
    def thin(found: Result) -> list[int]:
        panel = draw(found, STORY).panel("picture")
        [layer] = [each for each in panel.layers if isinstance(each, Boxes) and each.width < 1]
        assert layer.ids is not None
        return layer.ids.tolist()

    ids = thin(result())
    assert 0 < len(ids) <= FEW
    assert all(int(result().best_object[i]) == 2 and result().labels[i] == IGNORED for i in ids)
    assert thin(result(background=0.0)) == []


def test_more_positive_anchors_than_can_be_seen_are_marks() -> None:
    def rings(found: Result, panel: str) -> list[int]:
        layers = draw(found, STORY).panel(panel).layers
        return [len(each.points) for each in layers if isinstance(each, Points) and each.shape == "ring"]

    found = result(foreground=0.0, background=0.0)
    assert found.count(FOREGROUND) == len(ANCHORS) > MANY
    assert (rings(found, "picture"), rings(found, "legend")) == ([len(ANCHORS)], [1])
    assert rings(result(), "picture") == rings(result(), "legend") == []


@pytest.mark.parametrize(
    "changes", [{}, {"foreground": 0.5, "background": 0.5}, {"foreground": 1.0, "background": 0.0}]
)
def test_bars_count_all_anchors(changes: dict[str, float]) -> None:
    found = result(**changes)
    bars = [
        each for each in draw(found, STORY).panel("histogram").layers if isinstance(each, Boxes) and each.group == "bar"
    ]
    assert len(bars) == len(KINDS)
    everyone: list[int] = []
    for (label, (name, _)), layer in zip(KINDS.items(), bars, strict=True):
        assert layer.ids is not None
        assert int(layer.values[name].sum()) == found.count(label)
        assert torch.equal(10 ** layer.boxes[:, 1] - 1, layer.values[name].float()) or torch.allclose(
            10 ** layer.boxes[:, 1] - 1, layer.values[name].float(), rtol=1e-4
        )
        for id, (left, _, right, _), number in zip(
            layer.ids.tolist(), layer.boxes.tolist(), layer.values[name].tolist(), strict=True
        ):
            assert id % BINS <= left * BINS < right * BINS <= id % BINS + 1
            anchors = anchors_of_bar(found, id)
            assert len(anchors) == number
            everyone += anchors.tolist()
    assert sorted(everyone) == list(range(len(ANCHORS)))


def test_bars_of_one_bin_stand_side_by_side() -> None:
    layers = [
        each
        for each in draw(result(), STORY).panel("histogram").layers
        if isinstance(each, Boxes) and each.group == "bar"
    ]
    boxes = torch.cat([layer.boxes for layer in layers])
    starts, order = boxes[:, 0].sort()
    assert bool((boxes[order, 2][:-1] <= starts[1:] + 1e-6).all())


def test_the_ious_with_all_objects_are_shown() -> None:
    found = result(anchor=2000)
    words = [text for each in draw(found, STORY).panel("ious").layers if isinstance(each, Words) for text in each.texts]
    assert words == [f"{value:.2f}" for value in box_iou(STORY.boxes, ANCHORS[2000:2001])[:, 0].tolist()]
    [rows] = [
        each
        for each in draw(found, STORY).panel("ious").layers
        if isinstance(each, Boxes) and each.group == "ground_truth"
    ]
    assert rows.ids is not None
    assert rows.ids.tolist() == list(range(len(STORY.boxes)))  # even a bar of 0 can be touched


# ------------------------------------------------------------------------------------------------------------ in words


def test_each_reason() -> None:
    default = result()
    best, strict = default.best, default.by_threshold
    plain = default.labels == strict
    cases = {
        int(
            torch.where(strict == FOREGROUND)[0][0]
        ): "Positive: its IoU with object 3, a circle, is 0.77, which is at least 0.70.",
        followed().anchor: "Its best object is our cross with an IoU of 0.53, below 0.70. But no anchor has a larger IoU with our cross, "
        "so the low-quality rule makes it positive. One anchor is trained on our cross.",
        int(best.argmin()): "Negative: it overlaps no object.",
        int(torch.where((strict == BACKGROUND) & (best > 0.2) & plain)[0][0]): "which is less than 0.30.",
        int(
            torch.where((strict == IGNORED) & plain)[0][0]
        ): "too small to be positive (0.70) and too large to be negative (0.30).",
    }
    assert len(cases) == 5
    for anchor, words in cases.items():
        assert words in reason(result(anchor=anchor)), anchor


def test_words_agree_with_the_label_of_every_anchor() -> None:
    names = {FOREGROUND: "positive", IGNORED: "ignored", BACKGROUND: "negative"}
    for anchor in range(0, len(ANCHORS), 41):
        found = result(anchor=anchor)
        label = int(found.labels[anchor])
        first = reason(found).split(":")[0].lower()
        assert first == names[label] or found.by_threshold[anchor] != label


def test_a_restored_anchor_may_learn_another_object_than_the_one_that_asked() -> None:
    found = result(box=(84.0, 8.0, 128.0, 41.0))
    assert found.names[int(found.matched[found.anchor])] == "object 6, a star"
    assert reason(found) == (
        "No anchor has a larger IoU with our cross than this one (0.54), so the low-quality rule makes it positive. "
        "But it is trained on object 6, a star, because its IoU with that object is larger (0.58). "
        "No anchor is trained on our cross; 1 of the 7 objects has no anchor."
    )


def test_who_goes_without() -> None:
    assert reason(result(low_quality=False)).endswith(
        "No anchor is trained on our cross; 6 of the 7 objects have no anchor."
    )
    words = reason(result(foreground=0.5, background=0.5, low_quality=False))
    assert words.endswith("One anchor is trained on our cross; 1 of the 7 objects has no anchor.")
    assert "The thresholds are equal, so no anchor is ignored." in words
    assert reason(result(box=(103.0, 56.0, 109.0, 62.0))).endswith("2 anchors are trained on our cross.")


def test_whether_it_was_sampled() -> None:
    found = result(sampled=True)
    left_out = next(i for i in found.where(BACKGROUND).tolist() if i not in found.negatives.tolist())
    for anchor, words in (
        (int(found.positives[0]), "The sample contains this anchor."),
        (int(found.negatives[0]), "The sample contains this anchor."),
        (left_out, "The sample does not contain this anchor."),
        (int(torch.where(found.labels == IGNORED)[0][0]), "Ignored anchors are never sampled."),
    ):
        assert reason(result(sampled=True, anchor=anchor)).endswith(words)
        assert words not in reason(result(anchor=anchor))


# ------------------------------------------------------------------------------------------------------- what hands do


def test_what_is_illegal_is_explained() -> None:
    explorer = explore.iou_labeling()
    explorer.controls["background"].value = 0.8
    assert "from 0.70 to 0.80 would be both positive and negative" in explorer.board.problem
    assert explorer.result.state == explorer.first
    explorer.controls["foreground"].value = 0.8
    assert explorer.board.problem == ""
    explorer.set(box=(10.0, 10.0, 10.0, 30.0))
    assert "has no area" in explorer.board.problem
    explorer.reset()
    assert explorer.board.problem == ""


def test_objects_are_chosen_by_click_key_and_list() -> None:
    explorer = explore.iou_labeling()
    explorer.set(anchor=17)
    send(explorer, "pick", "ious", group="ground_truth", id=0)
    assert torch.equal(torch.tensor(explorer.state.box), STORY.boxes[0])
    assert explorer.result.anchor == int(explorer.result.ious[0].argmax())
    send(explorer, "arrow", dx=0, dy=-1)
    assert explorer.state.object == len(STORY.boxes) - 1
    send(explorer, "arrow", dx=0, dy=1)
    assert explorer.state.object == 0
    explorer.controls["object"].value = 5
    assert torch.equal(torch.tensor(explorer.state.box), STORY.boxes[5])
    explorer.set(anchor=17)
    send(explorer, "pick", group="ground_truth", id=5)  # again: back to its best anchor
    assert explorer.result.anchor == int(explorer.result.ious[5].argmax())


def test_anchors_are_chosen_by_click_and_walked_by_rank() -> None:
    explorer = explore.iou_labeling()
    ranks = explorer.result.ious[2].sort(descending=True).values
    for dx, rank in ((1, 1), (1, 2), (-1, 1), (-1, 0), (-1, 0)):
        send(explorer, "arrow", dx=dx, dy=0)
        assert explorer.result.ious[2, explorer.result.anchor] == ranks[rank]
    assert explorer.result.anchor == followed().anchor
    send(explorer, "pick", group="anchor", id=17)
    assert explorer.result.anchor == 17


def test_a_bar_selects_its_anchor_nearest_to_the_object() -> None:
    explorer = explore.iou_labeling()
    id = list(KINDS).index(IGNORED) * BINS + 10  # ignored, IoU from 0.50 to 0.55
    send(explorer, "pick", "histogram", group="bar", id=id)
    found = explorer.result
    assert found.labels[found.anchor] == IGNORED
    assert 0.5 <= found.best[found.anchor] < 0.55
    assert found.ious[2, found.anchor] == found.ious[2, anchors_of_bar(found, id)].max()


def test_a_click_on_other_things_changes_nothing() -> None:
    explorer = explore.iou_labeling()
    for group in ("union", "intersection"):
        send(explorer, "pick", "selected", group=group, id=0)
    assert explorer.state == explorer.first


def test_another_image() -> None:
    image, target = ShapesDetection("test", length=4, size=(240, 320))[3]
    explorer = explore.iou_labeling(image=image, target=target, object=1)
    found = explorer.result
    assert len(found.names) == len(target["boxes"])
    assert found.names[1] in explorer.words.lower()
    check_now(explorer)
