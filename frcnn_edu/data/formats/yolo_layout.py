"""The arrangements in which YOLO data sets come."""

from pathlib import Path

from ..splits import by_split
from .folders import IMAGE_FOLDERS, all_images, child, files_in, folders_in, images_in
from .layout import Layout, Part, arranged, divided, listing
from .yolo import YOLO, read_lines
from .yolo_files import (
    entries,
    find_names,
    find_yaml,
    is_yaml,
    read_config,
    read_data_file,
    resolve,
)


def recognise(path: Path) -> Layout | None:
    """A data.yaml, a folder with one, or images and labels with a list of class names; None if it is none of them.

    Raises:
        ValueError: what data.yaml names is not there.
    """
    if path.is_file():
        return _from_yaml(path, path) if is_yaml(path) else None
    if not path.is_dir():
        return None
    if file := find_yaml(path):
        return _from_yaml(path, file)
    if data := next(iter(files_in(path, ".data")), None):
        return _from_data_file(path, data)
    labels = child(path, ("labels",))
    names = find_names(path) or (
        find_names(labels) if labels is not None else None
    )  # LabelImg puts it among the labels
    return _by_folders(path, names) if names is not None and has_labels(path) else None


def has_labels(path: Path) -> bool:
    """Whether a folder, its labels/, or a folder in that, holds files that look like YOLO's labels."""
    labels = child(path, ("labels",))
    places = [path] if labels is None else [path, labels, *folders_in(labels)]
    return any(looks_like_labels(place) for place in places)


def looks_like_labels(folder: Path) -> bool:
    """Whether text files in a folder hold lines of numbers, the first of them a whole one: the first ten are looked at."""
    for file in files_in(folder, ".txt")[:10]:
        try:
            lines = read_lines(file)
        except ValueError:
            continue
        words = lines[0].split() if lines else []
        if len(words) >= 5 and words[0].isdecimal() and all(_is_number(word) for word in words):
            return True
    return False


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _from_yaml(path: Path, file: Path) -> Layout:
    """The splits that a data.yaml names; where it names none, those of the folders around it."""
    config = read_config(file)
    if not config.paths:
        return _by_folders(path, file)
    places = {
        split: [place for text in entries(value) if (place := resolve(text, file.parent, config.base))]
        for split, value in config.paths.items()
    }
    lost = [split for split, found in places.items() if not found]
    if len(lost) == len(places) or {*lost} & {"train", "val"}:  # a test that is not here is not missed
        split = lost[0]
        value = config.paths[split]
        raise ValueError(f"{file} says {split}: {value}; nothing of that name is in {file.absolute().parent}")
    parts = {split: Part(file, subset=split) for split, found in places.items() if found}
    return arranged(path, YOLO, file.name, parts, f"{file.name} into {listing(parts)}")


def _from_data_file(path: Path, file: Path) -> Layout:
    """Darknet's: obj.data names the lists of images and the file of names."""
    rows = read_data_file(file)
    names = resolve(rows.get("names", ""), path) if rows.get("names") else find_names(path)
    if names is None or names.is_dir():
        raise ValueError(f"{file} names no file with the names of the classes")
    keys = {"train": "train", "val": "valid", "test": "test"}
    lists = {split: resolve(rows[key], path) for split, key in keys.items() if rows.get(key)}
    parts = {
        split: Part(names, path, listed) for split, listed in lists.items() if listed is not None and listed.is_file()
    }
    if not parts:
        return _by_folders(path, names)
    return arranged(path, YOLO, file.name, parts, f"{file.name} into {listing(parts)}")


def _by_folders(path: Path, names: Path) -> Layout:
    """Images in images/ or beside their labels, or in folders for the splits."""
    root = path if path.is_dir() else path.parent
    images = child(root, IMAGE_FOLDERS)
    for home in filter(None, (images, root)):
        groups = by_split(folder for folder in folders_in(home) if all_images(folder))
        if groups:
            splits = {split: Part(names, folder) for found in groups.values() for split, folder in found.items()}
            folders = listing(f"{part.images.name}/" for part in splits.values())  # type: ignore[union-attr]
            return arranged(path, YOLO, f"{names.name} and folders for the splits", splits, f"the folders {folders}")
    if images_in(root):
        return divided(path, YOLO, f"images and labels side by side, {names.name}", Part(names, root))
    if images is None or not all_images(images):
        raise ValueError(
            f"{root} holds labels of YOLO, but no images beside them or in images/; --images FOLDER says where they are"
        )
    return divided(path, YOLO, f"{images.name}/, labels/ and {names.name}", Part(names, images))
