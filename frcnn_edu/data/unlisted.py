"""Image files in a data set's folder that are in none of its splits: nothing is trained or evaluated on them."""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .findings import Findings
from .formats.folders import all_images, images_in
from .formats.layout import Layout, Part
from .formats.texts import text_of
from .locating import locate
from .splits import split_of_path


def unlisted_images(layout: Layout, datasets: Mapping[str, Any]) -> list[Path]:
    """Image files of a data set that no split names, without masks and thumbnails, which have an image's name.

    Args:
        datasets: the opened splits, by name. Of the others, only names are read.
    """
    opened = [str(path) for dataset in datasets.values() for path in getattr(dataset, "spoken_of", ())]
    if layout.path.is_dir():
        found = (str(path) for path in all_images(layout.path))
    else:  # other files beside a file may be unrelated
        found = (str(path) for folder in {*map(os.path.dirname, opened)} for path in images_in(Path(folder)))
    unlisted = _others(found, opened)
    for split in layout.splits.keys() - datasets.keys() if unlisted else ():
        unlisted = _others(unlisted, _names_in(layout, layout.splits[split]))
    return [Path(path) for path in sorted(unlisted)]


def _others(found: Iterable[str], known: Iterable[str]) -> list[str]:
    """The files that are not among the known ones and do not have the name of one."""
    known = list(known)
    names = {_stem(path) for path in known}
    others = [path for path in found if _stem(path) not in names or split_of_path(Path(path).parent)]
    real_folder = cache(os.path.realpath)

    def real(path: str) -> str:
        folder, name = os.path.split(path)
        return os.path.realpath(path) if os.path.islink(path) else os.path.join(real_folder(folder), name)

    places = {*map(real, known)} if others else set()
    return [path for path in others if real(path) not in places]


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0].removesuffix("_mask")


def _names_in(layout: Layout, part: Part) -> list[str]:
    """The names of a split's images, if it is not open: from its list, if it has one, else from its annotations."""
    try:
        if part.listed is not None:
            lines = text_of(part.listed).replace("\\", "/").splitlines()
            words = [
                line.split(maxsplit=1)[0] for line in lines if line.strip()
            ]  # Pascal VOC's lists may have "name -1"
            return [f"{name}{suffix}" for name in (*lines, *words) for suffix in ("", ".jpg")]
        reading = layout.format.read(part, Findings())
    except ValueError:  # a split that cannot be used has no images
        return []
    return [str(path or image.name) for image, path in locate(reading.images, reading, Findings())]
