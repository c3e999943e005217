"""The checkers of notebook 00: stubs and likely mistakes are recognised, right answers pass."""

import math

import pytest

from frcnn_edu.lessons.the_whole_network import exercises as check


def stub(*args):
    raise NotImplementedError


@pytest.mark.parametrize("checker", [check.number_of_anchors, check.level_of])
def test_stub_is_not_right(checker):
    verdict = checker(stub)
    assert not verdict
    assert "no body yet" in verdict.message


def anchors(height, width, *, pad=True, pool="up", each=3):
    if pad:
        height, width = (math.ceil(side / 32) * 32 for side in (height, width))
    cells = sum((height // s) * (width // s) for s in (4, 8, 16, 32))
    rows, columns = height // 32, width // 32
    if pool == "up":
        cells += math.ceil(rows / 2) * math.ceil(columns / 2)
    elif pool == "down":
        cells += (rows // 2) * (columns // 2)
    return each * cells


def test_number_of_anchors_right():
    assert anchors(120, 160) == 5118
    assert check.number_of_anchors(anchors)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pad": False}, "padded first"),
        ({"pool": "none"}, "fifth level is missing"),
        ({"pool": "down"}, "Round up"),
        ({"each": 1}, "those are the cells"),
        ({"each": 15}, "15 is what five levels add up to"),
        ({"each": 3.0}, "an int"),
        ({"each": 4}, "the model has"),
    ],
)
def test_number_of_anchors_mistakes(options, message):
    verdict = check.number_of_anchors(lambda height, width: anchors(height, width, **options))
    assert not verdict
    assert message in verdict.message


def level(box, *, reference=112, whole=math.floor, low=2, high=5, log=math.log2, size=lambda w, h: math.sqrt(w * h)):
    wide, tall = (box[2:] - box[:2]).tolist()
    return min(max(whole(4 + log(size(wide, tall) / reference)), low), high)


def test_level_of_right():
    assert check.level_of(level)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference": 224}, "compare it with 224"),
        ({"whole": round}, "rounded down"),
        ({"whole": lambda k: k}, "whole number"),
        ({"low": -9}, "between 2 and 5"),
        ({"high": 99}, "between 2 and 5"),
        ({"log": math.log}, "natural logarithm"),
        ({"size": lambda w, h: max(w, h)}, "longer side"),
        ({"size": lambda w, h: w * h}, "square root is compared"),
    ],
)
def test_level_of_mistakes(options, message):
    verdict = check.level_of(lambda box: level(box, **options))
    assert not verdict
    assert message in verdict.message


def test_level_of_wants_a_number():
    assert "should be a number" in check.level_of(lambda box: "P2").message
