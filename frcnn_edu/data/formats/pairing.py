"""Which folders of annotations can belong to which folders of images."""

from collections.abc import Collection
from pathlib import PurePath

from ..splits import split_of


def splits_in(folder: str | PurePath) -> set[str]:
    """The splits that the folders of a path, such as "cards/train", mean."""
    return {found[0] for part in PurePath(folder).parts if (found := split_of(part))}


def of_another_split(annotations: str, images: str) -> bool:
    """Whether a folder of annotations and one of images mean different splits."""
    theirs, ours = splits_in(annotations), splits_in(images)
    return bool(theirs) and bool(ours) and not theirs & ours


def can_be_meant(annotations: str, images: str, theirs: Collection[str], ours: Collection[str]) -> bool:
    """Whether images of a folder may have their annotations in a different one, judging by the folders.

    They may if either all images or all annotations are side by side, without folders; otherwise only if neither folder
    has a namesake on the other side, where the missing files would be expected. Many data sets restart their numbering
    in each folder, so that a file's name alone proves nothing.

    Args:
        annotations, images: the two folders, as paths in the folder of all annotations, and in that of all images.
        theirs, ours: the folders of all annotations, and of all images.
    """
    if annotations == images:
        return True
    return {*ours} == {""} or {*theirs} == {""} or not (annotations in ours or images in theirs)
