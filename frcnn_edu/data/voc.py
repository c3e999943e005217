"""Data sets in Pascal VOC's layout: one XML file of boxes for each image."""

from collections.abc import Sequence
from pathlib import Path

from .formats.voc import VOC, part_of
from .records import RecordDataset, Transforms


class VOCDetection(RecordDataset):
    """A Pascal VOC folder: JPEGImages/, Annotations/ and ImageSets/Main/<image_set>.txt.

    Images and XML files side by side are accepted too, and folders of other names, such as images/ and annotations/.

    Everything is read and checked here, once, so that no epoch ends in the middle; `summary` lists what was repaired or
    left out. Of a JPEG, little more than the beginning and the end is read: damage in between shows only when the image
    is loaded; the command `check-data` loads them all. `image_id` is the position in the set. Objects marked
    `difficult` get `iscrowd` 1: VOC does not count them, whether found or missed.

    In the files, pixels are counted from 1 and xmax is the last pixel inside, so a box is xmax - xmin + 1 pixels wide.
    Here coordinates run along the edges of pixels, from 0: xmin - 1 is the left edge, and xmax is the right one.

    An image is left out if its annotation is missing, is not well-formed XML, or has a document type declaration, which
    could make it expand without end or name other files. Names in an image set are looked up among the files of the two
    folders, so none can lead out of them.

    Args:
        root: the folder that holds the three.
        image_set: the name of a file in ImageSets/Main, without .txt. If there is no such folder, the images are
            divided into "train" and "val": every fifth one, in the order of names, is for validation.
        classes: the names of the labels from 1 on, with or without a leading "background"; boxes of other classes are
            left out. By default all names in Annotations, sorted, so that every set of a folder has the same.
        transforms: a function that maps (image, target) to both, changed.
        strict: whether to raise an error if anything has to be left out. Repairs, and classes that were not asked for,
            do not count.

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
