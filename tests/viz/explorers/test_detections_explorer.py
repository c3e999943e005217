import contextlib
import copy
import io
import re
from typing import Any

import pytest
import torch
from driving import drive
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from frcnn_edu.viz.explorers.detections import DetectionsExplorer
from frcnn_edu.viz.explorers.detections_result import (
    LEAST,
    State,
    average_precision,
    compute,
    found_in,
    match,
    pictures,
)
from frcnn_edu.viz.explorers.scene import Boxes, Words
from frcnn_edu.viz.story import followed, story

STORY = story()
SEEN = pictures(STORY)


def test_driven() -> None:
    drive(DetectionsExplorer(), combinations=25)


def test_the_first_view_shows_the_models_detections() -> None:
    explorer = DetectionsExplorer()
    found, theirs = explorer.result.found, STORY.trace.resized_detections
    sure = found.scores > STORY.model.roi_heads.score_thresh
    for name in ("boxes", "scores", "labels"):
        assert torch.equal(getattr(found, name)[sure], theirs[name])
    assert explorer.state.chosen == followed().detection


@pytest.mark.parametrize("score", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("nms", [0.0, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("most", [1, 5, 300])
@pytest.mark.parametrize("picture", [0, 3])
def test_every_setting_gives_what_the_model_gives(score: float, nms: float, most: int, picture: int) -> None:
    seen = SEEN[picture]
    heads: Any = copy.copy(STORY.model.roi_heads)
    heads.score_thresh, heads.nms_thresh, heads.detections_per_img = score, nms, most
    way = seen.trace
    (boxes,), (scores,), (labels,) = heads.postprocess_detections(
        way.class_logits, way.box_deltas, [way.proposals], way.batch.image_sizes
    )
    found = found_in(STORY.model, seen, nms, 0.5, most)
    above = found.scores > score
    assert torch.equal(found.boxes[above], boxes)
    assert torch.equal(found.scores[above], scores)
    assert torch.equal(found.labels[above], labels)


@pytest.mark.parametrize("nms", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("iou", [0.5, 0.75, 0.9])
def test_average_precision_is_cocos(nms: float, iou: float) -> None:
    truth, found = COCO(), COCO()
    images, categories = [{"id": k} for k in range(len(SEEN))], [{"id": k, "name": str(k)} for k in range(1, 6)]
    annotations: list[list[dict]] = [[], []]
    for index, seen in enumerate(SEEN):
        mine = found_in(STORY.model, seen, nms, iou, 100)
        for records, boxes, labels, scores in (
            (annotations[0], seen.boxes, seen.labels, torch.ones(len(seen.boxes))),
            (annotations[1], mine.boxes, mine.labels, mine.scores),
        ):
            for (x1, y1, x2, y2), label, score in zip(boxes.tolist(), labels.tolist(), scores.tolist(), strict=True):
                box = [x1, y1, x2 - x1, y2 - y1]
                one = dict(image_id=index, category_id=label, bbox=box, area=box[2] * box[3], iscrowd=0, score=score)
                records.append({"id": len(records) + 1, **one})
    with contextlib.redirect_stdout(io.StringIO()):
        for coco, records in ((truth, annotations[0]), (found, annotations[1])):
            coco.dataset = {"images": images, "categories": categories, "annotations": records}
            coco.createIndex()
        coco_eval = COCOeval(truth, found, "bbox")
        coco_eval.params.iouThrs = coco_eval.params.iouThrs[:1] * 0 + iou
        coco_eval.evaluate()
        coco_eval.accumulate()
    for label in range(1, 6):
        theirs = float(coco_eval.eval["precision"][0, :, label - 1, 0, -1].mean())
        mine_ = compute(State(0, nms=nms, iou=iou, label=label), STORY).average
        assert mine_ == pytest.approx(theirs, abs=1e-6)


def test_an_object_is_found_once() -> None:
    seen = SEEN[0]
    boxes = seen.boxes[[2, 2, 0]]
    labels = seen.labels[[2, 2, 2]]  # the third has another's box and the cross's class
    matched, fits = match(boxes, labels, seen, 0.5)
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
    above = sum(int((found_in(STORY.model, seen, 0.5, 0.5, 100).scores > score).sum()) for seen in SEEN)
    truths = sum(len(seen.boxes) for seen in SEEN)
    assert (right + wrong, right + missed) == (above, truths)
    numbers = re.findall(r"= ([\d.]+)$", "\n".join(explorer.formula.split("\n")[:2]), re.MULTILINE)
    assert [float(n) for n in numbers] == pytest.approx([right / above, right / truths], abs=5e-4)
    if explorer.result.passing:
        assert float(explorer.result.precision[explorer.result.passing - 1]) == pytest.approx(right / above)


def test_a_class_is_looked_at_by_itself() -> None:
    explorer = DetectionsExplorer()
    explorer.controls["label"].value = 5
    assert explorer.result.truths == sum(int((seen.labels == 5).sum()) for seen in SEEN)
    assert "objects of the class cross" in explorer.words


def test_the_words_say_what_became_of_the_selected_one() -> None:
    explorer = DetectionsExplorer()
    assert explorer.words.endswith("The selected cross is right.")
    explorer.set(score=0.9995)
    assert "below the threshold: it is not detected" in explorer.words
    explorer.set(score=0.5, nms=1.0)
    twin = next(
        k for k in range(len(explorer.result.found.boxes))
        if explorer.result.found.matched[k] < 0 and explorer.result.found.fits[k] > 0.6 and explorer.result.found.scores[k] > 0.5
    )  # fmt: skip
    explorer.set(chosen=twin)
    assert "a better detection has taken its object" in explorer.words
    explorer.set(iou=0.95, nms=0.5, chosen=0)
    wrong = int(torch.where(explorer.result.found.matched < 0)[0][0])
    explorer.set(chosen=wrong)
    assert "overlaps it by 0.95" in explorer.words


def test_the_selection_is_bounded_clicked_and_walked() -> None:
    explorer = DetectionsExplorer()
    explorer.set(chosen=10_000)
    assert explorer.state.chosen == len(explorer.result.found.boxes) - 1
    explorer._happened({"kind": "pick", "panel": "strip", "group": "detection", "id": 2})
    assert explorer.state.chosen == 2
    explorer._happened({"kind": "arrow", "panel": "picture", "dx": 1, "dy": 0})
    assert explorer.state.chosen == 3
    explorer.controls["picture"].value = 4
    assert explorer.state.chosen == 0


@pytest.mark.parametrize("score", [LEAST, 0.5, 0.99])
def test_right_wrong_and_missed_look_different(score: float) -> None:
    explorer = DetectionsExplorer()
    explorer.set(score=score, iou=0.8)
    found = explorer.result.found
    solid, dashed = set(), set()
    for layer in explorer.scene.panel("picture").layers:
        if isinstance(layer, Boxes) and layer.group == "detection" and layer.halo and layer.ids is not None:
            (dashed if layer.dashed else solid).update(layer.ids.tolist())
    passing = found.scores > score
    assert solid == set(torch.where(passing & (found.matched >= 0))[0].tolist())
    assert dashed == set(torch.where(passing & (found.matched < 0))[0].tolist())
    texts = [
        text for layer in explorer.scene.panel("picture").layers if isinstance(layer, Words) for text in layer.texts
    ]
    reached = set(found.matched[passing & (found.matched >= 0)].tolist())
    assert texts.count("missed") <= len(STORY.boxes) - len(reached)
