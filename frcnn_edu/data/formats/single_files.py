"""Formats with the annotations of many images in one file, or in one file for each split."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..splits import by_split, set_apart, split_of
from .folders import ANNOTATION_FOLDERS, child, files_in, folders_in
from .layout import Format, Layout, Part, arranged, divided, listing


def recognise_files(
    path: Path, format: Format, suffix: str, is_one: Callable[[Path], bool], prefer: str = ""
) -> Layout | None:
    """A file of a format, or a folder with one in it, or with one for each split; None if there is none.

    Args:
        suffix: the suffix of such files.
        is_one: a function that decides by a file's beginning whether it is of this format.
        prefer: a word; files of this format with it in their name are preferred.

    Raises:
        ValueError: a folder holds several that are not splits.
    """
    if path.is_file():
        return _named_file(path, format, suffix, is_one) if path.suffix.lower() == suffix and is_one(path) else None
    for folder in (path, child(path, ANNOTATION_FOLDERS)):
        if folder is not None and (files := [file for file in files_in(folder, suffix) if is_one(file)]):
            return _files(path, [file for file in files if prefer in file.name] or files, format)
    return None


def _files(path: Path, files: list[Path], format: Format) -> Layout:
    aside: list[Path] = []
    if len(files) == 1:
        splits = {found[0]: files[0]} if (found := split_of(files[0].name)) else {}
    else:
        splits, aside = _several(path, files, format)
    parts = {split: Part(file) for split, file in splits.items()}
    if not parts or set(parts) == {"train"}:
        return divided(path, format, files[0].name, Part(files[0]))
    names = listing(file.name for file in splits.values())
    return arranged(path, format, "one file per split" if len(parts) > 1 else names, parts, names, aside=aside)


def _several(path: Path, files: list[Path], format: Format) -> tuple[dict[str, Path], list[Path]]:
    """The file for each split, and the files that belong to none.

    Raises:
        ValueError: the names do not decide.
    """
    with suppress(ValueError):
        splits, aside = set_apart(files)
        if "train" not in splits and len(aside) == 1:  # labels.json beside labels_test.json
            splits, aside = {"train": aside[0], **splits}, []
        if len(splits) > 1 and ("train" in splits or not aside):
            return splits, aside
    names = ", ".join(file.name for file in files)
    raise ValueError(f"{path} holds several {format.name} files: {names}; name one of them")


def _named_file(file: Path, format: Format, suffix: str, is_one: Callable[[Path], bool]) -> Layout:
    """The file that was named, with the files of other splits beside it, or in folders beside its own."""
    whole = Part(file)
    splits = companions(file, suffix, is_one)
    if set(splits) <= {"train"}:
        return divided(file, format, file.name, whole)
    one_folder = len({path.parent for path in splits.values()}) == 1
    names = listing(path.name if one_folder else f"{path.parent.name}/{path.name}" for path in splits.values())
    return arranged(file, format, file.name, {split: Part(path) for split, path in splits.items()}, names, whole)


def companions(file: Path, suffix: str, is_one: Callable[[Path], bool]) -> dict[str, Path]:
    """The files of all splits that differ from this one only in the word for the split, including itself.

    The word is looked for in the file's name, then in its folder's: valid/_annotations.coco.json beside
    train/_annotations.coco.json. Empty if there is no such word.
    """
    if found := split_of(file.name):
        split, rest = found
        others = by_split(path for path in files_in(file.parent, suffix) if path == file or is_one(path)).get(rest, {})
        return others | {split: file}
    folder = file.absolute().parent
    if found := split_of(folder.name):
        split, rest = found
        same = [path / file.name for path in folders_in(folder.parent) if (path / file.name).is_file()]
        others = by_split(same, name=lambda path: path.parent.name).get(rest, {}) | {split: file}
        return others if len(others) > 1 else {}  # many folders have names like my_test
    return {}
