"""The files of a YOLO data set besides its labels: data.yaml, classes.txt, obj.data, and where their paths lead."""

import re
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

import yaml

from .folders import files_in
from .json_files import read_json
from .texts import encoding_of, text_of

# One of these holds the names.
NAMES = ("classes.txt", "_darknet.labels", "obj.names", "notes.json", "labels.txt", "class_names.txt")
MOST_NAMES = 100_000
SPLIT_KEYS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}


@dataclass(frozen=True)
class Config:
    """What a data set declares.

    Attributes:
        names: the names of classes 0, 1, …
        paths: by split, as written: a folder, a text file of names, or several of them.
        base: what the paths are relative to, as written.
        key_points: how many numbers follow each box.
        count: the number of classes, if it is given besides the names.
    """

    names: list[str]
    paths: dict[str, Any] = field(default_factory=dict)
    base: str = ""
    key_points: int = 0
    count: int | None = None


def is_yaml(path: Path) -> bool:
    return path.suffix.lower() in (".yaml", ".yml")


def find_yaml(folder: Path) -> Path | None:
    """The yaml file of a folder that names classes.

    Raises:
        ValueError: there are several.
    """
    files = [file for file in files_in(folder, ".yaml", ".yml") if _has_names(file)]
    if len(files) > 1:
        raise ValueError(
            f"{folder} holds several yaml files with class names: {', '.join(file.name for file in files)}; "
            "name one of them"
        )
    return files[0] if files else None


def _has_names(file: Path) -> bool:
    try:
        content = read_yaml(file)
    except ValueError:
        return file.name == "data.yaml"  # its reader reports what is wrong with it
    return isinstance(content, dict) and "names" in content


def read_yaml(file: Path) -> Any:
    """What a yaml file holds, read without running any code in it.

    Raises:
        ValueError: it cannot be read as yaml; the message names it.
    """
    try:
        return yaml.safe_load(text_of(file))
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ValueError(f"cannot read {file} as yaml: {' '.join(str(error).split())}") from error


def read_config(file: Path) -> Config:
    """A data.yaml: its names as a list, or as a dict by number.

    Raises:
        ValueError: it has no usable names.
    """
    content = read_yaml(file)
    names = _names_as_written(file) if isinstance(content, dict) and "names" in content else None
    if isinstance(names, dict):
        try:
            numbered = {int(number): name for number, name in names.items()}
        except (TypeError, ValueError):
            numbered = {}
        usable = numbered and min(numbered) >= 0 and max(numbered) < MOST_NAMES
        names = [numbered.get(i, f"class {i}") for i in range(max(numbered) + 1)] if usable else None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{file} has no usable names: expected a list of class names, or a dict from number to name")
    paths = {
        split: content[key]
        for split, keys in SPLIT_KEYS.items()
        for key in keys[::-1]
        if isinstance(content.get(key), str | list)
    }
    shape, count = content.get("kpt_shape"), content.get("nc")
    points = shape[0] * shape[1] if isinstance(shape, list) and [*map(type, shape)] == [int, int] else 0
    named = [name or f"class {i}" for i, name in enumerate(names)]
    return Config(named, paths, str(content.get("path") or ""), max(points, 0), count if type(count) is int else None)


def _names_as_written(file: Path) -> Any:
    """The names of a data.yaml as text: yaml itself reads no and yes as truth values, 007 as 7, and null as nothing."""
    try:
        return yaml.load(text_of(file), Loader=yaml.BaseLoader)["names"]  # returns only text
    except (ValueError, LookupError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise ValueError(f"cannot read {file} as yaml: {' '.join(str(error).split())}") from error


def read_names(file: Path) -> list[str]:
    """The names of classes in a text file, one per line, or in Label Studio's notes.json.

    Raises:
        ValueError: there are none.
    """
    if file.suffix == ".json":
        content = read_json(file)
        try:
            rows = sorted(content["categories"], key=lambda row: row["id"])
            names = [str(row["name"]) for row in rows]
        except (KeyError, TypeError) as error:
            raise ValueError(f"{file} has no usable categories") from error
    else:
        names = [line.strip() for line in text_of(file).splitlines()]
        while names and not names[-1]:
            names.pop()
    if not names:
        raise ValueError(f"{file} has no class names")
    return [name or f"class {i}" for i, name in enumerate(names)]


def find_names(folder: Path) -> Path | None:
    """The file of a folder that lists the names of classes, if there is one."""
    files = {file.name.lower(): file for file in files_in(folder)}
    listed = next((files[name] for name in NAMES if name in files), None)
    return listed or next(iter(files_in(folder, ".names")), None)


def read_data_file(file: Path) -> dict[str, str]:
    """Darknet's obj.data: lines such as "train = data/train.txt".

    Raises:
        ValueError: it cannot be read; the message names it.
    """
    try:
        text = file.read_text(encoding=encoding_of(file), errors="replace")
    except OSError as error:
        raise ValueError(f"cannot read {file} as text: {error}") from error
    rows = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, equals, value in rows if equals}


def entries(value: Any) -> list[str]:
    """The paths under a key of data.yaml, which holds one or a list."""
    return [str(each) for each in (value if isinstance(value, list) else [value]) if each]


def _without_pattern(text: str) -> str:
    """The folder of a pattern such as images/train/*.jpg."""
    return re.sub(r"/?[^/]*[*?].*", "", text) if "*" in text else text


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # no file system accepts such a name
        return False


def resolve(text: str, home: Path, base: str = "") -> Path | None:
    """Where a path of data.yaml leads on this machine; None if nothing of that kind is here.

    The paths in yaml files that tools export are often those of the machine they were made on, or begin with ../ by
    mistake. So the yaml file's folder comes before anything outside it: the path without its ../, then the unchanged
    path, from `base` and from the folder; and last the longest end of the path that exists in the folder,
    "train/images" of "C:\\data\\cards\\train\\images".
    """
    plain, base = _without_pattern(text.replace("\\", "/")), base.replace("\\", "/")
    inside = re.sub(r"^(\.\./)+", "", plain)
    places = [home / base / plain, home / inside, home / plain]
    if base.startswith(("/", "..")):  # leads out of the folder: what is in it comes first
        places = [home / inside, home / base / plain, home / plain]
    elif inside != plain:
        places = [home / inside, *places]
    for place in dict.fromkeys(places):
        if _exists(place):
            return place
    parts = [
        part for part in PureWindowsPath(plain).parts if part not in ("..", ".") and not part.endswith((":\\", "\\"))
    ]
    for first in range(len(parts)):
        end = parts[first:]
        if len(end) == 1 < len(parts) and end[0].lower() in ("images", "labels"):
            continue  # would be the same for every split
        if _exists(place := home.joinpath(*end)):
            return place
    return None
