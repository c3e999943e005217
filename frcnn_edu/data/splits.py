"""Train, val and test: which files or images of a data set belong to which."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SPLITS = ("train", "val", "test")


def coco_split(file: Path, split: str) -> tuple[Path, str | None]:
    """Which COCO file holds a split, and which part of it ("train", "val", or None for all).

    The split's own file is the one whose name differs in the split's name alone: instances_val2017.json beside
    instances_train2017.json. A file without such a companion for validation is divided: every fifth image is for "val".

    Raises:
        ValueError: there is no file for this split.
    """
    words = list(re.finditer("(?<![a-z])(train|val|test)(?![a-z])", file.stem, re.IGNORECASE))
    files = {"train": file}  # which splits have a file of their own; without a split's name, one to be divided
    wanted = file
    if words:
        head, tail = file.stem[: words[-1].start()], file.stem[words[-1].end() :]
        companions = {name: file.with_name(f"{head}{name}{tail}{file.suffix}") for name in SPLITS}
        companions[words[-1].group().lower()] = file
        files = {name: path for name, path in companions.items() if path.is_file()}
        wanted = companions[split]
    if "train" in files and "val" not in files and split != "test":
        return files["train"], split
    if split not in files:
        raise ValueError(f"{file} has no split {split!r}" + (f": there is no {wanted}" if words else ""))
    return files[split], None


def every_fifth(items: Sequence[Any], split: str, source: str | Path) -> list[Any]:
    """A fixed split for data that comes without one: every fifth item for "val", the other four for "train".

    Raises:
        ValueError: any other split, which does not exist.
    """
    if split not in ("train", "val"):
        raise ValueError(f"{source} has no split {split!r}; it was divided into train and val")
    return [item for i, item in enumerate(items) if (i % 5 == 0) == (split == "val")]
