"""Rules take exactly what they say, whoever makes the number."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from frcnn_edu.checks import rules

NUMBERS = st.one_of(st.floats(), st.integers(-3, 3), st.floats(-0.5, 1.5))


def takes(check: rules.Check, value: Any) -> bool:
    try:
        check("it", value)
    except (TypeError, ValueError):
        return False
    return True


@settings(derandomize=True, deadline=None)
@given(NUMBERS)
def test_a_fraction_is_a_number_between_0_and_1(value: float) -> None:
    assert takes(rules.fraction, value) is (0 <= value <= 1)
    assert takes(rules.positive, value) is (0 < value < float("inf"))
    assert takes(rules.not_negative_or_infinite, value) is (value >= 0)


@settings(derandomize=True, deadline=None)
@given(st.integers(-5, 5), st.integers(-5, 5))
def test_a_count_is_a_whole_number(value: int, least: int) -> None:
    assert takes(rules.at_least(least), value) is (value >= least)
    assert takes(rules.up_to(3), value) is (value in range(4))
    assert not takes(rules.at_least(least), float(value))


@pytest.mark.parametrize("of", [int, np.int64, np.uint8, torch.tensor], ids=lambda of: of.__name__)
def test_whole_numbers_of_libraries_are_such(of: Callable[[int], Any]) -> None:
    assert takes(rules.count, of(3))
    assert not takes(rules.count, of(0))


@pytest.mark.parametrize("of", [float, np.float32, np.float64, torch.tensor], ids=lambda of: of.__name__)
def test_numbers_of_libraries_are_such(of: Callable[[float], Any]) -> None:
    assert takes(rules.fraction, of(0.5))
    assert not takes(rules.fraction, of(1.5))
    assert not takes(rules.count, of(1.0))


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.floats(-0.5, 1.5, width=32, allow_subnormal=False), max_size=4),
    st.sampled_from([list, tuple, np.array, torch.tensor]),
)
def test_several_are_taken_if_each_is(values: list[float], of: Callable[[list[float]], Any]) -> None:
    legal = [0 <= value <= 1 for value in values]
    assert takes(rules.each(rules.fraction), of(values)) is (all(legal) and len(legal) > 0)
    assert takes(rules.each(rules.fraction, length=2), of(values)) is (all(legal) and len(legal) == 2)


def test_the_wrong_one_of_several_is_named_with_all() -> None:
    with pytest.raises(
        ValueError, match=r"^it\[1\]\[0\] must be a finite number above 0, got -8 \(it=\(\(8,\), \(-8,\)\)\)$"
    ):
        rules.each(rules.one_or_each(rules.positive))("it", ((8,), (-8,)))
    with pytest.raises(
        TypeError, match=r"^it\['testing'\] must be .*, got None \(it=\{'training': 1, 'testing': None\}\)$"
    ):
        rules.by_mode(rules.count)("it", {"training": 1, "testing": None})


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(-6, 6), min_size=1, max_size=4))
def test_stages_ascend_and_are_there(stages: list[int]) -> None:
    from_end = [stage % 5 for stage in stages]
    there = all(-5 <= stage <= 4 for stage in stages)
    ascending = sorted(set(from_end)) == from_end
    assert takes(rules.stages_between(0, 4), stages) is (there and ascending)
    counted_from_1 = set(stages) <= {1, 2, 3, 4} and sorted(set(stages)) == stages
    assert takes(rules.stages_between(1, 4), stages) is counted_from_1


def test_a_long_value_is_cut() -> None:
    with pytest.raises(TypeError) as caught:
        rules.fraction("it", list(range(1000)))
    assert len(str(caught.value)) < 150
    assert "\n" not in str(caught.value)
