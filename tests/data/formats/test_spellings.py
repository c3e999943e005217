"""Image files whose names differ from those of their annotations in accents, in case, or by a copy in HEIC beside them."""

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import more_exports as more
import pytest

from frcnn_edu.data import open_dataset

BY_FILE: dict[str, Callable[[Path], Path]] = {  # formats with a file for each image
    "supervisely": more.supervisely,
    "supervisely, a.json": lambda p: more.supervisely(p, suffix=".json"),
    "labelme": ex.labelme,
    "kitti": more.kitti,
    "dota": more.dota,
    "visdrone": more.visdrone,
    "yolo": lambda p: (ex.yolo(p, "images", "labels"), ex.text(p / "classes.txt", *ex.CLASSES))[0],
    "yolo, other folders": lambda p: (ex.yolo(p, "photos", "boxes"), ex.text(p / "classes.txt", *ex.CLASSES))[0],
    "voc": ex.voc,
}
SPELLINGS: dict[str, Callable[[str], str]] = {
    "nfd": lambda name: unicodedata.normalize("NFD", name),
    "upper": str.upper,
    "lower": str.lower,
}


def counts(data: Any) -> list[int]:
    """How many objects each of the images has, in the order of the numbers in their names."""
    return [len(record.boxes) for record in sorted(data.records, key=lambda record: record.path.stem[-1])]


def rename(root: Path, image: Callable[[str], str], annotation: Callable[[str], str]) -> None:
    """Give every file of the ten another name, the number in which stays."""
    for path in [path for path in root.rglob("IMG *") if path.is_file()]:
        to = image if path.suffix == ".jpg" else annotation
        path.rename(path.with_name(to(path.name)))


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("write", BY_FILE.values(), ids=BY_FILE)
def test_images_in_another_spelling(tmp_path: Path, write: Callable[[Path], Path], spell: Callable[[str], str]) -> None:
    root = write(tmp_path)
    rename(root, lambda name: spell(name.replace("IMG", "Caf\u00e9")), lambda name: name.replace("IMG", "Caf\u00e9"))
    data: Any = open_dataset(root, "all")
    assert counts(data) == [len(boxes) for boxes in ex.TRUTH.values()]
    assert data.findings.left_out == {}


@pytest.mark.parametrize("write", BY_FILE.values(), ids=BY_FILE)
def test_heic_beside_what_it_was_converted_to(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    """A telephone's files stay in the folder: the images are the others, and nothing is said of them."""
    root = write(tmp_path)
    for path in [*root.rglob("*.jpg")]:
        path.with_suffix(".HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    data: Any = open_dataset(root, "all")
    assert counts(data) == [len(boxes) for boxes in ex.TRUTH.values()]
    assert data.findings.left_out == {}


@pytest.mark.parametrize("write", BY_FILE.values(), ids=BY_FILE)
def test_heic_alone_is_reported(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    root = write(tmp_path)
    path = next(root.rglob("IMG 4.jpg"))
    path.with_suffix(".HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    path.unlink()
    data: Any = open_dataset(root, "all")
    assert len(data) == 9
    assert sum(places.total() for places in data.findings.left_out.values()) == 1
