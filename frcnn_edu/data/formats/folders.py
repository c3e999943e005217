"""Look into folders: what is in one, and which of its folders hold images and annotations."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from ..names import IMAGE_SUFFIXES

MOST_FILES = 500_000  # searched per folder: more than any published data set for detection has
DEEPEST = 12
IMAGE_FOLDERS = ("jpegimages", "images", "image", "imgs", "img", "photos", "data", "obj_train_data")
ANNOTATION_FOLDERS = ("annotations", "annotation", "labels", "label", "xmls", "xml", "json", "jsons", "ann", "anns")


def files_in(folder: Path, *suffixes: str) -> list[Path]:
    """The files directly in a folder, sorted; with suffixes (".xml", lower case), only those files.

    Files whose names begin with a dot are not data: macOS puts a "._a.jpg" beside each a.jpg.
    """
    return _children(folder, suffixes, is_file=True)


def folders_in(folder: Path) -> list[Path]:
    """The folders directly in a folder, sorted; without the one that macOS adds to archives."""
    return [path for path in _children(folder, (), is_file=False) if path.name != "__MACOSX"]


def _children(folder: Path, suffixes: tuple[str, ...], is_file: bool) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [
                entry.name
                for entry in entries
                if _is_meant(entry.name, suffixes) and (entry.is_file() if is_file else entry.is_dir())
            ]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]


def _is_meant(name: str, suffixes: tuple[str, ...]) -> bool:
    return not name.startswith(".") and (not suffixes or os.path.splitext(name)[1].lower() in suffixes)


def images_in(folder: Path) -> list[Path]:
    """The image files directly in a folder, sorted."""
    return files_in(folder, *IMAGE_SUFFIXES)


def all_files(folder: Path, *suffixes: str) -> list[Path]:
    """The files of a folder and of the folders in it, sorted; hidden ones left out.

    Links to folders elsewhere are followed, because large data sets are often assembled from them.
    """
    found = islice(_walk(folder, suffixes), MOST_FILES)
    return [Path(path) for path in sorted(found, key=lambda path: path.split(os.sep))]  # the order of paths, but faster


def holds(folder: Path, *suffixes: str) -> bool:
    """Whether `all_files` finds anything."""
    return next(_walk(folder, suffixes), None) is not None


def _walk(folder: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    seen: set[str] = set()
    start, root = len(folder.parts), os.path.realpath(folder)
    for here, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        leads_back = os.path.islink(here) and here != str(folder) and f"{real}/".startswith(f"{root}/")
        if real in seen or leads_back:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        if len(Path(here).parts) - start >= DEEPEST:
            folders.clear()
        yield from (os.path.join(here, name) for name in names if _is_meant(name, suffixes))


def all_images(folder: Path) -> list[Path]:
    """The image files of a folder and of the folders in it, sorted."""
    return all_files(folder, *IMAGE_SUFFIXES)


def holds_images(folder: Path) -> bool:
    """Whether `all_images` finds anything."""
    return holds(folder, *IMAGE_SUFFIXES)


def child(folder: Path, names: Iterable[str]) -> Path | None:
    """The first folder inside a folder that has one of the names, in any case."""
    there = {path.name.lower(): path for path in reversed(folders_in(folder))}
    return next((there[name] for name in names if name in there), None)


def suffix_counts(folder: Path) -> str:
    """What is directly in a folder, in words: "412 .jpg, 412 .txt and 2 folders (train, valid)"."""
    counts = Counter(path.suffix.lower() or "without a suffix" for path in files_in(folder))
    words = [f"{count} {suffix}" for suffix, count in counts.most_common(4)]
    if rest := sum(counts.values()) - sum(count for _, count in counts.most_common(4)):
        words.append(f"{rest} other files")
    if folders := folders_in(folder):
        named = ", ".join(path.name for path in folders[:4]) + (", …" if len(folders) > 4 else "")
        words.append(f"{len(folders)} folder{'s' * (len(folders) > 1)} ({named})")
    return ", ".join(words) or "nothing"
