"""The excerpts and the table that the notebook reads."""

import pytest

from frcnn_edu.lessons.why_it_is_fast.classes import IDEAS, excerpt
from frcnn_edu.model.fast import SWAPS, run_as


def double(x: int) -> int:
    """Twice the number.

    Nothing else.
    """
    # A comment.
    y = x + x
    if y > 10:
        y = -1
    return y


def half(x: float) -> float:
    return x / 2


def test_an_excerpt_begins_after_the_docstring() -> None:
    assert excerpt(double).splitlines() == [
        "double, test_classes.py:",
        "    # A comment.",
        "    y = x + x",
        "    if y > 10:",
        "        y = -1",
        "    return y",
    ]
    assert excerpt(half).splitlines() == ["half, test_classes.py:", "    return x / 2"]


def test_an_excerpt_begins_at_a_line_and_has_a_number_of_lines() -> None:
    assert excerpt(double, "if y").splitlines()[1:] == ["    if y > 10:", "        y = -1", "    return y"]
    assert excerpt(double, "y = -1", 1).splitlines()[1:] == ["    y = -1"]  # without its indentation


def test_a_file_of_the_package_has_its_folder() -> None:
    assert excerpt(run_as).splitlines()[0] == "run_as, model/fast/switch.py:"


def test_a_line_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="double has no line with 'z ='"):
        excerpt(double, "z =")


def test_every_class_of_the_table_has_its_ideas() -> None:
    assert list(IDEAS) == [textbook.__name__ for textbook, _, _ in SWAPS]
    named = {idea for ideas in IDEAS.values() for idea in ideas.split(", ")}
    assert named == {*map(str, range(1, 10)), "cache"}
