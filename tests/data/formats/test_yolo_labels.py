"""Which file of labels is which image's, where neither place nor name alone tells; and images that are elsewhere."""

from pathlib import Path
from typing import Any

import exports as ex
import pytest

from frcnn_edu.data import open_dataset
from frcnn_edu.data.formats.folders import DEEPEST

NAMES = list(ex.SIZES)[:5]


def write(root: Path, image: str, label: str, name: str) -> None:
    """An image of the ten and its labels, as files of the given names; an empty one is not written."""
    if image:
        ex.draw(root, [name], lambda _: image)
    if label:
        ex.text(root / label, *ex.yolo_lines(name))
    ex.text(root / "classes.txt", *ex.CLASSES)


def found(root: Path, split: str = "all", **options: Any) -> dict[str, int]:
    """The objects of each image that was read, by its file's name and folder."""
    data: Any = open_dataset(root, split, **options)
    return {f"{record.path.parent.name}/{record.path.name}": len(record.boxes) for record in data.records}


def test_older_labels_are_not_taken(tmp_path: Path) -> None:
    """An image has none where the others have theirs; labels_old/ has one."""
    root = ex.yolo(tmp_path, "images", "labels")
    ex.text(root / "classes.txt", *ex.CLASSES)
    (root / "labels" / "IMG 2.txt").rename(root / "IMG 2.txt.bak")
    ex.text(root / "labels_old" / "IMG 2.txt", "0 0.5 0.5 0.5 0.5")
    data: Any = open_dataset(root, "all")
    assert [len(record.boxes) for record in data.records if record.path.name == "IMG 2.jpg"] == [0]
    assert "images without a label file, counted as images without objects: 1 (classes.txt)" in data.summary


def test_file_numbers_alone_do_not_match(tmp_path: Path) -> None:
    """An image without objects does not get the labels of another folder, where files are numbered alike."""
    write(tmp_path, "images/a/1.jpg", "labels/a/1.txt", NAMES[0])
    write(tmp_path, "images/b/1.jpg", "labels/b/1.txt", NAMES[1])
    write(tmp_path, "images/a/2.jpg", "", NAMES[3])
    write(tmp_path, "images/b/2.jpg", "labels/b/2.txt", NAMES[2])
    write(tmp_path, "images/a/3.jpg", "labels/b/3.txt", NAMES[4])
    data: Any = open_dataset(tmp_path, "all")
    assert found(tmp_path) == {"a/1.jpg": 1, "a/2.jpg": 0, "a/3.jpg": 0, "b/1.jpg": 1, "b/2.jpg": 2}
    assert data.findings.left_out == {"labels without an image": {"3.txt": 1}}


@pytest.mark.parametrize(
    ("images", "labels"),
    [("images/{}/{}.jpg", "labels/{1}.txt"), ("images/{1}.jpg", "labels/{0}/{1}.txt"),
     ("images/{}_jpg/{}.jpg", "labels/{}_txt/{}.txt"), ("images/{}/{}.jpg", "annotations/{}/{}.txt")],
    ids=["labels side by side", "images side by side", "other names", "another folder"],
)  # fmt: skip
def test_folders_that_can_be_meant(tmp_path: Path, images: str, labels: str) -> None:
    for i, name in enumerate(NAMES):
        write(tmp_path, images.format("ab"[i % 2], i), labels.format("ab"[i % 2], i), name)
    (tmp_path / "labels").mkdir(exist_ok=True)
    ex.text(tmp_path / "data.yaml", "train: images", "val: images", "names: [ace, king]")
    counts = {Path(name).name: count for name, count in found(tmp_path, "train").items()}
    assert counts == {f"{i}.jpg": len(ex.TRUTH[name]) for i, name in enumerate(NAMES)}


def test_two_images_of_one_name(tmp_path: Path) -> None:
    """Nothing tells whose the labels are."""
    for folder in "ab":
        write(tmp_path, f"images/{folder}/1.jpg", "labels/1.txt", NAMES[2])
    write(tmp_path, "images/a/2.jpg", "labels/2.txt", NAMES[1])
    assert found(tmp_path) == {"a/1.jpg": 0, "a/2.jpg": 1, "b/1.jpg": 0}


def test_images_as_deep_as_they_are_searched(tmp_path: Path) -> None:
    folders = "/".join("abcdef"[:DEEPEST])
    for i, name in enumerate(NAMES):
        write(tmp_path, f"images/{folders}/{i}.jpg", f"labels/{folders}/{i}.txt", name)
    write(tmp_path, "images/a.jpg", "labels/a.txt", NAMES[0])
    counts = [len(ex.TRUTH[name]) for name in NAMES]
    assert found(tmp_path) == {"images/a.jpg": 1, **{f"f/{i}.jpg": count for i, count in enumerate(counts)}}


YAML = "train: ../train/images\nval: ../valid/images\nnames: [ace, king]"


@pytest.mark.parametrize("folders", ["", "{}/"], ids=["side by side", "folders"])
def test_images_elsewhere(tmp_path: Path, folders: str) -> None:
    """An export without images: each split is that of the labels, and labels are found by name."""
    away = tmp_path / "away"
    for split in ("train", "valid"):
        names = ex.SPLIT["train" if split == "train" else "val"]
        (tmp_path / "cards" / split / "images").mkdir(parents=True)
        for name in names:
            write(tmp_path / "cards", "", f"{split}/labels/{Path(name).stem}.txt", name)
        ex.draw(away / folders.format(split), names)
    (tmp_path / "cards" / "classes.txt").unlink()
    ex.text(tmp_path / "cards" / "data.yaml", YAML)
    for split in ("train", "val"):
        data: Any = open_dataset(tmp_path / "cards", split, images=away)
        assert {record.path.name: len(record.boxes) for record in data.records} == {
            name: len(ex.TRUTH[name]) for name in ex.SPLIT[split]
        }
        assert data.findings.left_out == {}


def test_lists_of_images_elsewhere(tmp_path: Path) -> None:
    root = ex.darknet(tmp_path / "cards")
    (tmp_path / "away").mkdir()
    for path in (root / "obj_train_data").glob("*.jpg"):
        path.rename(tmp_path / "away" / path.name)
    counts = {f"away/{name}": len(boxes) for name, boxes in ex.TRUTH.items()}
    assert found(root, images=tmp_path / "away") == counts


def test_a_name_for_two_numbers(tmp_path: Path) -> None:
    """The message names the data set."""
    ex.yolo(tmp_path, "images", "labels")
    ex.text(tmp_path / "classes.txt", "ace", "ace")
    with pytest.raises(ValueError, match=rf"^{tmp_path}: class names must be unique, .* got ace twice"):
        open_dataset(tmp_path, "all")
