"""Which image file each annotated image is."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

from .findings import Findings
from .formats.annotated import Annotated, Reading
from .formats.finder import ImageFinder
from .formats.folders import images_in
from .splits import split_of_path

Located = list[tuple[Annotated, Path | None]]


def locate(images: Sequence[Annotated], reading: Reading, findings: Findings, within: Path | None = None) -> Located:
    """Each image with its file, if it has one; notes on the others.

    A file that an annotation names as it is, is that annotation's: no other one gets it because its own is missing.

    Args:
        within: the folder of a split; images elsewhere are those of other splits. One without a file is reported with the
            split for training.
    """
    finder = reading.finder
    exact = {image.name: finder.as_written(image.name) for image in reading.images if finder and image.path is None}
    taken = {path for path in (*exact.values(), *(image.path for image in reading.images)) if path is not None}
    names = [image.name for image in images if image.path is None and not image.problem and not exact.get(image.name)]
    searched = {} if finder is None else _search(names, finder, taken)
    located: Located = []
    for image in images:
        path, notes = searched.get(image.name, (None, Findings()))
        path = image.path or exact.get(image.name) or path
        if within is None or _lies_in(within, path):
            findings.merge(notes)
            located.append((image, path))
        elif path is not None and path.parent == within.parent and split_of_path(within) == "train":
            findings.leave_out("images left out, in no folder of a split", path.name)
    return located


def _lies_in(folder: Path, path: Path | None) -> bool:
    return folder in path.parents if path is not None else split_of_path(folder) == "train"


def _search(
    names: Sequence[str], finder: ImageFinder, taken: Collection[Path]
) -> dict[str, tuple[Path | None, Findings]]:
    """The files for names that are not there as they are written, each with what is to be noted of it.

    Of several names that lead to one file it is that of the name which agrees with it in the most folders. No file is taken
    from a folder whose files go by the names of others that are found, such as their masks, or what another camera saw.
    """
    stems = {path.stem.casefold() for path in taken}

    @cache
    def is_parallel(folder: Path) -> bool:
        inside = [path.stem.casefold() in stems for path in images_in(folder) if path not in taken]
        return 2 * sum(inside) >= len(inside)

    found: dict[str, tuple[Path | None, Findings]] = {}
    claims: dict[Path, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        notes = Findings()
        path = finder.find(name, notes, taken)
        if path is not None and len(stems) and is_parallel(path.parent):
            path, notes = None, _left_out("images left out, no file", name)
        elif path is not None:
            claims[path].append(name)
        found[name] = path, notes
    for path, claimed in claims.items():
        owner = max(claimed, key=lambda name: finder.agreement(path, name))  # used at once
        for name in claimed:
            if name != owner:
                found[name] = None, _left_out("images left out, their file is another one's", name)
    return found


def _left_out(what: str, name: str) -> Findings:
    notes = Findings()
    notes.leave_out(what, name)
    return notes
