"""Find the image file of each annotated image."""

from collections.abc import Sequence
from pathlib import Path

from .findings import Findings
from .formats.annotated import Annotated, Reading
from .formats.searching import search
from .splits import split_of_path

Located = list[tuple[Annotated, Path | None]]


def locate(images: Sequence[Annotated], reading: Reading, findings: Findings, within: Path | None = None) -> Located:
    """Return each image with its file, if it has one; note the others.

    A file that an annotation names exactly belongs to it: no annotation whose own file is missing gets it.

    Args:
        within: the folder of a split; images elsewhere belong to other splits. An image without a file is reported with
            the training split.
    """
    finder = reading.finder
    exact = {image.name: finder.as_written(image.name) for image in reading.images if finder and image.path is None}
    taken = {path for path in (*exact.values(), *(image.path for image in reading.images)) if path is not None}
    names = [image.name for image in images if image.path is None and not image.problem and not exact.get(image.name)]
    searched = {} if finder is None else search(names, finder, taken)
    located: Located = []
    for image in images:
        path, notes = searched.get(image.name, (None, Findings()))
        path = image.path or exact.get(image.name) or path
        if within is None or _lies_in(within, path):
            findings.merge(notes)
            located.append((image, path))
        elif path is not None and path.parent == within.parent and split_of_path(within) == "train":
            findings.leave_out("images left out, not in the folder of a split", path.name)
    return located


def _lies_in(folder: Path, path: Path | None) -> bool:
    return folder in path.parents if path is not None else split_of_path(folder) == "train"
