"""The words that mean a split, and shares of data that come without splits."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.data.splits import by_split, every_fifth, set_apart, split_of, spread


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


@pytest.mark.parametrize(
    ("names", "chosen", "left"),
    [
        ("train val", "train val", ""),
        ("train train_extra val dev", "train val", "dev train_extra"),
        ("train_1 train val", "train val", "train_1"),
        ("training_set val_set test_set_1", "training_set val_set test_set_1", ""),
        ("train2017 val2017 test2017 train2014", "train2017 val2017 test2017", "train2014"),
        ("train val test my_train my_val my_test", "train val test", "my_test my_train my_val"),
        ("trainval test-dev test", "trainval test", "test-dev"),
        ("my_test", "my_test", ""),
        ("train_val test", "train_val test", ""),
        ("Training-data Validation-set TEST", "Training-data Validation-set TEST", ""),
        ("trainset valset testset", "trainset valset testset", ""),
        ("a.json b.json", "", "a.json b.json"),
        ("instances_Train.json instances_default.json instances_Validation.json",
         "instances_Train.json instances_Validation.json", "instances_default.json"),
    ],
)  # fmt: skip
def test_which_is_which_split(names: str, chosen: str, left: str) -> None:
    splits, others = set_apart(map(Path, names.split()))
    assert ([path.name for path in splits.values()], [path.name for path in others]) == (chosen.split(), left.split())
    assert list(splits) == [split for split in ("train", "val", "test") if split in splits]


@pytest.mark.parametrize(
    ("names", "both"),
    [
        ("train_A train_B test", "train_A and train_B in . both mean train"),
        ("train1 train2 val", "train1 and train2 in . both mean train"),
        ("train2014 val2014 train2017 val2017", "train2014 and train2017"),
        ("a_train a_val b_val b_test c_train c_test", "a_val and b_val in . both mean val"),
    ],
)
def test_which_split_cannot_be_told(names: str, both: str) -> None:
    with pytest.raises(ValueError, match=both):
        set_apart(map(Path, names.split()))


@given(st.lists(st.text("atrinvlesdx_1. -", max_size=14), max_size=9))
def test_whatever_folders_are_called(names: list[str]) -> None:
    """Each is a split or is left, and none is both."""
    paths = {Path("x", name) for name in names if name not in ("", ".", "..")}
    with suppress(ValueError):  # it is ambiguous
        splits, others = set_apart(paths)
        assert sorted([*splits.values(), *others]) == sorted(paths)


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
