"""The files of a Pascal VOC folder: images, annotations, and the names in its image sets."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from .findings import Findings
from .names import IMAGE_SUFFIXES
from .splits import every_fifth


def find_images(root: Path) -> dict[str, list[Path]]:
    """The image files of a VOC folder by the names they go by; there are several where only the suffixes differ."""
    images: dict[str, list[Path]] = {}
    for path in _files(root, "JPEGImages"):
        if path.suffix.lower() in IMAGE_SUFFIXES:
            images.setdefault(_key(path), []).append(path)
    return images


def find_annotations(root: Path) -> dict[str, Path]:
    """The annotation files of a VOC folder by the names they go by."""
    return {_key(path): path for path in _files(root, "Annotations") if path.suffix.lower() == ".xml"}


def check_folders(root: Path) -> None:
    """Raises `ValueError` if a VOC folder lacks one of the two that hold images and annotations."""
    for folder in ("JPEGImages", "Annotations"):
        if not (root / folder).is_dir():
            raise ValueError(f"{root} is not a Pascal VOC folder: it has no folder {folder}")


def _files(root: Path, folder: str) -> list[Path]:
    check_folders(root)
    # Names with a dot in front are no data: macOS puts a "._a.jpg" beside each a.jpg.
    return sorted(path for path in (root / folder).iterdir() if path.is_file() and not path.name.startswith("."))


def _key(path: Path) -> str:
    return unicodedata.normalize("NFC", path.stem)  # file systems differ in how they write an accent


def image_sets(root: Path) -> list[str]:
    """The names of a VOC folder's image sets; "train" and "val", to be made, where it has none."""
    folder = root / "ImageSets" / "Main"
    return sorted(path.stem for path in folder.glob("*.txt")) if folder.is_dir() else ["train", "val"]


def read_image_set(root: Path, image_set: str, existing: set[str], findings: Findings) -> list[str]:
    """The names in ImageSets/Main/<image_set>.txt; without that folder, a share of the `existing` ones."""
    folder = root / "ImageSets" / "Main"
    if not folder.is_dir():
        findings.note("images divided into train and val here, 80:20", f"no {folder}", len(existing))
        return every_fifth(sorted(existing), image_set, root)
    sets = image_sets(root)
    if image_set not in sets:
        raise ValueError(f"{root} has no image set {image_set!r}; it has {', '.join(sets) or 'none'}")
    try:
        text = (folder / f"{image_set}.txt").read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {folder / image_set}.txt as text: {error}") from error
    lines = [unicodedata.normalize("NFC", line.strip()) for line in text.splitlines()]
    # VOC's sets for one class have a second column of -1, 0 or 1; a name may itself hold spaces.
    names = [line if line in existing else re.sub(r"\s+-?[01]$", "", line) for line in lines if line]
    return list(dict.fromkeys(names))


def unlisted_names(root: Path, sets: Sequence[str]) -> list[str]:
    """Images and annotations, by name, that are in none of these image sets."""
    existing = {*find_images(root), *find_annotations(root)}
    listed = {name for image_set in sets for name in read_image_set(root, image_set, existing, Findings())}
    return sorted(existing - listed)
