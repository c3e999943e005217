"""Messages about data sets in formats that are not read: what one file looks like, and the shortest remedy."""

from pathlib import Path

from ..names import IMAGE_SUFFIXES, readable
from ..splits import split_of
from .folders import IMAGE_FOLDERS, child, files_in, folders_in, images_in
from .foreign_formats import FOREIGN, format_of
from .json_files import HEAD, beginning

DEEPEST, MOST_FOLDERS, OF_EACH_KIND = 4, 200, 3  # limits of the search: the data set may have a million files
BEGINNING = 40  # characters of a file that are shown
MASK_FOLDERS = ("masks", "mask", "segmentationclass", "segmentationobject", "segmentations", "gtfine")
ANNOTATION_SUFFIXES = (".json", ".jsonl", ".ndjson", ".xml", ".csv", ".tsv", ".txt")
NO_ANNOTATIONS = ("readme", "license", "licence", "requirements", "changelog", "notice")


def about_foreign(path: Path) -> str | None:
    """What a file or folder looks like that holds no data set in a format that is read; None if unknown.

    Returns:
        Part of a sentence that names one file, what it looks like, and what to do.
    """
    folders = _folders(path)
    files = [path] if path.is_file() else [file for folder in folders for file in _some_files(folder)]
    heads = {file: beginning(file, HEAD) for file in files}
    found = {file: foreign for file in files if (foreign := format_of(file.suffix, heads[file])) is not None}
    if found:
        file = min(found, key=lambda file: FOREIGN.index(found[file]))
        name = _name(file, path)
        if not found[file].signs:
            return f"{name} is {found[file].what}; {found[file].way_out}"
        return f"{name} {_beginning(heads[file])} and looks like {found[file].what}; {found[file].way_out}"
    if path.is_file():
        return None
    return _about_masks(path, folders) or _about_class_folders(path, folders, files)


def an_example(path: Path) -> str | None:
    """How a file in a folder that could be annotations begins; None if there is none."""
    for folder in _folders(path):
        for file in _some_files(folder):
            if _may_be_annotations(file) and (head := beginning(file, HEAD)).strip():
                return f"{_name(file, path)}, for example, {_beginning(head)}"
    return None


def _about_masks(path: Path, folders: list[Path]) -> str | None:
    for folder in folders:
        masks = child(folder, MASK_FOLDERS)
        if masks is not None and (image := next(iter(images_in(masks) or _first_below(masks)), None)) is not None:
            return (
                f"{_name(image, path)} looks like a mask for segmentation; if each object has its own number, "
                "torchvision.ops.masks_to_boxes turns masks into boxes"
            )
    return None


def _first_below(folder: Path) -> list[Path]:
    return next((images for inside in folders_in(folder) if (images := images_in(inside))), [])


def _about_class_folders(path: Path, folders: list[Path], files: list[Path]) -> str | None:
    """About folders of images, if nothing else could be annotations."""
    if any(_may_be_annotations(file) for file in files):
        return None
    usual = [folder for folder in folders if folder != path and images_in(folder)]
    named = [folder for folder in usual if folder.name.lower() not in IMAGE_FOLDERS and split_of(folder.name) is None]
    names = sorted({folder.name for folder in named})
    if len(names) < 2 or len(named) < len(usual):
        return None
    listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    example = _name(images_in(named[0])[0], path)
    return (
        f"there are images in folders ({readable(listed)}), such as {example}, but no annotations; if the folders are "
        "classes, it is a data set for classification, which has no boxes: draw them with an annotation tool"
    )


def _folders(path: Path) -> list[Path]:
    """The folder and those in it, from the outside in; none if it is a file."""
    if not path.is_dir():
        return []
    found, layer = [path], [path]
    for _ in range(DEEPEST):
        layer = [inside for folder in layer for inside in folders_in(folder)][:MOST_FOLDERS]
        found += layer
    return found[:MOST_FOLDERS]


def _some_files(folder: Path) -> list[Path]:
    """The first files of each kind in a folder, without images."""
    kinds: dict[str, list[Path]] = {}
    for file in files_in(folder):
        if file.suffix.lower() not in IMAGE_SUFFIXES:
            kinds.setdefault(file.suffix.lower(), []).append(file)
    return [file for kind in kinds.values() for file in kind[:OF_EACH_KIND]]


def _may_be_annotations(file: Path) -> bool:
    return file.suffix.lower() in ANNOTATION_SUFFIXES and not file.name.lower().startswith(NO_ANNOTATIONS)


def _name(file: Path, path: Path) -> str:
    """The file's path, relative to the folder that was named."""
    return readable(file.name if file == path else file.relative_to(path).as_posix())


def _beginning(head: str) -> str:
    text = " ".join(head[: 10 * BEGINNING].split())
    return f"begins with '{readable(text, BEGINNING)}'"
