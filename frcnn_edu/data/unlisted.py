"""Image files that lie in a data set's folder and are in none of its splits: no one trains on them or measures them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .collecting import locate
from .findings import Findings
from .formats.folders import DEEPEST, MOST_FILES
from .formats.layout import Layout, Part
from .names import IMAGE_SUFFIXES


def unlisted_images(layout: Layout, datasets: Mapping[str, Any]) -> list[Path]:
    """Image files of a data set that no split speaks of; masks and thumbnails, which have an image's name, left out.

    Args:
        datasets: those of its splits that are open, by name. Of the others only names are read.
    """
    opened = [str(path) for dataset in datasets.values() for path in getattr(dataset, "spoken_of", ())]
    if layout.path.is_dir():
        found = _images_below(str(layout.path))
    else:  # whatever else lies beside a file may have nothing to do with it
        found = (path for folder in {os.path.dirname(path) for path in opened} for path in _images_below(folder, 1))
    unlisted = _others(found, opened)
    for split in layout.splits.keys() - datasets.keys() if unlisted else ():
        unlisted = _others(unlisted, _names_in(layout, layout.splits[split]))
    return [Path(path) for path in sorted(unlisted)]


def _images_below(root: str, deepest: int = DEEPEST) -> Iterator[str]:
    """The image files of a folder and of the folders in it. (Paths as text: to sort 100,000 of pathlib's takes seconds.)"""
    count = 0
    for folder, folders, names in os.walk(root):
        level = len(Path(folder).relative_to(root).parts) + 1
        keep = level < deepest and count <= MOST_FILES
        folders[:] = [name for name in folders if keep and not name.startswith(".") and name != "__MACOSX"]
        for name in names:
            if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith("."):
                count += 1
                yield os.path.join(folder, name)


def _others(found: Iterable[str], known: Iterable[str]) -> list[str]:
    """Those files that are none of the known ones, and do not have the name of one."""
    known = list(known)
    names = {_stem(path) for path in known}
    others = [path for path in found if _stem(path) not in names]
    real_folder = cache(os.path.realpath)

    def real(path: str) -> str:
        return (
            os.path.realpath(path) if os.path.islink(path) else os.path.join(real_folder(os.path.dirname(path)), path)
        )

    places = {*map(real, known)} if others else set()
    return [path for path in others if real(path) not in places]


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0].removesuffix("_mask")


def _names_in(layout: Layout, part: Part) -> list[str]:
    """What a split that is not open calls its images: in its list, if it has one, else in its annotations."""
    if part.listed is not None:
        lines = part.listed.read_text(encoding="utf-8", errors="replace").replace("\\", "/").splitlines()
        words = [line.split(maxsplit=1)[0] for line in lines if line.strip()]  # Pascal VOC's lists may have "name -1"
        return [f"{name}{suffix}" for name in (*lines, *words) for suffix in ("", ".jpg")]
    try:
        reading = layout.format.read(part, Findings())
    except ValueError:  # a split that cannot be used has no images
        return []
    return [str(path or image.name) for image, path in locate(reading.images, reading, Findings())]
