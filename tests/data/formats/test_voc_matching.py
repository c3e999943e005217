"""Which annotation is which image's, where they lie in different folders or differ in spelling."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.data import open_dataset
from frcnn_edu.data.formats.voc_matching import image_names

NAMES = list(ex.SIZES)[:4]


def write(root: Path, image: str, annotation: str, name: str, more: str = "") -> None:
    """An image of the ten and its annotation, as files of the given names in images/ and annotations/."""
    ex.draw(root / "images", [name], lambda _: image)
    ex.text(root / "annotations" / annotation, ex.xml(name).replace("<size>", f"{more}<size>"))


def found(root: Path) -> dict[str, int]:
    """The objects of each image that was read."""
    data: Any = open_dataset(root, "all")
    return {record.path.relative_to(root / "images").as_posix(): len(record.boxes) for record in data.records}


def test_file_numbers_alone_do_not_match(tmp_path: Path) -> None:
    """Of two folders of the same names on both sides, the annotation of one is not the other image's."""
    write(tmp_path, "a/001.jpg", "a/001.xml", NAMES[0])
    write(tmp_path, "a/002.jpg", "b/002.xml", NAMES[1])
    write(tmp_path, "b/003.jpg", "a/004.xml", NAMES[2])
    assert found(tmp_path) == {"a/001.jpg": 1}
    summary = open_dataset(tmp_path, "all").summary  # type: ignore[union-attr]
    assert "no annotation: 2 (a/002, b/003)" in summary
    assert "no file: 2 (a/004, b/002)" in summary


FOLDERS: dict[str, tuple[Callable[[int], str], Callable[[int], str]]] = {
    "annotations side by side": (lambda i: f"{'ab'[i % 2]}/", lambda i: ""),
    "images side by side": (lambda i: "", lambda i: f"{'ab'[i % 2]}/"),
    "folders of other names": (lambda i: f"{'ab'[i % 2]}_jpg/", lambda i: f"{'ab'[i % 2]}_xml/"),
    "folders for the splits": (
        lambda i: f"{('train', 'val')[i % 2]}_jpg/",
        lambda i: f"xml_{('train', 'val')[i % 2]}/",
    ),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_that_can_be_meant(tmp_path: Path, name: str) -> None:
    images, annotations = FOLDERS[name]
    for i, each in enumerate(NAMES):
        write(tmp_path, f"{images(i)}{i}.jpg", f"{annotations(i)}{i}.xml", each)
    assert found(tmp_path) == {f"{images(i)}{i}.jpg": len(ex.TRUTH[each]) for i, each in enumerate(NAMES)}


def test_another_split_is_not_meant(tmp_path: Path) -> None:
    write(tmp_path, "x/0.jpg", "y/0.xml", NAMES[0])
    write(tmp_path, "train_a/1.jpg", "val_b/1.xml", NAMES[1])
    assert found(tmp_path) == {"x/0.jpg": 1}


@pytest.mark.parametrize(
    "said", ["<folder>b</folder>", r"<path>C:\pics\b\1.jpg</path>", "<path>/home/me/B/1.jpg</path>"]
)
def test_the_annotation_tells_of_two(tmp_path: Path, said: str) -> None:
    """Two images of one name, whose annotations lie elsewhere: what is written in one decides, else neither is taken."""
    for folder in ("a", "b"):
        write(tmp_path, f"{folder}/1.jpg", "1.xml", NAMES[1], said)
    write(tmp_path, "a/2.jpg", "2.xml", NAMES[2])
    assert found(tmp_path) == {"a/2.jpg": 2, "b/1.jpg": 1}
    write(tmp_path, "b/1.jpg", "1.xml", NAMES[1])
    assert found(tmp_path) == {"a/2.jpg": 2}


@pytest.mark.parametrize("folders", [("", ""), ("x/", "x/"), ("jpg/", "xml/")], ids=["flat", "same", "other"])
def test_upper_and_lower_case(tmp_path: Path, folders: tuple[str, str]) -> None:
    for i, each in enumerate(NAMES):
        write(tmp_path, f"{folders[0]}IMG_{i}.JPG", f"{folders[1]}img_{i}.xml", each)
    assert found(tmp_path) == {f"{folders[0]}IMG_{i}.JPG": len(ex.TRUTH[each]) for i, each in enumerate(NAMES)}


def test_upper_and_lower_case_in_image_sets(tmp_path: Path) -> None:
    for i, each in enumerate(NAMES):
        write(tmp_path, f"IMG_{i}.JPG", f"img_{i}.xml", each)
    ex.text(tmp_path / "ImageSets" / "Main" / "train.txt", "img_1", "IMG_2")
    ex.text(tmp_path / "ImageSets" / "Main" / "val.txt", "img_3.xml")
    for split, count in (("train", 2), ("val", 1)):
        data: Any = open_dataset(tmp_path, split)
        assert (len(data), data.findings.left_out) == (count, {})


@given(
    images=st.sets(st.from_regex(r"([aAb]/)?[01xX]", fullmatch=True)),
    annotations=st.sets(st.from_regex(r"([aAbc]/)?[01xX]", fullmatch=True)),
)
def test_no_image_gets_two_annotations(images: set[str], annotations: set[str]) -> None:
    """And those that have one of their own name keep it; which files lie first does not matter."""
    names = image_names(images, dict.fromkeys(sorted(annotations)))
    assert names == image_names(sorted(images), dict.fromkeys(sorted(annotations, reverse=True)))
    assert len({*names.values()}) == len(names)
    assert names.keys() <= annotations - images
    assert {*names.values()} <= images - annotations
    for annotation, image in names.items():
        assert annotation.rpartition("/")[2].casefold() == image.rpartition("/")[2].casefold()


def test_heic_beside_what_it_was_converted_to(tmp_path: Path) -> None:
    for i, each in enumerate(NAMES):
        write(tmp_path, f"{i}.jpg", f"{i}.xml", each)
        (tmp_path / "images" / f"{i}.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    assert found(tmp_path) == {f"{i}.jpg": len(ex.TRUTH[each]) for i, each in enumerate(NAMES)}


def test_annotations_from_another_folder_are_noted(tmp_path: Path) -> None:
    """batch3 may be batch2 under another name, or another batch: who looks at the data knows."""
    for i, (image, annotation) in enumerate((("batch1", "batch1"), ("batch2", "batch3"))):
        write(tmp_path, f"{image}/{i}.jpg", f"{annotation}/{i}.xml", NAMES[i])
    data: Any = open_dataset(tmp_path, "all")
    assert data.findings.repaired == {"annotations in a different folder than their image": {"batch2/1": 1}}


def test_an_old_annotation_is_noted(tmp_path: Path) -> None:
    write(tmp_path, "0.jpg", "0.xml", NAMES[0])
    write(tmp_path, "1.jpg", "old/1.xml", NAMES[1])
    data: Any = open_dataset(tmp_path, "all")
    assert data.findings.repaired == {"annotations in a different folder than their image": {"1": 1}}
