"""Data sets in COCO's format: one json file with the boxes of all images, and a folder of image files."""

from collections.abc import Sequence
from pathlib import Path

from .formats.coco import COCO
from .formats.layout import Part
from .records import RecordDataset, Transforms


class CocoDetection(RecordDataset):
    """A COCO json file and its images.

    Everything is read and checked here, once, so that no epoch ends in the middle; `summary` lists what was repaired or
    left out. Of a JPEG, little more than the beginning and the end is read: damage in between shows only when the image
    is loaded; the command `check-data` loads them all. `image_id` is COCO's own. COCO numbers its categories with gaps;
    here labels run from 1 in the order of those numbers. Boxes, [x, y, width, height] in the file, become xyxy; an
    outline without a box becomes the box around it. Crowds are kept, with `iscrowd` 1; `area` is the file's (that of
    the outline) if it has one. An image without annotations counts as one without objects.

    Entries without the required fields are left out. Image files are looked for only inside the folder, whatever their
    names say.

    Args:
        annotation_file: the json file.
        image_folder: the folder of the images. By default they are looked for around the json file: in the folder
            `images`, in the json file's own folder, where COCO's archives put them (annotations/instances_val2017.json
            and val2017/), and then in all folders beside and below.
        classes: the names of the labels from 1 on, with or without a leading "background"; boxes of other classes are
            left out. By default all categories of the file.
        transforms: a function that maps (image, target) to both, changed.
        part: "train" or "val" to use four fifths or one fifth of the images; by default all.
        strict: whether to raise an error if anything has to be left out. Repairs, and classes that were not asked for,
            do not count.

    Raises:
        ValueError: the file is not COCO json; two categories or two images share an id, so that their annotations are
            ambiguous; there are no images; with `strict`, something was left out.
    """

    def __init__(
        self,
        annotation_file: str | Path,
        image_folder: str | Path | None = None,
        classes: Sequence[str] | None = None,
        transforms: Transforms | None = None,
        part: str | None = None,
        strict: bool = False,
    ) -> None:
        folder = None if image_folder is None else Path(image_folder)
        whole = Part(Path(annotation_file), folder, share=part)
        super().__init__(annotation_file, COCO, whole, classes, transforms, strict)
