import dataclasses

import pytest
import torch
from driving import check_now, drive
from torchvision.ops import box_iou

from frcnn_edu.lessons import explore
from frcnn_edu.lessons.board.scene import Boxes
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.lessons.the_whole_network.explorer.explorer import EXPLORERS, WholePathExplorer
from frcnn_edu.lessons.the_whole_network.explorer.result import (
    TITLES,
    State,
    compute,
    followed_boxes,
    object_of_detection,
    strays,
)

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
def test_each_stage_shows_the_best_fit_of_its_own_boxes(object: int) -> None:
    found, box = compute(State(object), STORY), STORY.boxes[[object]]
    assert dict(found.fits())["best anchor"] == pytest.approx(float(box_iou(box, torch.cat(STORY.trace.anchors)).max()))
    assert dict(found.fits())["best proposal"] == pytest.approx(float(box_iou(box, STORY.trace.proposals).max()))
    assert dict(found.fits())["detection"] == pytest.approx(
        float(box_iou(box, STORY.trace.resized_detections["boxes"]).max())
    )
    labels, matched = STORY.model.rpn.assign_targets_to_anchors(
        [torch.cat(STORY.trace.anchors)], [{"boxes": STORY.boxes}]
    )  # type: ignore[union-attr,operator]
    assert len(found.labelled) == int(((labels[0] == 1) & (matched[0] == box).all(dim=1)).sum()) > 0
    assert float(found.likely.sum()) == pytest.approx(1, abs=1e-5)


def test_the_first_view_follows_the_courses_object() -> None:
    found = explore.whole_path().result
    assert found.state.object == STORY.object
    assert found.where == followed()


@pytest.mark.slow
@pytest.mark.parametrize("name", TITLES)
def test_a_click_opens_the_explorer_of_a_stage_with_this_object_and_closes_it(name: str) -> None:
    explorer = WholePathExplorer()
    explorer.set(object=1)
    assert len(explorer.widget.children) == 3
    event = {"kind": "pick", "panel": name, "group": "stage", "id": list(TITLES).index(name)}
    explorer._happened(event)
    assert explorer.state.stage == explorer.controls["stage"].value == name
    opened = explorer.opened[name, 1]
    assert isinstance(opened, EXPLORERS[name])  # type: ignore[arg-type]
    assert explorer.widget.children[3] is opened.widget
    assert torch.equal(opened.subject.box, STORY.boxes[1])
    check_now(opened)
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
    assert len(explorer.result.labelled) == 0
    assert explorer.words.startswith("This box fits no ground-truth box by 0.50")
    explorer.set(stage="iou_labeling")
    check_now(explorer.opened["iou_labeling", NUMBER])


def test_every_stage_can_be_touched_and_every_fit_lights_its_bar() -> None:
    scene = explore.whole_path().scene
    touched = [
        layer.ids.tolist()
        for name in TITLES
        for layer in scene.panel(name).layers
        if isinstance(layer, Boxes) and layer.group == "stage" and layer.ids is not None
    ]
    assert touched == [[k] for k in range(9)]
    bars = [
        layer.ids.tolist() for layer in scene.panel("fits").layers if isinstance(layer, Boxes) and layer.ids is not None
    ]
    assert bars == [[k] for k in range(4)]
