"""The checkers of notebook 00: stubs and likely mistakes are recognised, right answers pass."""

import pytest
import torch

from frcnn_edu import box_iou
from frcnn_edu.lessons.story import source, story
from frcnn_edu.lessons.the_whole_network import exercises as check


def stub(*args):
    raise NotImplementedError


@pytest.mark.parametrize("checker", [check.weights_of, check.winner_of])
def test_stub_is_not_right(checker):
    verdict = checker(stub)
    assert not verdict
    assert "no body yet" in verdict.message


def weights(model, numbers=lambda part: sum(p.numel() for p in part.parameters())):
    return {name: numbers(part) for name, part in model.named_children()}


def test_weights_right():
    assert check.weights_of(weights)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (lambda part: len(list(part.parameters())), "number of tensors"),
        (lambda part: sum(value.numel() for value in part.state_dict().values()), "statistics of BatchNorm"),
        (lambda part: 7, "you count 7"),
    ],
)
def test_weights_mistakes(numbers, message):
    verdict = check.weights_of(lambda model: weights(model, numbers))
    assert not verdict
    assert message in verdict.message


def test_weights_of_all_parts():
    assert "dictionary" in check.weights_of(lambda model: 3).message
    assert "has 0" in check.weights_of(lambda m: {k: v for k, v in weights(m).items() if k != "transform"}).message
    assert "backbone, roi_heads, rpn, transform" in check.weights_of(lambda model: {}).message


def row_of(boxes, box):
    return int((boxes - box).abs().sum(dim=1).argmin())


def winner(detection, refined, proposals, decoded):
    return row_of(decoded, proposals[row_of(refined, detection)])


def test_winner_right():
    assert check.winner_of(winner)
    assert check.winner_of(lambda *boxes: torch.tensor(winner(*boxes)))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda d, refined, proposals, decoded: row_of(refined, d), "the index of its proposal"),
        (lambda d, refined, proposals, decoded: row_of(decoded, d), "Find its proposal first"),
        (lambda d, refined, proposals, decoded: int(box_iou(d[None], proposals).argmax()) + 1, "you say"),
        (lambda d, refined, proposals, decoded: 0.5, "whole number"),
        (lambda d, refined, proposals, decoded: decoded[0], "one index"),
    ],
)
def test_winner_mistakes(answer, message):
    verdict = check.winner_of(answer)
    assert not verdict
    assert message in verdict.message


def test_two_of_seven_detections_come_from_the_best_fit():
    """As the checker's answer says."""
    seen, same = story().trace, 0
    for box in story().boxes:
        found = int(box_iou(box[None], seen.resized_detections["boxes"])[0].argmax())
        label = int(seen.resized_detections["labels"][found])
        refined = story().model.roi_heads.box_coder.decode(seen.box_deltas, [seen.proposals])[:, label]
        proposal = row_of(refined, seen.resized_detections["boxes"][found])
        same += source(story(), proposal) == int(box_iou(box[None], torch.cat(seen.anchors)).argmax())
    assert same == 2
