"""Train, val and test: the words for them in names of files and folders, and the division of data without splits."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

SPLITS = ("train", "val", "test")
# The first word of each row is preferred if a data set has several.
WORDS = {
    "train": ("train", "training", "trainval", "train_val", "train-val", "trainset"),
    "val": ("val", "valid", "validation", "dev", "eval", "valset"),
    "test": ("test", "testing", "test-dev", "test_dev", "test-challenge", "test_challenge", "testset"),
}
_SPLIT_OF = {word: split for split, words in WORDS.items() for word in words}
LISTS = frozenset(_SPLIT_OF)  # what text files with the names of a split's images are called
_NUMBERS = re.compile(r"[\d_ -]+")
_WORD = re.compile(rf"(?<![a-z])({'|'.join(sorted(_SPLIT_OF, key=len, reverse=True))})(?![a-z])", re.IGNORECASE)


def split_of(name: str) -> tuple[str, str] | None:
    """The split that a name contains, and the name with a star in place of the word; None if it contains none.

    "instances_valid2017.json" → ("val", "instances_*2017.json"). The last such word counts.
    """
    if not (words := list(_WORD.finditer(name))):
        return None
    last = words[-1]
    return _SPLIT_OF[last.group().lower()], f"{name[: last.start()]}*{name[last.end() :]}".lower()


def says_only_a_split(name: str) -> bool:
    """Whether a name is a word for a split and nothing else, except numbers: train, val2017."""
    found = split_of(name)
    return found is not None and _NUMBERS.sub("", found[1]) == "*"


def split_of_path(path: Path) -> str | None:
    """The split of a file or folder: by its name, or else by that of its folder, if that is only the word.

    Many data sets are in a folder with a name like my_test.
    """
    own, above = split_of(path.name), split_of(path.absolute().parent.name)
    if own is not None:
        return own[0]
    return above[0] if above is not None and says_only_a_split(path.absolute().parent.name) else None


def by_split(paths: Iterable[Path], name: Callable[[Path], str] = lambda path: path.name) -> dict[str, dict[str, Path]]:
    """Files or folders whose names differ only in the word for the split: {"instances_*.json": {"train": …, "val": …}}.

    If two of them mean the same split, such as val/ and valid/, or train.txt and trainval.txt, the one with the more
    usual word is chosen.
    """
    groups: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(paths):
        if found := split_of(name(path)):
            split, rest = found
            groups.setdefault(rest, {}).setdefault(split, []).append(path)

    return {
        rest: {split: min(found[split], key=lambda path: _rank(name(path))) for split in SPLITS if split in found}
        for rest, found in groups.items()
    }


def set_apart(paths: Iterable[Path]) -> tuple[dict[str, Path], list[Path]]:
    """Assign files or folders to splits, and return the rest: those of no split, or of one already assigned.

    From train/, train_extra/, val/ and dev/, train/ and val/ are chosen. Numbers are ignored if there is no ambiguity:
    training_set/ and test_set_1/ belong together.

    Raises:
        ValueError: several mean the same split, such as train_1/ and train_2/.
    """
    paths = sorted(paths)
    found = {path: words for path in paths if (words := split_of(path.name))}
    alike = Counter(rest for _, rest in found.values())
    families: dict[str, dict[str, list[Path]]] = {}
    for path, (split, rest) in found.items():
        families.setdefault(_NUMBERS.sub("", rest), {}).setdefault(split, []).append(path)
    family = _family(families)

    def preference(path: Path) -> tuple[int, int]:  # a more usual word, or more files that differ only in the word
        return _rank(path.name), -alike[found[path][1]]

    chosen: dict[str, Path] = {}
    for split in filter(family.get, SPLITS):
        first, *others = sorted(family[split], key=preference)
        if others and preference(first) == preference(others[0]):
            raise _ambiguous(split, first, others[0])
        chosen[split] = first
    for split in SPLITS:  # one that is named differently: "Training data", "Validation-set" and "TEST"
        others = [path for path, (of, _) in found.items() if of == split and split not in chosen]
        if len(others) > 1:
            raise _ambiguous(split, *others[:2])
        if others:
            chosen[split] = others[0]
    ordered = {split: chosen[split] for split in SPLITS if split in chosen}
    return ordered, [path for path in paths if path not in chosen.values()]


def _family(families: Mapping[str, dict[str, list[Path]]]) -> dict[str, list[Path]]:
    """Of groups of files or folders with the same rest of their names, the one with the most splits."""
    most = max(map(len, families.values()), default=0)
    largest = {rest: family for rest, family in families.items() if len(family) == most}
    plain = [family for rest, family in largest.items() if rest.partition(".")[0] == "*"]
    if not plain and len(largest) > 1 and most > 1:
        one, other, *_ = largest.values()
        split = next(split for split in SPLITS if split in one and split in other)  # two of three and two of three
        raise _ambiguous(split, one[split][0], other[split][0])
    return next(iter(plain or largest.values()), {})


def _ambiguous(split: str, first: Path, second: Path) -> ValueError:
    return ValueError(f"{first.name} and {second.name} in {first.parent} both mean {split}; merge them or rename one")


def _rank(name: str) -> int:
    """How usual the word for the split in a name is: 0 for the most usual."""
    word = list(_WORD.finditer(name))[-1].group().lower()
    return WORDS[_SPLIT_OF[word]].index(word)


def every_fifth(items: Sequence[Any], split: str, source: str | Path, name: Callable[[Any], str] = str) -> list[Any]:
    """A fixed split for data that comes without one: every fifth item for "val", the other four for "train".

    Copies that a tool made by augmentation, a.rf.1f0e.jpg and a.rf.77c2.jpg, count as one item, because a copy of a
    training image says nothing about images that were never seen.

    Args:
        name: a function that returns an item's file name.

    Raises:
        ValueError: the split is neither.
    """
    if split not in ("train", "val"):
        raise ValueError(f"{source} has no split {split!r}; it was divided into train and val")
    places: dict[str, int] = {}
    place = [places.setdefault(name(item).partition(".rf.")[0], len(places)) for item in items]
    return [item for i, item in zip(place, items, strict=True) if (i % 5 == 0) == (split == "val")]


def spread(length: int, most: int) -> list[int]:
    """Indices spread evenly over a sequence: all of them, or `most`, with the first and the last."""
    count = min(length, most)
    return [round(i * (length - 1) / max(count - 1, 1)) for i in range(count)]
