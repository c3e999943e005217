"""The images that a command line names, and the names of their drawings."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..data.names import IMAGE_SUFFIXES, counted, readable

LONGEST_STEM = 180  # bytes of a drawing's name; file systems allow 255, and a temporary name is longer


@dataclass
class ImageFiles:
    """What was found at the paths on a command line.

    Attributes:
        files: the files given, and the images in the folders given, each folder's in alphabetical order.
        problems: one line for each path that leads to no image, and why.
        notes: one line for each folder that also contains something else, such as subfolders that were not searched.
    """

    files: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The files given, and the images directly in the folders given.

    Raises:
        ValueError: one of the paths leads to no image.
    """
    found = search_images(paths)
    if found.problems:
        raise ValueError(found.problems[0])
    return found.files


def search_images(paths: Sequence[Path], *, recursive: bool = False, but: Path | None = None) -> ImageFiles:
    """Find the images that paths lead to, without opening the files.

    Args:
        recursive: whether to search subfolders, too.
        but: a subfolder that is never searched, the output folder.
    """
    found = ImageFiles()
    for path in paths:
        try:
            path.stat()
            if path.is_dir():
                _search_folder(path, recursive, but, found)
            else:
                found.files.append(path)
        except FileNotFoundError:
            found.problems.append(f"there is no file or folder {readable(str(path), 300)}")
        except (OSError, ValueError) as error:  # a name too long, a folder without permission, a zero byte
            why = (getattr(error, "strerror", None) or str(error)).lower()
            found.problems.append(f"{readable(str(path), 300)}: {why}")
    return found


def _search_folder(folder: Path, recursive: bool, but: Path | None, found: ImageFiles) -> None:
    images, others, elsewhere = [], Counter[str](), Counter[Path]()
    errors: list[OSError] = []
    for path in _files_below(folder, but, errors):
        here = recursive or path.parent == folder
        if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith("."):
            others[_kind(path)] += here
        elif here:
            images.append(path)
        else:
            elsewhere[path.parent] += 1
    besides = [counted(count, f"{kind} file") for kind, count in others.most_common() if count]
    if elsewhere:
        in_folders = counted(len(elsewhere), "subfolder")
        besides.insert(0, f"{counted(elsewhere.total(), 'image')} in {in_folders} (--recursive includes them)")
    left_out = ", ".join(besides[:5]) + (", …" if len(besides) > 5 else "")
    name = readable(str(folder), 300)
    found.problems += [f"{readable(str(error.filename), 300)}: {(error.strerror or '').lower()}" for error in errors]
    if not images and not errors:
        found.problems.append(f"the folder {name} holds no image" + (f"; it holds {left_out}" if left_out else ""))
    elif left_out:
        found.notes.append(f"{name}: {counted(len(images), 'image')}; left out: {left_out}")
    found.files += sorted(images)


def _files_below(folder: Path, but: Path | None, errors: list[OSError]) -> Iterator[Path]:
    """All files in a folder and its subfolders, except hidden folders and `but`; links to folders are not followed."""
    for place, folders, names in os.walk(folder, onerror=errors.append):
        here = Path(place)
        folders[:] = [name for name in folders if not name.startswith(".") and not _same(here / name, but)]
        yield from (here / name for name in names)


def _same(folder: Path, other: Path | None) -> bool:
    return other is not None and other.exists() and folder.samefile(other)


def _kind(path: Path) -> str:
    """The kind of a file that is left out."""
    return "hidden" if path.name.startswith(".") else readable(path.suffix.lower(), 12) or "suffixless"


def drawing_names(files: Iterable[Path]) -> list[str]:
    """A name for each drawing, all different on every system: a.jpg → a.png, a second one → a-2.png, A.jpg → A-3.png."""
    names: list[str] = []
    taken: set[str] = set()
    for file in files:
        stem = _plain(file.stem)
        name, number = f"{stem}.png", 2
        while _key(name) in taken:
            name, number = f"{stem}-{number}.png", number + 1
        taken.add(_key(name))
        names.append(name)
    return names


def _key(name: str) -> str:
    """A key that is the same for names that some file systems do not distinguish."""
    return unicodedata.normalize("NFC", name).casefold()


def _plain(stem: str) -> str:
    """A name without control characters, cut to leave room for a suffix."""
    plain = "".join(character if character.isprintable() else "_" for character in stem).encode()
    return plain[:LONGEST_STEM].decode(errors="ignore")  # without half a character at its end
