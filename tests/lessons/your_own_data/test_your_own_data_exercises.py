"""The checkers of notebook 16: stubs and likely mistakes are recognised, right answers pass."""

import pytest
import torch

from frcnn_edu.lessons.your_own_data import exercises as check


def boxes(corners, width, height, *, shift=(1, 1, 0, 0), order=True, swap_first=True, clip=True, drop=True):
    shift = torch.tensor(shift)
    if not swap_first:
        corners = corners - shift
    if order:
        corners = torch.cat(
            (torch.minimum(corners[:, :2], corners[:, 2:]), torch.maximum(corners[:, :2], corners[:, 2:])), dim=1
        )
    if swap_first:
        corners = corners - shift
    if clip:
        corners = torch.minimum(corners.clamp(min=0), torch.tensor([width, height, width, height]))
    return corners[(corners[:, 2:] > corners[:, :2]).all(dim=1)] if drop else corners


def test_voc_boxes_right():
    assert check.voc_boxes(boxes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shift": (0, 0, 0, 0)}, "as they are"),
        ({"shift": (1, 1, 1, 1)}, "from all four"),
        ({"order": False}, "do not drop it"),
        ({"swap_first": False}, "swap first"),
        ({"clip": False}, "Clipped to 100×80"),
        ({"drop": False}, "leave it out"),
        ({"shift": (2, 1, 0, 0)}, "should become [10, 20, 30, 60]"),
    ],
)
def test_voc_boxes_mistakes(settings, message):
    verdict = check.voc_boxes(lambda *arguments: boxes(*arguments, **settings))
    assert not verdict
    assert message in verdict.message


def kind(same, other, *, near=0.1, fits=0.5, class_first=False, order=("right", "class", "localisation")):
    tests = {"right": same >= fits, "class": other >= fits, "localisation": same >= near}
    for word in order:
        if tests[word]:
            return word
    return "both" if other >= near else "background"


def test_kind_of_error_right():
    assert check.kind_of_error(kind)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"order": ("class", "right", "localisation")}, "it is right"),
        ({"order": ("right", "localisation", "class")}, "before you test whether it is near"),
        ({"near": 0.11}, "exactly 0.1 counts as near"),
        ({"fits": 0.51}, "it is right"),
        ({"near": 0.04}, "'both'"),
    ],
)
def test_kind_of_error_mistakes(settings, message):
    verdict = check.kind_of_error(lambda same, other: kind(same, other, **settings))
    assert not verdict
    assert message in verdict.message


def test_words_that_are_none():
    assert "not one of the words" in check.kind_of_error(lambda same, other: "wrong").message


def test_stubs():
    def stub(*arguments):
        raise NotImplementedError

    for checker in (check.voc_boxes, check.kind_of_error):
        assert "no body yet" in checker(stub).message
