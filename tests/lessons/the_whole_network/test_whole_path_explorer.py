import dataclasses

import pytest
import torch
from driving import check_now, drive
from torchvision.ops import box_iou

from frcnn_edu.lessons import explore
from frcnn_edu.lessons.board.scene import Boxes
from frcnn_edu.lessons.story import followed, source, story
from frcnn_edu.lessons.the_whole_network.explorer.explorer import EXPLORERS, WholePathExplorer
from frcnn_edu.lessons.the_whole_network.explorer.result import (
    STAGES,
    TITLES,
    State,
    compute,
    followed_boxes,
    object_of_detection,
    strays,
)
from frcnn_edu.viz.trace import moved_anchors, moved_proposals

STORY = story()
NUMBER = len(STORY.boxes)


def with_stray() -> explore.Story:
    """The story, as if its last detection were sure of itself: it fits no object."""
    found = dict(STORY.trace.resized_detections)
    found["scores"] = found["scores"].clone()
    found["boxes"] = found["boxes"].clone()
    found["scores"][-1], found["boxes"][-1] = 0.9, torch.tensor([5.0, 90.0, 25.0, 110.0])
    return dataclasses.replace(STORY, trace=dataclasses.replace(STORY.trace, resized_detections=found))


@pytest.mark.slow
def test_driven() -> None:
    drive(explore.whole_path())


@pytest.mark.parametrize("object", range(NUMBER))
def test_each_way_is_that_of_one_anchor(object: int) -> None:
    """Anchor, decoded box, proposal, final box, detection: each comes from the one before."""
    found, box = compute(State(object), STORY), STORY.boxes[[object]]
    anchors, decoded = torch.cat(STORY.trace.anchors), moved_anchors(STORY.trace, STORY.model)
    detections = STORY.trace.resized_detections
    assert found.best.place.anchor == int(box_iou(box, anchors).argmax())
    assert found.winner.detection == found.detection == int(box_iou(box, detections["boxes"]).argmax())
    for way in found.ways().values():
        assert torch.equal(way.anchor, anchors[way.place.anchor])
        assert torch.equal(way.decoded, decoded[way.place.anchor])
        if way.proposal is None:
            continue
        assert source(STORY, way.proposal) == way.place.anchor
        assert torch.allclose(STORY.trace.proposals[way.proposal], way.decoded, atol=1e-3)
        assert way.refined is not None
        assert torch.equal(way.refined, moved_proposals(STORY.trace, STORY.model)[way.proposal, way.label])
        if way.detection is not None:
            assert torch.allclose(detections["boxes"][way.detection], way.refined, atol=1e-3)
            assert int(detections["labels"][way.detection]) == way.label
            assert float(detections["scores"][way.detection]) == pytest.approx(way.score, abs=1e-5)
    assert [iou for _, _, iou in found.fits()] == pytest.approx(
        [float(box_iou(box, one[None])) for way in found.ways().values() for one in way.boxes()]
    )


def test_the_first_view_tells_the_courses_story() -> None:
    explorer = explore.whole_path()
    found = explorer.result
    assert found.state.object == STORY.object
    assert (found.best.place.anchor, found.best.proposal, found.best.detection) == (4942, 5, None)
    assert (found.winner.place, found.winner.proposal, found.detection) == (
        followed().winner,
        followed().proposal,
        followed().detection,
    )
    assert explorer.formula.splitlines()[:2] == [
        "IoU, best fit: anchor 4942 0.53 → proposal 5 0.82 → final box 0.94",
        "IoU, winner: anchor 4303 0.40 → proposal 13 0.84 → detection 4 0.94",
    ]
    assert "anchor on P3, not from the best fit, which is on P4" in explorer.words


def test_two_anchors_on_one_level_are_told_apart() -> None:
    explorer = explore.whole_path()
    together = 0
    for number in range(NUMBER):
        explorer.set(object=number)
        best, winner = explorer.result.best, explorer.result.winner
        if best.place != winner.place and best.place.level == winner.place.level:
            together += 1
            assert "another anchor on" in explorer.words
            assert "not from" not in explorer.words
    assert together


def test_the_stages_are_those_of_notebook_00() -> None:
    titles = [panel.title for panel in explore.whole_path().scene.panels if panel.title[:1].isdigit()]
    assert titles == [
        *("1 Transform", "2 Backbone", "3 FPN", "4 Anchors", "5 RPN head"),
        *("6 Proposals", "7 RoIAlign", "8 Box head", "9 Detections", "10 Postprocess"),
    ]
    assert [name for _, names in STAGES for name in names] == list(TITLES) == list(EXPLORERS)


@pytest.mark.slow
@pytest.mark.parametrize("name", TITLES)
def test_a_click_opens_the_explorer_of_a_stage_with_this_object_and_closes_it(name: str) -> None:
    explorer = WholePathExplorer()
    explorer.set(object=1)
    assert len(explorer.widget.children) == 3
    number, (stage, names) = next((k, one) for k, one in enumerate(STAGES) if name in one[1])
    event = {"kind": "pick", "panel": stage, "group": "stage", "id": number}
    for _ in names[: names.index(name) + 1]:  # each click opens the next one
        explorer._happened(event)
    assert explorer.state.stage == explorer.controls["stage"].value == name
    opened = explorer.opened[name, 1]
    assert isinstance(opened, EXPLORERS[name])  # type: ignore[arg-type]
    assert explorer.widget.children[3] is opened.widget
    assert torch.equal(opened.subject.box, STORY.boxes[1])
    check_now(opened)
    for _ in names[names.index(name) :]:
        explorer._happened(event)
    assert len(explorer.widget.children) == 3


def test_objects_are_clicked_and_walked() -> None:
    explorer = explore.whole_path()
    explorer._happened({"kind": "pick", "panel": "picture", "group": "object", "id": 4})
    assert explorer.state.object == 4
    explorer._happened({"kind": "arrow", "panel": "picture", "dx": -1, "dy": 0})
    assert explorer.state.object == 3
    explorer._happened({"kind": "pick", "panel": "picture", "group": "detection", "id": followed().detection})
    assert explorer.state.object == STORY.object
    explorer.set(object=0)
    explorer._happened({"kind": "arrow", "panel": "picture", "dx": -1, "dy": 0})
    assert explorer.state.object == NUMBER - 1


def test_a_detection_without_object_can_be_followed() -> None:
    of = with_stray()
    last = len(of.trace.resized_detections["boxes"]) - 1
    assert strays(of).tolist() == [last]
    assert len(followed_boxes(of)) == NUMBER + 1
    assert object_of_detection(of, last) == NUMBER
    assert object_of_detection(STORY, last) == STORY.object or object_of_detection(STORY, last) is None
    explorer = WholePathExplorer(of)
    explorer.set(object=NUMBER)
    check_now(explorer)
    assert not explorer.result.true
    assert explorer.words.startswith("No ground-truth box has an IoU of at least 0.5 with detection")
    explorer.set(stage="iou_labeling")
    check_now(explorer.opened["iou_labeling", NUMBER])


def test_every_stage_with_an_explorer_can_be_clicked_and_every_iou_lights_its_bar() -> None:
    explorer = explore.whole_path()
    clicked = [
        layer.ids.tolist()
        for panel in explorer.scene.panels
        for layer in panel.layers
        if isinstance(layer, Boxes) and layer.group == "stage" and layer.ids is not None
    ]
    assert clicked == [[k] for k, (_, names) in enumerate(STAGES) if names]
    layers = explorer.scene.panel("fits").layers
    bars = [layer.ids.tolist() for layer in layers if isinstance(layer, Boxes) and layer.ids is not None]
    assert bars == [[k] for k in range(len(explorer.result.fits()))]
