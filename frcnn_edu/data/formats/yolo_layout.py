"""The layouts of YOLO data sets."""

from itertools import islice
from pathlib import Path

from ..names import folded
from ..splits import says_only_a_split, set_apart
from .annotated import is_number
from .folders import IMAGE_FOLDERS, child, files_in, folders_in, holds, holds_images, images_in
from .layout import Layout, Part, arranged, divided, listing
from .texts import read_lines
from .yolo import YOLO
from .yolo_files import (
    entries,
    find_names,
    find_yaml,
    is_yaml,
    read_config,
    read_data_file,
    resolve,
)
from .yolo_labels import LABEL_FOLDERS, mirrors

LOOKED_INTO = 10  # folders, for labels


def recognise(path: Path, images: Path | None = None) -> Layout | None:
    """A data.yaml, a folder with one, or images and labels with a list of class names; otherwise None.

    Args:
        images: the folder of the images, if they are elsewhere.

    Raises:
        ValueError: a path in data.yaml does not exist.
    """
    if path.is_file():
        return _from_yaml(path, path, images) if is_yaml(path) else None
    if not path.is_dir():
        return None
    if file := find_yaml(path):
        return _from_yaml(path, file, images)
    if data := next(filter(is_data_file, files_in(path, ".data")), None):
        return _from_data_file(path, data, images)
    labels = child(path, LABEL_FOLDERS)  # LabelImg puts the names among the labels
    names = find_names(path) or (find_names(labels) if labels is not None else None)
    return _by_folders(path, names, images) if names is not None and has_labels(path) else None


def has_labels(path: Path) -> bool:
    """Whether a folder, or one of the first folders in it, or in those, holds files that look like YOLO's labels."""
    inside = folders_in(path)[:LOOKED_INTO]
    below = [folder for each in inside for folder in folders_in(each)[:LOOKED_INTO]]
    return any(looks_like_labels(place) for place in (path, *inside, *below))


def looks_like_labels(folder: Path) -> bool:
    """Whether text files in a folder hold lines of numbers, with a whole number first.

    The first ten that are not empty are checked; beside images, only those with an image's name.
    """
    stems = {folded(image.stem) for image in images_in(folder)}
    files = (file for file in files_in(folder, ".txt") if not stems or folded(file.stem) in stems)
    return any(_is_labels(file) for file in islice(filter(_holds_something, files), 10))


def _holds_something(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except OSError:
        return False


def _is_labels(file: Path) -> bool:
    try:
        words = next(iter(read_lines(file)), "").split()
        return len(words) >= 5 and words[0].isdecimal() and all(map(is_number, words))
    except ValueError:
        return False


def _from_yaml(path: Path, file: Path, images: Path | None) -> Layout:
    """The splits that a data.yaml names; if it names none, those of the folders around it."""
    config = read_config(file)
    if not config.paths:
        return _by_folders(path, file, images)
    home, find = file.parent, resolve if images is None else _labels_of
    places = {
        split: [place for text in entries(value) if (place := find(text, home, config.base))]
        for split, value in config.paths.items()
    }
    lost = {split: value for split, value in config.paths.items() if len(places[split]) < len(entries(value))}
    missed = {*lost} - {"test"} or not any(places.values())  # a test that is not here is not missed
    for split, value in lost.items() if missed else ():
        raise ValueError(
            f"{file} has the line {split}: {value}, but {'not all of that' if places[split] else 'nothing of that name'} is in "
            f"{file.absolute().parent}. Correct the line, or remove it"
        )
    if images is None:
        parts = {split: Part(file, subset=split) for split, found in places.items() if found}
    else:
        parts = {split: _elsewhere(file, images, found) for split, found in places.items() if found}
    return arranged(path, YOLO, file.name, parts, f"{file.name} into {listing(parts)}")


def _labels_of(text: str, home: Path, base: str) -> Path | None:
    """The folder of labels for a folder of images that is elsewhere, or the list of them."""
    place = resolve(text, home, base)
    if place is not None and place.is_file():
        return place
    folders = (
        resolve(mirror.parent.as_posix(), home, base) for mirror in mirrors(Path(text.replace("\\", "/"), "any"))
    )
    return next((folder for folder in folders if folder is not None and looks_like_labels(folder)), None)


def _elsewhere(names: Path, images: Path, sources: list[Path]) -> Part:
    """A part whose images are elsewhere: those of its folders of labels, or of a list."""
    if sources[0].is_file():
        return Part(names, images, listed=sources[0])
    return Part(names, images, labels=tuple(sources))


def is_data_file(file: Path) -> bool:
    """Whether a file is Darknet's obj.data, also true if it cannot be read, so that this is reported."""
    try:
        return bool({"names", "train", "valid"} & {*read_data_file(file)})
    except ValueError:
        return file.name == "obj.data"


def _from_data_file(path: Path, file: Path, images: Path | None) -> Layout:
    """Darknet's: obj.data names the lists of images and the file of names."""
    rows = read_data_file(file)
    names = resolve(rows.get("names", ""), path) if rows.get("names") else find_names(path)
    if names is None or names.is_dir():
        raise ValueError(f"{file} does not name a file with class names that exists")
    keys = {"train": "train", "val": "valid", "test": "test"}
    lists = {split: resolve(rows[key], path) for split, key in keys.items() if rows.get(key)}
    parts = {
        split: Part(names, images or path, listed)
        for split, listed in lists.items()
        if listed is not None and listed.is_file()
    }
    if not parts:
        return _by_folders(path, names, images)
    return arranged(path, YOLO, file.name, parts, f"{file.name} into {listing(parts)}")


def _by_folders(path: Path, names: Path, elsewhere: Path | None) -> Layout:
    """Images in images/ or beside their labels, or in folders for the splits, or as lists say."""
    root = path if path.is_dir() else path.parent
    images = child(root, IMAGE_FOLDERS)
    lists, _ = set_apart(file for file in files_in(root, ".txt") if says_only_a_split(file.stem))
    if lists and "train" in lists:
        parts = {split: Part(names, elsewhere or root, listed) for split, listed in lists.items()}
        return arranged(path, YOLO, names.name, parts, listing(file.name for file in lists.values()))
    if elsewhere is not None:
        return _labels_alone(path, root, names, elsewhere)
    for home in filter(None, (images, root)):
        folders, aside = set_apart(folder for folder in folders_in(home) if holds_images(folder))
        if folders:
            splits = {split: Part(names, folder) for split, folder in folders.items()}
            how, by = f"{names.name} and folders for the splits", listing(f"{each.name}/" for each in folders.values())
            return arranged(path, YOLO, how, splits, f"the folders {by}", aside=aside)
    if images_in(root):
        return divided(path, YOLO, f"images and labels side by side, {names.name}", Part(names, root))
    if images is None or not holds_images(images):
        raise ValueError(
            f"{root} holds YOLO labels, but no images beside them or in images/; name their folder with --images FOLDER"
        )
    return divided(path, YOLO, f"{images.name}/, labels/ and {names.name}", Part(names, images))


def _labels_alone(path: Path, root: Path, names: Path, images: Path) -> Layout:
    """Labels in labels/, or in folders for the splits there, with their images elsewhere."""
    labels = child(root, (*LABEL_FOLDERS, *IMAGE_FOLDERS)) or root
    for home in dict.fromkeys((labels, root)):
        folders, aside = set_apart(folder for folder in folders_in(home) if holds(folder, ".txt"))
        if folders:
            splits = {split: Part(names, images, labels=(folder,)) for split, folder in folders.items()}
            by = listing(f"{each.name}/" for each in folders.values())
            return arranged(path, YOLO, f"{names.name}, images elsewhere", splits, f"the folders {by}", aside=aside)
    return divided(path, YOLO, f"{names.name}, images elsewhere", Part(names, images, labels=(labels,)))
