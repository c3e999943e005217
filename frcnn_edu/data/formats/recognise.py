"""From a path that a user names to a data set: every format is asked, then the folders in it."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..findings import Findings
from ..splits import LISTS, by_split, set_apart, split_of
from . import coco, cvat, label_studio, labelme, tables, via, voc, yolo_layout
from .annotated import Reading
from .folders import ANNOTATION_FOLDERS, IMAGE_FOLDERS, child, files_in, folders_in, images_in, suffix_counts
from .json_files import JSON_KINDS
from .layout import Format, Layout, Part, arranged, divided, listing

UNDERSTOOD = (
    "Pascal VOC, COCO, YOLO (with data.yaml or classes.txt), CSV tables (TensorFlow, RetinaNet, Open Images), "
    "labelme, VGG Image Annotator, Label Studio, CVAT for images, the folder PennFudanPed"
)


def _penn_fudan(path: Path) -> Layout | None:
    if not (path / "PedMasks").is_dir():
        return None
    return divided(path, PENN_FUDAN, "images and masks", Part(path / "PedMasks", path / "PNGImages"))


def _read_penn_fudan(part: Part, findings: Findings) -> Reading:
    from ..penn_fudan import read_masks

    return read_masks(part, findings)


PENN_FUDAN = Format("Penn-Fudan", _read_penn_fudan)


def _recognisers(images: Path | None) -> list[Callable[[Path], Layout | None]]:
    """One for each format, in the order they are asked; those of a file for each image may do without the images."""
    return [
        partial(voc.recognise, images=images),
        _penn_fudan,
        partial(yolo_layout.recognise, images=images),
        coco.recognise,
        cvat.recognise,
        via.recognise,
        label_studio.recognise,
        labelme.recognise,
        tables.recognise,
    ]


def recognise(path: Path, images: Path | None = None) -> Layout:
    """The data set at a path.

    Args:
        images: the folder of its images, where they are elsewhere.

    Raises:
        ValueError: there is none, or several and nothing tells which is meant; says what was found.
    """
    if not path.exists():
        raise ValueError(
            f'no data set at {str(path)!r}: nothing of that name exists, and the only one built in is "shapes"'
        )
    if images is not None and not images_in(images):
        images = child(images, IMAGE_FOLDERS) or images
    layout = _at(path, images) or _in_folders(path, images)
    if layout is None:
        raise ValueError(_nothing_at(path))
    return layout if images is None else layout.with_images(images)


def _at(path: Path, images: Path | None) -> Layout | None:
    """The data set right at a path, by the first that recognises one; of a folder, with what others see in it."""
    found: Layout | None = None
    others: list[str] = []
    for ask in _recognisers(images):
        if found is None:
            found = ask(path)
        elif path.is_dir():
            with suppress(ValueError):
                others += [layout.title] if (layout := ask(path)) is not None else []
    return replace(found, others=tuple(others)) if others and found is not None else found


def _in_folders(path: Path, images: Path | None) -> Layout | None:
    """Folders for the splits, each a data set of its own; or the one folder inside, which archives often add."""
    folders = folders_in(path)
    layouts = {folder: layout for folder in folders if (layout := _at(folder, images) or _only_splits(folder, images))}
    return _splits(path, layouts) or _joined(path, layouts) or _only_one(path, layouts)


def _splits(path: Path, layouts: dict[Path, Layout]) -> Layout | None:
    """Folders called after splits."""
    wholes = {folder: layout.whole for folder, layout in layouts.items() if layout.whole is not None}
    splits, aside = set_apart(wholes)
    named = any(folder.name.strip("0123456789_-").lower() in LISTS for folder in splits.values())
    formats = {layouts[folder].format.name for folder in splits.values()}
    if len(formats) != 1 or not (len(splits) > 1 or named):  # many a folder has a name like my_test
        return None
    first = layouts[next(iter(splits.values()))]
    names = listing(f"{folder.name}/" for folder in splits.values())
    parts = {split: wholes[folder] for split, folder in splits.items()}
    return arranged(path, first.format, first.how, parts, f"the folders {names}", aside=aside)


def _joined(path: Path, layouts: dict[Path, Layout]) -> Layout | None:
    """Folders of images and annotations side by side, one for each class, say, taken together."""
    if len(layouts) < 2 or {layout.how for layout in layouts.values()} not in ({voc.BESIDE}, {labelme.BESIDE}):
        return None
    first = next(iter(layouts.values()))
    whole = Part(path, path) if first.format is voc.VOC else Part(path)
    return divided(path, first.format, f"{first.how} in {len(layouts)} folders", whole)


def _only_one(path: Path, layouts: dict[Path, Layout]) -> Layout | None:
    if len(layouts) > 1:
        names = " or ".join(str(layout.path) for layout in layouts.values())
        raise ValueError(f"{path} holds several data sets; did you mean {names}?")
    return next(iter(layouts.values()), None)


def _only_splits(folder: Path, images: Path | None) -> Layout | None:
    inside = folders_in(folder)
    return _in_folders(folder, images) if by_split(inside) or len(inside) == 1 else None


def _nothing_at(path: Path) -> str:
    """What there is at a path instead of a data set, and what would be one."""
    if path.is_file():
        return f"no data set at {str(path)!r}: {_about_file(path)} Formats understood: {UNDERSTOOD}"
    found = f"no data set at {str(path)!r}: found {suffix_counts(path)}"
    if (above := _above(path)) is not None:
        return f"{found}. Did you mean the folder above, {above.path} ({above.title})?"
    if (images := child(path, ("jpegimages",))) is not None and child(path, ("annotations",)) is None:
        found += f"; beside {images.name}/ it has no folder Annotations"
    elif hidden := [file.name for file in files_in(path) if not os.access(file, os.R_OK)]:
        found += f"; there is no permission to read {hidden[0]}"
    elif voc.has_annotations(path, below=False):
        found += "; the xml files are Pascal VOC's, but their images are not here: --images FOLDER says where they are"
    elif yolo_layout.has_labels(path):
        files = files_in(path, ".yaml", ".yml")
        found += "; these are labels of YOLO without the names of their classes: " + (
            f"add a line to {files[0].name}, such as names: [cat, dog]"
            if files
            else "add data.yaml, or classes.txt with one name a line"
        )
    elif files := files_in(path, ".yaml", ".yml"):
        found += f"; {files[0].name} has no names of classes, so it is no YOLO data set"
    elif files_in(path, ".zip", ".tar", ".gz", ".7z", ".rar"):
        found += "; unpack the archive, then give its folder"
    elif images_in(path) or any(images_in(folder) for folder in folders_in(path)):
        found += "; there are images, but no annotations of them"
    return f"{found}. Formats understood: {UNDERSTOOD}"


def _above(path: Path) -> Layout | None:
    """The data set of which a folder is a part, if that is what it is called: images, annotations, or a split."""
    if path.name.lower() in (*IMAGE_FOLDERS, *ANNOTATION_FOLDERS) or split_of(path.name):
        with suppress(ValueError):
            return _at(path.absolute().parent, None)
    return None


def _about_file(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"):
        return "it is an archive; unpack it, then give its folder."
    if suffix == ".json":
        return f"the json file is none of {', '.join(JSON_KINDS.values())}."
    if suffix == ".csv":
        return "the table needs columns for file name, xmin, ymin, xmax, ymax and class."
    if suffix in (".yaml", ".yml"):
        return "the yaml file names no classes."
    return "a file of this kind holds no data set; give its folder."
