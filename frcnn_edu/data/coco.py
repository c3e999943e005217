"""Data sets in COCO's format: one json file with the boxes of all images, and a folder of image files."""

from collections.abc import Sequence
from pathlib import Path

from .formats.coco import COCO
from .formats.layout import Part
from .records import RecordDataset, Transforms


class CocoDetection(RecordDataset):
    """A COCO json file and its images.

    Everything is read and checked here, once, so that no epoch ends in the middle; `summary` tells what was repaired
    or left out. Of a JPEG little more than beginning and end is read: that it is damaged in between only shows when
    it is loaded, and the command `check-data` loads them all. `image_id` is COCO's own. COCO numbers its categories with
    gaps; here labels run from 1 in the order of those numbers. Boxes, [x, y, width, height] in the file, become xyxy;
    where there is an outline and no box, the box is made around it. Crowds are kept, with `iscrowd` 1; `area` is the
    file's (that of the outline) where it has one. An image without annotations is one without objects.

    Entries of the file that lack what is needed are left out. Image files are found inside the folder only, whatever
    their names say.

    Args:
        annotation_file: the json file.
        image_folder: where the images are. By default looked for around the json file: in the folder `images`, in the
            json file's own folder, where COCO's archives put them (annotations/instances_val2017.json and val2017/),
            and then in all folders beside and below.
        classes: the names of the labels from 1 on, with or without a leading "background"; boxes of other classes are
            left out. By default all categories of the file.
        transforms: called with (image, target), returns both, changed.
        part: "train" or "val" to use four fifths or one fifth of the images; by default all.
        strict: stop at anything that has to be left out. What can be repaired, and classes that were not asked for,
            are no reason to.

    Raises:
        ValueError: the file is not COCO json; two categories or two images have one id, so that nobody knows whose the
            annotations are; there are no images; with `strict`, something was left out.
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
