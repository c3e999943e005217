"""Train, val and test: the words that mean them in names of files and folders, and the division of data without them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

SPLITS = ("train", "val", "test")
# The first word of each row is preferred, where a data set has several.
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
    """The split that a name speaks of, and the name with a star for the word; None if it speaks of none.

    "instances_valid2017.json" → ("val", "instances_*2017.json"). The last such word counts.
    """
    if not (words := list(_WORD.finditer(name))):
        return None
    last = words[-1]
    return _SPLIT_OF[last.group().lower()], f"{name[: last.start()]}*{name[last.end() :]}".lower()


def says_only_a_split(name: str) -> bool:
    """Whether a name is a word for a split and nothing else, but for numbers: train, val2017."""
    found = split_of(name)
    return found is not None and _NUMBERS.sub("", found[1]) == "*"


def split_of_path(path: Path) -> str | None:
    """The split that a file or folder speaks of: by its name, or else by that of its folder, if it is the word alone.

    Many a data set lies in a folder with a name like my_test.
    """
    own, above = split_of(path.name), split_of(path.absolute().parent.name)
    if own is not None:
        return own[0]
    return above[0] if above is not None and says_only_a_split(path.absolute().parent.name) else None


def by_split(paths: Iterable[Path], name: Callable[[Path], str] = lambda path: path.name) -> dict[str, dict[str, Path]]:
    """Files or folders whose names differ in the word for the split alone: {"instances_*.json": {"train": …, "val": …}}.

    Where two of them mean the same split, such as val/ and valid/, or train.txt and trainval.txt, it is the one with
    the more usual word.
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
    """Which of some files or folders is which split, and those that are left: of no split, or of one that another is.

    Of train/, train_extra/, val/ and dev/ it is train/ and val/. Numbers do not count where they leave no doubt:
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

    def preference(path: Path) -> tuple[int, int]:  # a more usual word, or more files that differ in the word alone
        return _rank(path.name), -alike[found[path][1]]

    chosen: dict[str, Path] = {}
    for split in filter(family.get, SPLITS):
        first, *others = sorted(family[split], key=preference)
        if others and preference(first) == preference(others[0]):
            raise _ambiguous(split, first, others[0])
        chosen[split] = first
    for split in SPLITS:  # one that is called otherwise: "Training data", "Validation-set" and "TEST"
        others = [path for path, (of, _) in found.items() if of == split and split not in chosen]
        if len(others) > 1:
            raise _ambiguous(split, *others[:2])
        if others:
            chosen[split] = others[0]
    ordered = {split: chosen[split] for split in SPLITS if split in chosen}
    return ordered, [path for path in paths if path not in chosen.values()]


def _family(families: Mapping[str, dict[str, list[Path]]]) -> dict[str, list[Path]]:
    """Of files or folders by what their names say besides the split, those with the most splits."""
    most = max(map(len, families.values()), default=0)
    largest = {rest: family for rest, family in families.items() if len(family) == most}
    plain = [family for rest, family in largest.items() if rest.partition(".")[0] == "*"]
    if not plain and len(largest) > 1 and most > 1:
        one, other, *_ = largest.values()
        split = next(split for split in SPLITS if split in one and split in other)  # two of three and two of three
        raise _ambiguous(split, one[split][0], other[split][0])
    return next(iter(plain or largest.values()), {})


def _ambiguous(split: str, first: Path, second: Path) -> ValueError:
    return ValueError(
        f"{first.name} and {second.name} in {first.parent} both say {split}; put what belongs together into one"
    )


def _rank(name: str) -> int:
    """How usual the word for the split in a name is: 0 for the most usual."""
    word = list(_WORD.finditer(name))[-1].group().lower()
    return WORDS[_SPLIT_OF[word]].index(word)


def every_fifth(items: Sequence[Any], split: str, source: str | Path, name: Callable[[Any], str] = str) -> list[Any]:
    """A fixed split for data that comes without one: every fifth item for "val", the other four for "train".

    Copies that a tool made by augmentation, a.rf.1f0e.jpg and a.rf.77c2.jpg, count as one item, for a copy of a
    training image says nothing about images that were never seen.

    Args:
        name: gives an item's file name.

    Raises:
        ValueError: any other split, which does not exist.
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
