import json
from pathlib import Path

import pytest
import torch

from frcnn_edu import box_iou
from frcnn_edu.lessons import LESSONS, notebook_name
from frcnn_edu.lessons.logbook import LINES, best_anchor, logbook, predicted_deltas, target_deltas, winning_anchor
from frcnn_edu.lessons.story import follow, followed, source, story, tell


def test_each_notebook_adds_a_line() -> None:
    whole = logbook(len(LINES), lines=len(LINES)).splitlines()
    assert [line[:2] for line in whole] == [f"{number:02d}" for number in range(1, 14)]
    assert logbook(4).splitlines() == whole[2:4]
    assert logbook(1).splitlines() == whole[:1]


@pytest.mark.parametrize("lesson", LINES)
def test_a_line_begins_with_the_title_of_its_notebook(lesson: str) -> None:
    """With the part before a colon: “03 · Feature pyramid: P2 to P5 and pool”."""
    path = Path(__file__).parents[2] / "notebooks" / notebook_name(lesson)
    heading = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]).splitlines()[0]
    title = heading.removeprefix(f"# {LESSONS.index(lesson):02d} · ").partition(":")[0]
    assert LINES[lesson][0] == title
    assert logbook(LESSONS.index(lesson), lines=1).startswith(f"{LESSONS.index(lesson):02d} {title} ")


@pytest.mark.parametrize("until", [0, 14])
def test_there_are_no_other_lines(until: int) -> None:
    with pytest.raises(ValueError, match=f"notebooks 1 to 13, got {until}"):
        logbook(until)


def test_followed_points_at_the_best_fit_of_each_stage() -> None:
    here, seen, box = followed(), story().trace, story().box
    anchors = torch.cat(seen.anchors)
    assert box_iou(box[None], anchors)[0].argmax() == here.anchor
    levels = torch.arange(5).repeat_interleave(torch.tensor([len(a) for a in seen.anchors]))
    assert levels[here.anchor] == here.level
    stride = seen.batch.tensors.shape[-1] // seen.objectness[here.level].shape[-1]
    middle = (best_anchor()[:2] + best_anchor()[2:]) / 2
    assert middle.tolist() == [here.column * stride, here.row * stride]
    assert seen.resized_detections["labels"][here.detection] == story().target["labels"][story().object]


@pytest.mark.parametrize(
    ("number", "proposal", "anchor"), [(1, 67, 1545), (2, 13, 4303), (3, 21, 1177), (4, 11, 4093), (5, 6, 5008)]
)
def test_a_detection_is_followed_back_to_its_anchor(number: int, proposal: int, anchor: int) -> None:
    """The proposal of a detection need not be the one that fits best."""
    own = story()
    here = follow(tell(own.model, own.image, own.target, own.classes, number))
    assert (here.proposal, here.winner.anchor) == (proposal, anchor)


def test_predicted_deltas_are_those_of_the_best_anchor() -> None:
    """They move it closer to the object, and the target deltas move it onto it."""
    coder, box = story().model.rpn.box_coder, story().box[None]
    before = box_iou(box, best_anchor()[None])
    moved = coder.decode_single(predicted_deltas()[None], best_anchor()[None])
    onto = coder.decode_single(target_deltas()[None], best_anchor()[None])
    assert before < box_iou(box, moved) < box_iou(box, onto)
    assert torch.allclose(onto, box, atol=1e-4)


def test_the_detection_comes_from_another_anchor_than_the_best_fit() -> None:
    """Both anchors' proposals survive, as NMS treats each level by itself; the last NMS keeps the more confident one."""
    here, seen = followed(), story().trace
    proposals = [source(story(), number) for number in (here.proposal, 5)]
    assert proposals == [here.winner.anchor, here.anchor]
    assert here.winner.level != here.level
    assert box_iou(story().box[None], winning_anchor()[None]) < box_iou(story().box[None], best_anchor()[None])
    scores = seen.class_logits.softmax(dim=1)[:, story().target["labels"][story().object]]
    assert scores[here.proposal] > scores[5]
    assert seen.resized_detections["scores"][here.detection] == scores[here.proposal]


def test_the_lines_say_what_the_tensors_say() -> None:
    lines = logbook(13, lines=13).splitlines()
    width, height = (story().box[2:] - story().box[:2]).tolist()
    assert f"{height:.0f}×{width:.0f} as the network sees it" in lines[0]
    for place in (followed(), followed().winner):
        assert f"{place.anchor}, cell ({place.row}, {place.column}) of P{2 + place.level}" in lines[4]
    assert "label of the best fit: 1, of the winner: -1" in lines[7]
    assert f"winner → proposal {followed().proposal}, IoU 0.84" in lines[8]
    assert story().classes[story().target["labels"][story().object]] in lines[11]
