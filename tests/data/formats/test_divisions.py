"""What divides a data set whose annotations say nothing of splits, and what is told of files that are in none."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import more_exports as more
import pytest
from test_layouts import ALL_THREE, HEAP, LAYOUTS, objects

from frcnn_edu.data import open_dataset
from frcnn_edu.data.formats.folders import all_images
from frcnn_edu.data.formats.recognise import also_there
from frcnn_edu.data.sources import existing_splits, layout_of, measured_split
from frcnn_edu.data.unlisted import unlisted_images

FOLDERS_ARE_NAMED = ("yolo, windows", "yolo, lists of folders", "yolo, darknet")  # in their own files
HEAPS = {name: layout[0] for name, layout in LAYOUTS.items() if layout[2] == HEAP and name not in FOLDERS_ARE_NAMED}
SPLIT_OF = {name: split for split, names in ex.SPLIT.items() for name in names}


@pytest.mark.parametrize("write", HEAPS.values(), ids=HEAPS)
def test_the_folders_of_the_images_divide_a_heap(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    source = write(tmp_path / "cards")
    for path in all_images(tmp_path / "cards"):
        number = re.search(r"(\d)\.jpg$", path.name, re.IGNORECASE)
        assert number is not None
        folder = path.parent / SPLIT_OF[f"IMG {number[1]}.jpg"]
        folder.mkdir(exist_ok=True)
        path.rename(folder / path.name)
    assert tuple(existing_splits(source)) == ALL_THREE
    for split in ALL_THREE:
        found = objects(open_dataset(source, split))
        numbers = {int(re.search(r"(\d)\.", name)[1]) for name in found}  # type: ignore[index]
        assert numbers <= {int(name[4]) for name in ex.SPLIT[split]}


@pytest.mark.parametrize(
    ("write", "aside"),
    [
        (lambda p: [ex.voc(p / word, ".", ".") for word in ("train", "val", "train_extra", "part2")], "part2/ and train_extra/"),
        (lambda p: [ex.yolo(p, f"images/{word}", f"labels/{word}") for word in ("train", "val", "dev", "extra")], "dev/ and extra/"),
        (lambda p: [ex.voc(p, f"images/{word}", f"annotations/{word}") for word in ("train", "val", "old")], "old/"),
        (lambda p: [ex.dump(p / "annotations" / f"instances_{word}.json", ex.coco()) for word in ("Train", "Validation", "default")], "instances_default.json"),
        (lambda p: [ex.cvat(p, subsets=True), (p / "annotations.xml").write_text((p / "annotations.xml").read_text().replace('"test"', '"Extra"', 1))], "Extra"),
        (lambda p: [more.dota(p / word) for word in ("train", "val", "extra")], "extra/"),
        (lambda p: [ex.dump(p / "all.json", ex.coco()), *(ex.draw(p / "images" / word, [f"IMG {i}.jpg"]) for i, word in enumerate(("train", "test", "spare")))], "spare/"),
    ],
    ids=["voc folders", "yolo folders", "mirrored folders", "coco files", "subsets", "dota folders", "folders of images"],
)  # fmt: skip
def test_what_is_in_no_split_is_told(tmp_path: Path, write: Callable[[Path], Any], aside: str) -> None:
    write(tmp_path)
    ex.text(tmp_path / "classes.txt", *ex.CLASSES)
    layout = layout_of(tmp_path)
    assert {"train"} < {*layout.splits}
    assert layout.in_words(10, 2).endswith(f"; in no split: {aside}")


@pytest.mark.parametrize("words", [("train1", "train2", "val"), ("a_train", "a_val", "b_train", "b_val")], ids=len)
@pytest.mark.parametrize("images", ["{}", "images/{}", "dota"], ids=["voc", "yolo", "dota"])
def test_two_folders_that_say_train(tmp_path: Path, words: tuple[str, ...], images: str) -> None:
    """Neither is taken without a word."""
    for word in words:
        if images == "{}":
            ex.voc(tmp_path / word, ".", ".", ["IMG 0.jpg"])
        elif images == "dota":
            more.dota(tmp_path / word, ["IMG 0.jpg"])
        else:
            ex.yolo(tmp_path, images.format(word), f"labels/{word}", ["IMG 0.jpg"])
    ex.text(tmp_path / "classes.txt", *ex.CLASSES)
    with pytest.raises(ValueError, match=r"(train1 and train2|a_train and b_train) in .* both mean train; merge"):
        layout_of(tmp_path)


@pytest.mark.parametrize("place", ["", "images"], ids=["beside", "images"])
def test_lists_divide_labels(tmp_path: Path, place: str) -> None:
    """train.txt and val.txt without a data.yaml or obj.data that names them."""
    ex.yolo(tmp_path, place or ".", "labels" if place else ".")
    ex.text(tmp_path / "classes.txt", *ex.CLASSES)
    for split in ("train", "val"):
        ex.text(tmp_path / f"{split}.txt", *(f"data/{place}/{name}" for name in ex.SPLIT[split]))
    data = {split: open_dataset(tmp_path, split) for split in existing_splits(tmp_path)}
    assert {split: [*objects(each)] for split, each in data.items()} == {
        split: ex.SPLIT[split] for split in ("train", "val")
    }
    assert not any(each.findings.left_out for each in data.values())


def test_lists_among_annotations(tmp_path: Path) -> None:
    """With more columns, as in the Oxford pets: name, class, species, breed."""
    ex.voc(tmp_path, "images", "annotations/xmls")
    for word, split in (("trainval", "train"), ("test", "test")):
        ex.text(tmp_path / "annotations" / f"{word}.txt", *(f"{Path(name).stem} 1 2 -1" for name in ex.SPLIT[split]))
    assert {split: [*objects(open_dataset(tmp_path, split))] for split in existing_splits(tmp_path)} == {
        split: ex.SPLIT[split] for split in ("train", "test")
    }


def test_a_folder_that_is_divided_is_not_measured_whole(tmp_path: Path) -> None:
    """Of a heap that the folders of its images divide, the images for training are not measured."""
    for split, names in ex.SPLIT.items():
        ex.draw(tmp_path / "images" / split, names)
    file = ex.dump(tmp_path / "cards.json", ex.coco())
    assert measured_split(tmp_path) == "val"
    assert measured_split(file) == "all"


def test_a_stray_image_beside_the_folders(tmp_path: Path) -> None:
    """It does not hide them, and is told."""
    ex.draw(tmp_path / "images" / "train", ex.SPLIT["train"])
    ex.draw(tmp_path / "images" / "val", [*ex.SPLIT["val"], "IMG 8.jpg"])
    ex.draw(tmp_path / "images" / "test", ["IMG 8.jpg"], lambda _: "x.jpg")
    ex.draw(tmp_path / "images", ["IMG 9.jpg"])
    ex.dump(tmp_path / "cards.json", ex.coco())
    left_out = {split: dict(open_dataset(tmp_path, split).findings.left_out) for split in ("train", "val")}
    assert left_out == {"train": {"images left out, not in the folder of a split": {"IMG 9.jpg": 1}}, "val": {}}


def test_an_image_without_a_file_is_told_once(tmp_path: Path) -> None:
    for split, names in ex.SPLIT.items():
        ex.draw(tmp_path / "images" / split, names)
    (tmp_path / "images" / "val" / "IMG 7.jpg").unlink()
    ex.dump(tmp_path / "cards.json", ex.coco())
    left_out = {split: dict(open_dataset(tmp_path, split).findings.left_out) for split in ALL_THREE}
    assert left_out == {"train": {"images left out, no file": {"IMG 7.jpg": 1}}, "val": {}, "test": {}}


@pytest.mark.parametrize(
    ("write", "title"),
    [
        (lambda p, names: ex.voc(p, ".", ".", names), "Pascal VOC, images and xml side by side in ace/ and king/"),
        (
            lambda p, names: ex.labelme(p, names=names, inside="{}"),
            "labelme, images and json side by side in ace/ and king/",
        ),
    ],
    ids=["voc", "labelme"],
)
def test_folders_for_classes_are_one_data_set(tmp_path: Path, write: Callable[..., Path], title: str) -> None:
    """Also where files in them have the same names."""
    write(tmp_path / "ace", ["IMG 0.jpg", "IMG 2.jpg"])
    write(tmp_path / "king", ["IMG 1.jpg", "IMG 4.jpg"])
    for path in (tmp_path / "king").glob("IMG 4.*"):
        path.write_text(path.read_text().replace("IMG 4", "IMG 2")) if path.suffix != ".jpg" else None
        path.rename(path.with_stem("IMG 2"))
    assert layout_of(tmp_path).title == title
    data: Any = open_dataset(tmp_path, "all")
    found = {f"{record.path.parent.name}/{record.path.name}": len(record.boxes) for record in data.records}
    assert found == {"ace/IMG 0.jpg": 1, "ace/IMG 2.jpg": 2, "king/IMG 1.jpg": 1, "king/IMG 2.jpg": 1}


@pytest.mark.parametrize("inside", ["{}", "..\\..\\images\\{}"], ids=["names", "paths"])
def test_labelme_in_folders_for_the_splits(tmp_path: Path, inside: str) -> None:
    """annotations/train/ for images/train/, with files of the same names in val/."""
    for split, names in (("train", ["IMG 0.jpg", "IMG 2.jpg"]), ("val", ["IMG 0.jpg"])):
        ex.labelme(tmp_path / "annotations" / split, names=names, images=f"../../images/{split}", inside=inside)
    for split in existing_splits(tmp_path):
        data: Any = open_dataset(tmp_path, split)
        assert {record.path.parent.name for record in data.records} == {split}
        assert data.findings.left_out == {}
    assert existing_splits(tmp_path) == ["train", "val"]


def test_splits_in_folders_of_their_own(tmp_path: Path) -> None:
    """As archives are unpacked: train_zip/train/ and test_zip/test/."""
    for split in ("train", "test"):
        ex.voc(tmp_path / f"{split}_zip" / split, ".", ".", ex.SPLIT[split])
    assert {split: len(open_dataset(tmp_path, split)) for split in existing_splits(tmp_path)} == {"train": 6, "test": 2}


def test_what_else_lies_there_is_named(tmp_path: Path) -> None:
    ex.voc(tmp_path)
    ex.dump(tmp_path / "coco.json", ex.coco(["IMG 0.jpg"]))
    ex.text(tmp_path / "classes.txt", *ex.CLASSES)
    layout = layout_of(tmp_path)
    assert also_there(layout) == ["COCO, coco.json"]
    assert layout.in_words(10, 2, also=also_there(layout)).endswith("; also there, not read: COCO, coco.json")
    assert also_there(layout_of(tmp_path / "coco.json")) == []


# ------------------------------------------------------------------------------------------- YOLO's files, and strangers


@pytest.mark.parametrize("names", ["classes.txt", "_darknet.labels", "obj.names"])
@pytest.mark.parametrize("place", [".", "train", "train/labels"])
def test_where_the_names_of_classes_lie(tmp_path: Path, names: str, place: str) -> None:
    for split in ALL_THREE:
        ex.yolo(tmp_path, f"{split}/images", f"{split}/labels", ex.SPLIT[split])
        ex.text(tmp_path / place.replace("train", split) / names, *ex.CLASSES)
    found = {name: boxes for split in ALL_THREE for name, boxes in objects(open_dataset(tmp_path, split)).items()}
    assert found == {name: sorted(boxes) for name, boxes in ex.TRUTH.items()}


def test_the_first_labels_are_empty(tmp_path: Path) -> None:
    ex.yolo(tmp_path, "images", "labels")
    ex.text(tmp_path / "classes.txt", *ex.CLASSES)
    for i in range(30):
        ex.draw(tmp_path / "images", ["IMG 0.jpg"], lambda _, i=i: f"A {i:02}.jpg")  # type: ignore[misc]
        ex.text(tmp_path / "labels" / f"A {i:02}.txt")
    assert layout_of(tmp_path).title == "YOLO, images/, labels/ and classes.txt"


@pytest.mark.parametrize("stranger", ["notes.data", "labels.txt"])
def test_strange_files_do_not_make_it_yolo(tmp_path: Path, stranger: str) -> None:
    ex.draw(tmp_path)
    ex.dump(tmp_path / "cards.json", ex.coco())
    ex.text(tmp_path / stranger, "ace")
    ex.text(tmp_path / "numbers.txt", "3 1 2 3 4")
    assert layout_of(tmp_path).title == "COCO, cards.json"


# ------------------------------------------------------------------------------------------------------- links to folders


def test_links_to_folders_are_followed(tmp_path: Path) -> None:
    ex.draw(tmp_path / "store")
    ex.dump(tmp_path / "cards" / "cards.json", ex.coco())
    (tmp_path / "cards" / "photos").symlink_to(tmp_path / "store", target_is_directory=True)
    assert len(open_dataset(tmp_path / "cards", "all")) == 10


def test_links_that_lead_back_are_not(tmp_path: Path) -> None:
    ex.voc(tmp_path / "cards")
    (tmp_path / "cards" / "again").symlink_to(tmp_path / "cards", target_is_directory=True)
    (tmp_path / "cards" / "JPEGImages" / "a").symlink_to(tmp_path / "cards" / "JPEGImages", target_is_directory=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "cards" / "out").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert len(open_dataset(tmp_path / "cards", "all")) == 10
    assert len({*map(os.path.realpath, all_images(tmp_path / "cards"))}) == 10
    assert len([path for path in all_images(tmp_path / "cards") if "again" in path.parts]) == 0


# ---------------------------------------------------------------------------------- names that speak of splits, or seem to


def test_sets_are_splits(tmp_path: Path) -> None:
    for split, names in ex.SPLIT.items():
        ex.voc(tmp_path / f"{split}set", ".", ".", names)
    assert existing_splits(tmp_path) == list(ALL_THREE)


def test_a_class_called_train(tmp_path: Path) -> None:
    for folder, name in (("bus", "IMG 0.jpg"), ("car", "IMG 1.jpg"), ("train", "IMG 2.jpg")):
        ex.voc(tmp_path / folder, ".", ".", [name])
    assert layout_of(tmp_path).title == "Pascal VOC, images and xml side by side in bus/, car/ and train/"
    assert len(open_dataset(tmp_path, "all")) == 3


def test_splits_within_folders_for_classes_are_not_mixed(tmp_path: Path) -> None:
    for folder in ("cats", "dogs"):
        ex.voc_split_folders(tmp_path / folder, ("train", "val"))
    with pytest.raises(ValueError, match=r"holds several data sets; did you mean .*cats or .*dogs\?"):
        layout_of(tmp_path)


def test_lists_with_a_year(tmp_path: Path) -> None:
    ex.voc_sets(tmp_path / "voc", **{f"{split}2017": names for split, names in ex.SPLIT.items()})
    ex.yolo(tmp_path / "yolo", "images", "labels")
    ex.text(tmp_path / "yolo" / "classes.txt", *ex.CLASSES)
    for split, names in ex.SPLIT.items():
        ex.text(tmp_path / "yolo" / f"{split}2017.txt", *(f"images/{name}" for name in names))
    for root in (tmp_path / "voc", tmp_path / "yolo"):
        assert {split: [*objects(open_dataset(root, split))] for split in existing_splits(root)} == ex.SPLIT


def test_one_of_several_folders_that_data_yaml_names_in_vain(tmp_path: Path) -> None:
    ex.yolo_splits(tmp_path, "train: [train/images, more/images]\nval: val/images\nnames: [ace, king]")
    with pytest.raises(
        ValueError, match=r"has the line train: \['train/images', 'more/images'\], but not all of that is in"
    ):
        layout_of(tmp_path)


def test_a_subset_beside_the_one_for_training(tmp_path: Path) -> None:
    ex.cvat(tmp_path, subsets=True)
    file = tmp_path / "annotations.xml"
    file.write_text(re.sub('"(val|test)"', '"Holdout"', file.read_text()))
    assert layout_of(tmp_path).in_words(6, 2).endswith("; in no split: Holdout")
    found = {name for split in ("train", "val") for name in objects(open_dataset(tmp_path, split))}
    assert found == {*ex.SPLIT["train"]}


def test_what_is_broken_beside_the_splits_is_named(tmp_path: Path) -> None:
    ex.voc_split_folders(tmp_path)
    for name in "ab":
        ex.dump(tmp_path / "backup" / f"{name}.json", ex.coco())
    ex.text(tmp_path / "export" / "data.yaml", "train: images/train\nval: images/val\nnames: [ace]")
    assert layout_of(tmp_path).in_words(10, 2).endswith("; in no split: backup/ and export/")
    ex.text(tmp_path / "valid" / "data.yaml", "names: [ace]\ntrain: nowhere")
    for file in (tmp_path / "valid").glob("*.xml"):
        file.unlink()
    with pytest.raises(ValueError, match=r"valid.data\.yaml has the line train: nowhere"):  # a split is missed
        layout_of(tmp_path)


def test_a_broken_file_of_another_format(tmp_path: Path) -> None:
    ex.coco_files(tmp_path, "{}.json", "images")
    ex.text(tmp_path / "model.yaml", "names: [ace]\ntrain: ../nowhere\nval: nowhere")
    layout = layout_of(tmp_path)
    assert layout.title == "COCO, one file per split"
    assert "model.yaml has the line train" in also_there(layout)[0]


def test_images_without_annotations_in_a_folder_for_a_split(tmp_path: Path) -> None:
    """test/ that nobody has annotated, with the names that train/ has."""
    ex.voc_split_folders(tmp_path, ("train", "valid"))
    ex.draw(tmp_path / "test", ["IMG 0.jpg"])
    datasets = {split: open_dataset(tmp_path, split) for split in ("train", "val")}
    assert unlisted_images(layout_of(tmp_path), datasets) == [tmp_path / "test" / "IMG 0.jpg"]


def test_deep_folders(tmp_path: Path) -> None:
    deep = "a/b/c/d/e/f/g/h"
    ex.voc(tmp_path, f"images/{deep}", f"annotations/{deep}")
    assert len(open_dataset(tmp_path, "all")) == 10
