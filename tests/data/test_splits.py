"""The words that mean a split, and shares of data that come without splits."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.data.splits import by_split, every_fifth, split_of, spread


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train", ("train", "*")),
        ("Training", ("train", "*")),
        ("instances_val2017.json", ("val", "instances_*2017.json")),
        ("valid", ("val", "*")),
        ("Validation_labels.csv", ("val", "*_labels.csv")),
        ("dev", ("val", "*")),
        ("eval.txt", ("val", "*.txt")),
        ("my-testing-set", ("test", "my-*-set")),
        ("test_train.json", ("train", "test_*.json")),
        ("trainval", ("train", "*")),
        ("values.json", None),
        ("constrained", None),
        ("device", None),
        ("latest", None),
        ("", None),
    ],
)
def test_words(name: str, expected: tuple[str, str] | None) -> None:
    assert split_of(name) == expected


def test_the_more_usual_word_counts() -> None:
    names = ["val", "valid", "trainval", "train", "testing", "a_train", "a_val", "other"]
    assert by_split(map(Path, names)) == {
        "*": {"train": Path("train"), "val": Path("val"), "test": Path("testing")},
        "a_*": {"train": Path("a_train"), "val": Path("a_val")},
    }


@given(st.integers(0, 60))
def test_shares_are_everything_once(count: int) -> None:
    items = [f"{i}.jpg" for i in range(count)]
    train, val = every_fifth(items, "train", "x"), every_fifth(items, "val", "x")
    assert sorted([*train, *val]) == sorted(items)
    assert len(val) == -(-count // 5)


def test_other_shares_do_not_exist() -> None:
    with pytest.raises(ValueError, match="cards has no split 'test'; it was divided into train and val"):
        every_fifth([], "test", "cards")


@given(st.integers(0, 200), st.integers(1, 40))
def test_spread(length: int, most: int) -> None:
    chosen = spread(length, most)
    assert len(chosen) == len({*chosen}) == min(length, most)
    assert chosen == sorted(chosen)
    if length:
        assert chosen[0] == 0
        assert chosen[-1] == (length - 1 if most > 1 or length == 1 else 0)
