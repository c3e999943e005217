"""What there is at a path instead of a data set, what to do about it, and which formats are read."""

import os
from pathlib import Path

from . import voc, yolo_layout
from .folders import ANNOTATION_FOLDERS, all_images, child, files_in, suffix_counts
from .foreign import about_foreign, an_example
from .layout import Layout

UNDERSTOOD = (
    "Pascal VOC, COCO, YOLO (with data.yaml or classes.txt), CSV tables (TensorFlow, RetinaNet, Open Images, SKU-110K, "
    "Make Sense, AutoML), labelme, VGG Image Annotator, Label Studio, CVAT for images, CreateML, Supervisely, Datumaro, "
    "Scalabel (BDD100K), Hugging Face image folders, KITTI, DOTA, VisDrone, the folder PennFudanPed"
)
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")


def nothing_at(path: Path, above: Layout | None) -> str:
    """The message for a path at which there is no data set.

    Args:
        above: the data set of which the path is a part.
    """
    if path.is_file():
        return f"no data set at {str(path)!r}: {_about_file(path)}. Supported formats: {UNDERSTOOD}"
    found = f"no data set at {str(path)!r}: found {suffix_counts(path)}"
    if above is not None:
        return f"{found}. Did you mean the folder above, {above.path} ({above.title})?"
    sentence = _about_folder(path)
    return f"{found}{'; ' if sentence else ''}{sentence}. Supported formats: {UNDERSTOOD}"


def _about_folder(path: Path) -> str:
    """What a folder holds, and what to do; empty if there is nothing to say."""
    if hidden := [file.name for file in files_in(path) if not os.access(file, os.R_OK)]:
        return f"there is no permission to read {hidden[0]}"
    annotations = child(path, ANNOTATION_FOLDERS)
    if voc.has_annotations(path, below=False) or (annotations and voc.has_annotations(annotations)):
        return "the xml files are Pascal VOC's, but their images are not here; name their folder with --images FOLDER"
    yaml = [file.name for file in files_in(path, ".yaml", ".yml")]
    if yolo_layout.has_labels(path):
        way_out = f"add a line to {yaml[0]}, such as names: [cat, dog]" if yaml else "add data.yaml, or classes.txt"
        without = "these are YOLO labels without class names"
        return f"{without}: {way_out}{'' if yaml else ' with one name per line'}"
    if sentence := about_foreign(path):
        return sentence
    if (images := child(path, ("jpegimages",))) is not None and child(path, ("annotations",)) is None:
        return f"there is no folder Annotations beside {images.name}/"
    if yaml:
        return f"{yaml[0]} has no class names, so it is not a YOLO data set"
    if files_in(path, *ARCHIVES):
        return "unpack the archive, then give its folder"
    if (example := an_example(path)) is not None:
        return example
    return "there are images, but no annotations" if all_images(path) else ""


def _about_file(path: Path) -> str:
    """What a file is that holds no data set, and what to do."""
    suffix = path.suffix.lower()
    if suffix in ARCHIVES:
        return "it is an archive; unpack it, then give its folder"
    if sentence := about_foreign(path):
        return sentence
    if suffix == ".json":
        return "it is not the json of any tool known here"
    if suffix == ".jsonl":
        return "a Hugging Face image folder has a file_name and objects in each line of its metadata.jsonl"
    if suffix == ".csv":
        return "the table needs columns for file name, xmin, ymin, xmax, ymax and class"
    if suffix in (".yaml", ".yml"):
        return "the yaml file has no class names"
    return "a file of this kind is not a data set; give its folder"
