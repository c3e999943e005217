import pytest
import torch
from driving import check_now, drive
from torchvision.ops import box_iou

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons import explore
from frcnn_edu.lessons.story import story
from frcnn_edu.lessons.your_own_data.explorer import AnyBoxExplorer
from frcnn_edu.lessons.your_own_data.explorer.result import SMALLEST, State, compute, inside, nothing, without_target

STORY = story()


@pytest.mark.slow
def test_driven() -> None:
    drive(AnyBoxExplorer(STORY))


def test_a_proposal_gets_what_the_model_gave_it() -> None:
    """Each proposal again, as the box: the same probabilities, and for a detection the same box and score."""
    seen = STORY.trace
    for index in range(0, len(seen.proposals), 37):
        found = compute(State(tuple(seen.proposals[index].tolist())), STORY)
        assert torch.allclose(found.probabilities, seen.class_logits[index].softmax(dim=0), atol=1e-5)
        assert found.level == int(seen.levels[index])
        assert torch.allclose(found.pooled, seen.pooled[index], atol=1e-4)
    scores = seen.class_logits.softmax(dim=1)[:, 1:]
    best = int(scores.amax(dim=1).argmax())
    found = compute(State(tuple(seen.proposals[best].tolist())), STORY)
    at = int(box_iou(found.corrected[None], seen.resized_detections["boxes"]).argmax())
    assert torch.allclose(found.corrected, seen.resized_detections["boxes"][at], atol=1e-2)
    assert found.score == pytest.approx(float(seen.resized_detections["scores"][at]), abs=1e-4)
    assert found.label == int(seen.resized_detections["labels"][at])


def test_the_iou_is_that_of_the_two_boxes() -> None:
    found = compute(State((50.0, 30.0, 90.0, 70.0)), STORY)
    assert found.shared / found.union == pytest.approx(found.iou, abs=1e-4)
    assert found.iou == pytest.approx(float(box_iou(torch.tensor([found.state.box]), found.corrected[None])), abs=1e-6)


def test_the_first_view_corrects_the_courses_object() -> None:
    explorer = AnyBoxExplorer(STORY)
    found = explorer.result
    assert STORY.classes[found.label] == "cross"
    assert found.score > 0.9
    before, after = (
        float(box_iou(torch.tensor([box]), STORY.box[None])) for box in (found.state.box, found.corrected.tolist())
    )
    assert before < 0.8 < after
    assert explorer.words.startswith("The network calls your box a cross and corrects it")


def test_over_nothing_the_network_sees_background() -> None:
    box = nothing(STORY)
    assert box is not None
    assert float(box_iou(torch.tensor([box]), STORY.boxes).max()) < 0.05
    explorer = AnyBoxExplorer(STORY)
    explorer.set(box=box)
    assert explorer.result.is_background
    assert explorer.words.startswith("The network sees no object in your box")


def test_the_first_suggestion_is_found_and_the_second_is_not() -> None:
    explorer = AnyBoxExplorer(STORY)
    explorer.try_prompt(0)
    assert "corrects it" in explorer.words
    assert explorer.result.score > 0.9
    explorer.try_prompt(1)
    assert explorer.result.is_background


def test_a_low_score_is_a_detection_all_the_same() -> None:
    explorer = AnyBoxExplorer(STORY)
    x1, y1, x2, y2 = STORY.box.tolist()
    for share in range(150, 200):
        dx, dy = (x2 - x1) * share / 1000, (y2 - y1) * share / 1000
        explorer.set(box=(x1 + dx, y1 + dy, x2 - dx, y2 - dy))
        if explorer.result.is_background and explorer.result.score > explorer.result.threshold:
            assert "the network still reports a cross" in explorer.words
            assert "sees no object" not in explorer.words
            return
    raise AssertionError("no box has a low score")


@pytest.mark.parametrize("box", [(-50.0, -50.0, 10.0, 10.0), (150.0, 100.0, 400.0, 300.0), (159.9, 0.0, 160.0, 0.1)])
def test_a_suggested_box_is_inside_the_image(box: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = inside(box, STORY)
    assert 0 <= x1 <= x2 - SMALLEST + 0.1
    assert 0 <= y1 <= y2 - SMALLEST + 0.1
    assert max(x2 - 160, y2 - 120) <= 0


def test_a_box_without_area_is_refused_in_words() -> None:
    explorer = AnyBoxExplorer(STORY)
    explorer.set(box=(5.0, 5.0, 5.0, 9.0))
    assert "has no area" in explorer.board.problem


def test_an_image_needs_no_target_here() -> None:
    image, _ = ShapesDetection("val", size=(150, 200))[3]
    explorer = explore.any_box(image=image)
    check_now(explorer)
    assert explorer.subject.image is image
    with pytest.raises(TypeError, match="an explorer takes"):
        explore.any_box(image=image, picture=1)


def test_an_image_in_which_nothing_is_found_can_be_tried_too() -> None:
    of = without_target(STORY.model, torch.full((3, 120, 160), 0.5), STORY.classes)
    check_now(AnyBoxExplorer(of))
