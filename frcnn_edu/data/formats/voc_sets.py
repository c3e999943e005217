"""VOC's image sets: text files that list the images for training and so on."""

import re
from pathlib import Path

from ..findings import Findings
from ..names import IMAGE_SUFFIXES, composed, folded, leaves_folder
from ..splits import says_only_a_split, set_apart
from .folders import ANNOTATION_FOLDERS, child, files_in
from .texts import text_of


def image_sets(root: Path) -> dict[str, Path]:
    """The image sets of a VOC folder by their names; empty if it has none.

    If there is no folder for them, lists such as train.txt are among the annotations, or beside their folder.
    """
    for folder in (root / "ImageSets" / "Main", root / "ImageSets"):
        if files := files_in(folder, ".txt"):
            return {file.stem: file for file in files}
    for folder in filter(None, (root, child(root, ANNOTATION_FOLDERS))):
        if files := [file for file in files_in(folder, ".txt") if says_only_a_split(file.stem)]:
            return {file.stem: file for file in files}
    return {}


def splits_of(sets: dict[str, Path]) -> dict[str, Path]:
    """Those of the image sets that are splits: "valid", but not "dog_val", which is for one class."""
    return set_apart(file for name, file in sets.items() if says_only_a_split(name))[0]


def read_image_set(file: Path, existing: set[str], findings: Findings) -> list[str]:
    """The names in an image set."""
    by_file: dict[str, list[str]] = {}
    for name in existing:
        by_file.setdefault(folded(name.rpartition("/")[2]), []).append(name)
    lines = [composed(line.strip()) for line in text_of(file).splitlines()]
    return list(dict.fromkeys(_listed_name(line, existing, by_file, findings) for line in lines if line))


def _listed_name(line: str, existing: set[str], by_file: dict[str, list[str]], findings: Findings) -> str:
    """The name that a line of an image set means: VOC has it without suffix and folders.

    Args:
        by_file: the existing names by their last part, in lower case.
    """
    name = line
    # VOC's sets for one class have a second column of -1, 0 or 1, other lists more columns; a name may hold spaces.
    while name:
        if name in existing or leaves_folder(name):
            return name
        bare = _bare(name)
        meant = [bare] if bare in existing else by_file.get(folded(bare), [])
        if len(meant) == 1:
            findings.repair("names in image sets, matched without suffix or in a different folder or spelling", name)
            return meant[0]
        name, *column = re.split(r"\s+(?=-?\d+$)", name)
        if not column:
            break
    return line


def _bare(name: str) -> str:
    """A name without folders in front, and without the suffix of an image or annotation."""
    path = Path(name.replace("\\", "/"))
    return path.name.removesuffix(path.suffix) if path.suffix.lower() in (*IMAGE_SUFFIXES, ".xml") else path.name
