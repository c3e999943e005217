import asyncio
import contextlib
import copy
import io
import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from driving import drive
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from safetensors.torch import load_file
from torchvision.ops import box_iou

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons import explore
from frcnn_edu.lessons.board.scene import Boxes, Points, Words
from frcnn_edu.lessons.box_head.explorer import shipped, write_shipped
from frcnn_edu.lessons.box_head.explorer.explorer import DetectionsExplorer
from frcnn_edu.lessons.box_head.explorer.gallery import Gallery, gallery
from frcnn_edu.lessons.box_head.explorer.result import (
    STRIDE,
    Fate,
    State,
    average_precision,
    compute,
    duplicate_of,
    found_in,
    match,
    select,
)
from frcnn_edu.lessons.box_head.explorer.seen import LEAST, OTHERS, Seen, resized, see
from frcnn_edu.lessons.stages import shown
from frcnn_edu.lessons.story import Story, followed, story
from frcnn_edu.viz.trace import trace

STORY = story()
SEEN = gallery(STORY).seen
CLOSE = 1e-3  # pixels, and probabilities: another machine adds in another order


@pytest.mark.slow
def test_driven() -> None:
    drive(DetectionsExplorer())


def test_the_first_view_shows_the_models_detections() -> None:
    explorer = DetectionsExplorer()
    found, theirs = explorer.result.found, STORY.trace.resized_detections
    sure = found.scores > STORY.model.roi_heads.score_thresh
    for name in ("boxes", "scores", "labels"):
        assert torch.equal(getattr(found, name)[sure], theirs[name])
    assert int(found.kept[followed().detection]) == explorer.state.chosen
    selected = explorer.result.selected
    assert selected is not None
    assert torch.equal(selected.box, theirs["boxes"][followed().detection])


@pytest.mark.parametrize("score", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("nms", [0.0, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("most", [1, 5, 300])
@pytest.mark.parametrize("picture", [0, 3])
def test_every_setting_gives_what_the_model_gives(score: float, nms: float, most: int, picture: int) -> None:
    seen = SEEN[picture]
    heads: Any = copy.copy(STORY.model.roi_heads)
    heads.score_thresh, heads.nms_thresh, heads.detections_per_img = score, nms, most
    way = STORY.trace if seen.index is None else trace(STORY.model, OTHERS[seen.index][0])
    (boxes,), (scores,), (labels,) = heads.postprocess_detections(
        way.class_logits, way.box_deltas, [way.proposals], way.batch.image_sizes
    )
    found = found_in(seen, nms, 0.5, most)
    above = found.scores > score
    assert torch.allclose(found.boxes[above], boxes, atol=CLOSE)
    assert torch.allclose(found.scores[above], scores, atol=CLOSE)
    assert torch.equal(found.labels[above], labels)


@pytest.mark.parametrize("nms", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("iou", [0.5, 0.75, 0.9])
def test_average_precision_is_cocos(nms: float, iou: float) -> None:
    ground_truth, found = COCO(), COCO()
    images, categories = [{"id": k} for k in range(len(SEEN))], [{"id": k, "name": str(k)} for k in range(1, 6)]
    annotations: list[list[dict]] = [[], []]
    for index, seen in enumerate(SEEN):
        mine = found_in(seen, nms, iou, 100)
        for records, boxes, labels, scores in (
            (annotations[0], seen.boxes, seen.labels, torch.ones(len(seen.boxes))),
            (annotations[1], mine.boxes, mine.labels, mine.scores),
        ):
            for (x1, y1, x2, y2), label, score in zip(boxes.tolist(), labels.tolist(), scores.tolist(), strict=True):
                box = [x1, y1, x2 - x1, y2 - y1]
                one = dict(image_id=index, category_id=label, bbox=box, area=box[2] * box[3], iscrowd=0, score=score)
                records.append({"id": len(records) + 1, **one})
    with contextlib.redirect_stdout(io.StringIO()):
        for coco, records in ((ground_truth, annotations[0]), (found, annotations[1])):
            coco.dataset = {"images": images, "categories": categories, "annotations": records}
            coco.createIndex()
        coco_eval = COCOeval(ground_truth, found, "bbox")
        coco_eval.params.iouThrs = coco_eval.params.iouThrs[:1] * 0 + iou
        coco_eval.evaluate()
        coco_eval.accumulate()
    for label in range(1, 6):
        theirs = float(coco_eval.eval["precision"][0, :, label - 1, 0, -1].mean())
        mine_ = compute(State(0, nms=nms, iou=iou, label=label), STORY).average
        assert mine_ == pytest.approx(theirs, abs=1e-6)


def test_an_object_is_found_once() -> None:
    seen = SEEN[0]
    labels = seen.labels[[2, 2, 2]]  # the third has another's box and the cross's class
    three = replace(seen, candidates=(seen.boxes[[2, 2, 0]], torch.tensor([0.9, 0.8, 0.7]), labels))
    matched, fits = match(torch.arange(3), three, 0.5)
    assert matched.tolist() == [2, -1, -1]
    assert fits[:2].tolist() == [1.0, 1.0]
    assert float(fits[2]) < 0.5


def test_average_precision_of_simple_cases() -> None:
    one = torch.ones(1, dtype=torch.float64)
    assert average_precision(one, one) == 1.0
    assert average_precision(one, one / 2) == pytest.approx(51 / 101)
    assert average_precision(one[:0], one[:0]) == 0.0


@pytest.mark.parametrize("score", [0.01, 0.5, 0.99])
def test_the_formula_counts_what_is_above_the_threshold(score: float) -> None:
    explorer = DetectionsExplorer()
    explorer.set(score=score)
    right, wrong, missed = explorer.result.counts()
    above = sum(int((found_in(seen, 0.5, 0.5, 100).scores > score).sum()) for seen in SEEN)
    objects = sum(len(seen.boxes) for seen in SEEN)
    assert (right + wrong, right + missed) == (above, objects)
    numbers = re.findall(r"= ([\d.]+)$", "\n".join(explorer.formula.split("\n")[:2]), re.MULTILINE)
    assert [float(n) for n in numbers] == pytest.approx([right / above, right / objects], abs=5e-4)
    if explorer.result.passing:
        assert float(explorer.result.precision[explorer.result.passing - 1]) == pytest.approx(right / above)


def test_a_class_is_looked_at_by_itself() -> None:
    explorer = DetectionsExplorer()
    explorer.controls["label"].value = 5
    assert explorer.result.objects == sum(int((seen.labels == 5).sum()) for seen in SEEN)
    assert "objects of the class cross" in explorer.words


def test_the_words_say_what_became_of_the_selected_one() -> None:
    explorer = DetectionsExplorer()
    assert explorer.words.endswith("The selected cross is correct: no higher-scoring detection has claimed its object.")
    explorer.set(score=0.9995)
    assert explorer.words.endswith(
        "The score of the selected cross is not above the threshold, so it is not a detection."
    )
    explorer.set(score=0.5, most=3)
    assert explorer.words.endswith(
        "The selected cross is not among the 3 with the highest scores, so it is not a detection."
    )
    explorer.set(most=300, nms=1.0, **duplicate_of(explorer.first, STORY))
    assert "a higher-scoring detection has claimed its object" in explorer.words
    explorer.set(nms=0.5)
    assert explorer.words.split(". ")[-1].startswith("NMS removes the selected cross")
    explorer.set(iou=0.95, chosen=explorer.first.chosen)
    assert explorer.words.endswith("no ground-truth cross has an IoU of at least 0.95 with it.")
    explorer.set(label=5)
    assert "cross" in explorer.words
    explorer.set(label=1, chosen=explorer.first.chosen)
    assert explorer.words.endswith("The selected cross is not of the chosen class.")


def test_a_detection_on_another_kind_of_object_is_said_to_lie_there() -> None:
    explorer = DetectionsExplorer()
    explorer.set(score=LEAST)
    boxes, _, labels = SEEN[0].candidates
    inside = box_iou(boxes, STORY.boxes)
    same = labels[:, None] == STORY.target["labels"][None]
    own, other = (torch.where(mask, inside, 0.0).amax(dim=1) for mask in (same, ~same))
    strays = [int(k) for k in explorer.result.found.kept if own[k] < 0.5 <= other[k]]
    assert strays
    for stray in strays:
        explorer.set(chosen=stray)
        kind = STORY.classes[int(STORY.target["labels"][int(torch.where(~same, inside, 0.0)[stray].argmax())])]
        assert explorer.words.endswith(f"It is on a {kind}, with an IoU of {float(other[stray]):.2f}.")


@pytest.mark.parametrize("picture", range(0, 24, 3))
@pytest.mark.parametrize("nms", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("most", [2, 300])
def test_every_candidates_fate_is_what_the_model_makes_of_it(picture: int, nms: float, most: int) -> None:
    seen, state = SEEN[picture], State(0, nms=nms, most=most, picture=picture)
    found = found_in(seen, nms, 0.5, most)
    boxes, scores, labels = seen.candidates
    kept, survivors = set(found.kept.tolist()), set(found.survivors.tolist())
    for chosen in range(0, len(boxes), 7):
        one = select(replace(state, chosen=chosen), seen, found)
        assert one is not None
        assert (one.score, one.label) == (float(scores[chosen]), int(labels[chosen]))
        better = [k for k in survivors if k < chosen and labels[k] == labels[chosen]]
        nearest = max((float(box_iou(boxes[[k]], boxes[[chosen]])) for k in better), default=0.0)
        if one.score <= 0.5:
            assert one.fate is Fate.BELOW
        elif nearest > nms:
            assert one.fate is Fate.DROPPED
            assert one.dropper == pytest.approx(nearest)
            assert chosen not in survivors
        elif chosen not in kept:
            assert one.fate is Fate.BEYOND
        else:
            right = bool(found.matched[found.kept.tolist().index(chosen)] >= 0)
            assert (one.fate is Fate.RIGHT) == right
            assert (one.fate is Fate.TAKEN) == (not right and one.fit >= 0.5)


def test_the_selection_stays_whatever_is_set() -> None:
    explorer = DetectionsExplorer()
    chosen, box = explorer.state.chosen, explorer.result.selected.box  # type: ignore[union-attr]
    for changes in ({"nms": 1.0}, {"nms": 0.0}, {"most": 1}, {"score": 0.99}, {"iou": 0.9}, {"label": 5}, {"label": 0}):
        explorer.set(**changes)
        assert explorer.state.chosen == chosen
        assert torch.equal(explorer.result.selected.box, box)  # type: ignore[union-attr]
    explorer.controls["label"].value = 1  # no detection of this class is left: it stays even so
    assert explorer.state.chosen == chosen
    explorer.reset()
    explorer.controls["label"].value = 1  # no cross is looked at: the surest that is
    assert explorer.result.selected.label == 1  # type: ignore[union-attr]
    assert "The selected circle is correct" in explorer.words


def test_the_selection_is_bounded_clicked_and_walked() -> None:
    explorer = DetectionsExplorer()
    explorer.set(chosen=10_000)
    assert explorer.state.chosen == len(SEEN[0].candidates[0]) - 1
    kept = sorted(explorer.result.found.kept.tolist())
    explorer._happened({"kind": "pick", "panel": "strip", "group": "detection", "id": kept[2]})
    assert explorer.state.chosen == kept[2]
    explorer._happened({"kind": "arrow", "panel": "picture", "dx": 1, "dy": 0})
    assert explorer.state.chosen == kept[3]
    explorer._happened({"kind": "arrow", "panel": "picture", "dx": 0, "dy": -1})
    assert explorer.state.chosen == kept[2]
    explorer.set(chosen=kept[-1])
    explorer._happened({"kind": "arrow", "panel": "picture", "dx": 1, "dy": 0})
    assert explorer.state.chosen == kept[-1]
    explorer.controls["picture"].value = 4
    assert explorer.state.chosen == int(found_in(SEEN[4], 0.5, 0.5, 100).kept.min())


def test_a_detection_of_another_image_is_shown_there() -> None:
    explorer = DetectionsExplorer()
    strip = explorer.scene.panel("strip")
    every = [layer.ids for layer in strip.layers if isinstance(layer, Points) and layer.group == "detection"]
    ids = torch.cat([i for i in every if i is not None])
    assert sorted(ids.tolist()) == sorted(explorer.result.ids.tolist())
    other = int(ids[ids // STRIDE == 7][0])
    explorer._happened({"kind": "pick", "panel": "strip", "group": "detection", "id": other})
    assert (explorer.state.picture, explorer.state.chosen) == (7, other % STRIDE)
    score = explorer.result.scores[explorer.result.ids == other]
    assert explorer.result.selected.score == float(score)  # type: ignore[union-attr]


@pytest.mark.slow
def test_an_image_that_is_one_of_the_others_counts_once() -> None:
    image, target = ShapesDetection("val", length=23)[3]
    assert gallery(explore.detections(image=image, target=target).subject).size == len(SEEN) - 1


def test_prompts_select_what_they_ask_about() -> None:
    explorer = DetectionsExplorer()
    explorer.try_prompt(2)
    assert explorer.result.selected.fate is Fate.TAKEN  # type: ignore[union-attr]
    explorer.try_prompt(3)
    assert explorer.result.selected.fate is Fate.DROPPED  # type: ignore[union-attr]
    explorer.set(nms=0.5)
    assert explorer.result.selected.fate is Fate.RIGHT  # type: ignore[union-attr]


@pytest.mark.parametrize("score", [LEAST, 0.5, 0.99])
def test_right_wrong_and_missed_look_different(score: float) -> None:
    explorer = DetectionsExplorer()
    explorer.set(score=score, iou=0.8)
    found = explorer.result.found
    solid, dashed = set(), set()
    for layer in explorer.scene.panel("picture").layers:
        if isinstance(layer, Boxes) and layer.group == "detection" and layer.halo and layer.ids is not None:
            (dashed if layer.dashed else solid).update((layer.ids % STRIDE).tolist())
    passing = found.scores > score
    assert solid == set(found.kept[passing & (found.matched >= 0)].tolist())
    assert dashed == set(found.kept[passing & (found.matched < 0)].tolist())
    texts = [
        text for layer in explorer.scene.panel("picture").layers if isinstance(layer, Words) for text in layer.texts
    ]
    reached = set(found.matched[passing & (found.matched >= 0)].tolist())
    assert texts.count("missed") <= len(STORY.boxes) - len(reached)


# --- what is in the package, and what is computed when it is needed ----------------------------------------------------


@pytest.fixture
def own() -> Story:
    """The course's image, told by a model of the reader's."""
    return explore._subject(model=copy.deepcopy(STORY.model))


def candidates(seen: Seen) -> list[tuple[int, torch.Tensor, float]]:
    """Label, box and score of each; without those at the very edge of being looked at."""
    boxes, scores, labels = seen.candidates
    every = zip(labels.tolist(), boxes, scores.tolist(), strict=True)
    return sorted((one for one in every if one[2] > LEAST + CLOSE), key=lambda one: (one[0], one[1].sum().item()))


@pytest.mark.slow
def test_the_package_has_what_the_model_finds() -> None:
    for index, ours in enumerate(shipped.read()):
        computed = see(STORY.model, index)
        assert ours.index == index
        assert torch.equal(ours.boxes, computed.boxes)
        assert torch.equal(ours.labels, computed.labels)
        for one, other in zip(candidates(ours), candidates(computed), strict=True):
            assert one[0] == other[0]
            assert torch.allclose(one[1], other[1], atol=10 * CLOSE)
            assert one[2] == pytest.approx(other[2], abs=CLOSE)
    assert index == len(OTHERS) - 1


def test_the_file_is_read_as_it_was_written() -> None:
    columns = write_shipped.columns_of(shipped.read())
    written = load_file(shipped.FILE)
    assert columns.keys() == written.keys()
    assert all(torch.equal(columns[name], written[name]) for name in written)


def test_the_first_view_needs_no_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(STORY.model), "forward", lambda *args, **kwargs: pytest.fail("a forward pass"))
    gallery.cache_clear()
    explorer = DetectionsExplorer()
    assert explorer.words.startswith("In all 24 images, ")
    for picture in (0, 7):
        explorer.set(picture=picture)
    assert gallery(STORY).coming == []


def test_an_image_is_shown_as_large_as_the_model_sees_it() -> None:
    assert resized(SEEN[0], STORY) is STORY.resized
    batch = trace(STORY.model, OTHERS[2][0]).batch
    assert torch.equal(resized(SEEN[3], STORY), shown(batch)[:, :128, :160])


@pytest.mark.slow
def test_another_model_begins_with_one_image_and_comes_to_the_same(own: Story) -> None:
    explorer = DetectionsExplorer(own)
    assert explorer.words.startswith("In 1 of 24 images so far, ")
    assert explorer.scene.panel("curve").title == "Precision over recall, 1 of 24 images"
    assert len(explorer.controls["picture"].options) == 24
    explorer.set(picture=3)  # no one has to wait for the rest to see it
    assert explorer.words.startswith("In 4 of 24 images so far, ")
    explorer.reset()
    explorer.complete()
    course = DetectionsExplorer()
    assert (explorer.words, explorer.formula) == (course.words, course.formula)
    assert explorer.prompts == course.prompts
    shown, expected = (one.result.scores for one in (explorer, course))
    assert torch.allclose(shown, expected, atol=CLOSE)


def test_on_a_page_the_other_images_come_by_themselves(own: Story) -> None:
    del gallery(own).coming[3:]

    async def look_at_it() -> list[int]:
        explorer, known = DetectionsExplorer(own), []
        for _ in range(2):  # two views of one explorer
            explorer.board._receive(explorer.board, {"kind": "hello", "token": "here"}, None)
        explorer.set(score=0.9)
        while explorer.result.coming:
            known.append(explorer.result.pictures)
            assert explorer.state.score == explorer.controls["score"].value == 0.9
            await asyncio.sleep(0.001)
        assert explorer.words.startswith("In all 4 images, ")
        return known

    assert set(asyncio.run(look_at_it())) == {2, 3}


def test_explorers_of_one_story_share_its_images(own: Story) -> None:
    del gallery(own).coming[1:]
    first, second = DetectionsExplorer(own), DetectionsExplorer(own)
    first.complete()
    assert second.result.coming == 1
    second.complete()
    assert second.words == first.words
    assert second.words.startswith("In all 2 images, ")


def test_a_model_of_other_classes_has_one_image() -> None:
    classes = ("background", *"abcde")
    assert Gallery(replace(STORY, classes=classes)).size == 1
