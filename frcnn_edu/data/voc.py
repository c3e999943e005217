"""Data sets in Pascal VOC's layout: one XML file of boxes for each image."""

from collections.abc import Sequence
from pathlib import Path

from .formats.voc import VOC, part_of
from .records import RecordDataset, Transforms


class VOCDetection(RecordDataset):
    """A Pascal VOC folder: JPEGImages/, Annotations/ and ImageSets/Main/<image_set>.txt.

    Also images and XML files side by side, and folders of other names, such as images/ and annotations/.

    Everything is read and checked here, once, so that no epoch ends in the middle; `summary` tells what was repaired
    or left out. Of a JPEG little more than beginning and end is read: that it is damaged in between only shows when
    it is loaded, and the command `check-data` loads them all. `image_id` is the position in the set. Objects marked
    `difficult` get `iscrowd` 1: VOC does not count them, neither when found nor when missed.

    In the files, pixels are counted from 1 and xmax is the last pixel inside, so a box is xmax - xmin + 1 pixels wide.
    Here coordinates run along the edges of pixels, from 0: xmin - 1 is the left edge, and xmax as it stands the right.

    An image is left out if it lacks its annotation or has one that is no well-formed XML or has a document type
    declaration, which could make it expand without end or name other files. Names in an image set are looked up among
    the files of the two folders, so none can lead out of them.

    Args:
        root: the folder that holds the three.
        image_set: a file's name in ImageSets/Main without its .txt. Where there is no such folder, "train" and "val"
            are made: every fifth image, in the order of names, is for validation.
        classes: the names of the labels from 1 on, with or without a leading "background"; boxes of other classes are
            left out. By default all names in Annotations, sorted, so that every set of a folder has the same.
        transforms: called with (image, target), returns both, changed.
        strict: stop at anything that has to be left out. What can be repaired, and classes that were not asked for,
            are no reason to.

    Raises:
        ValueError: a folder, the image set or its images do not exist; with `strict`, something was left out.
    """

    def __init__(
        self,
        root: str | Path,
        image_set: str = "train",
        classes: Sequence[str] | None = None,
        transforms: Transforms | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(root, VOC, part_of(Path(root), image_set), classes, transforms, strict)
