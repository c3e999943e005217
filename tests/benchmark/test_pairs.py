"""Two things in turn, and what is said of them."""

import pytest

from frcnn_edu.benchmark.pairs import Comparison, format_comparison, format_number, interleave


def test_ours_and_theirs_are_called_in_turn_and_only_the_rounds_after_the_warm_up_count() -> None:
    called: list[str] = []
    now = iter([0, 100, 200, 300, 400, 402, 410, 414, 420, 421, 430, 434])  # before and after each call
    pair = interleave(
        lambda: called.append("A"), lambda: called.append("B"), repeats=2, warmup=1, clock=lambda: next(now)
    )
    assert called == ["A", "B"] * 3
    assert pair == Comparison([2, 1], [4, 4])
    assert next(now, None) is None


def test_ratio_of_medians_and_range_of_rounds() -> None:
    pair = Comparison(ours=[2.0, 3.0, 10.0], theirs=[4.0, 5.0, 6.0])
    assert pair.ratio == 3 / 5
    assert pair.range == (0.5, 10 / 6)
    assert pair.to_dict() == {
        "ours_seconds": [2.0, 3.0, 10.0],
        "torchvision_seconds": [4.0, 5.0, 6.0],
        "ratio": 3 / 5,
        "lowest_ratio": 0.5,
        "highest_ratio": 10 / 6,
    }
    assert format_comparison(pair).split() == ["3,000", "5,000", "0.60", "0.50–1.67"]


def test_numbers_have_the_digits_that_mean_something() -> None:
    assert [format_number(x) for x in (0.01234, 1.234, 12.34, 123.4, 12345.6)] == [
        "0.0123", "1.23", "12.3", "123", "12,346",
    ]  # fmt: skip


def test_at_least_one_round() -> None:
    with pytest.raises(ValueError, match="repeats is 0"):
        interleave(lambda: None, lambda: None, repeats=0)
