"""Exports in which something else lies nearby: other splits, other data sets, files of the same name."""

import json
import math
from pathlib import Path
from typing import Any

import exports as ex
import pytest

from frcnn_edu.data import open_dataset
from frcnn_edu.data.sources import layout_of

YAML = "train: {0}/images\nval: {1}/images\nnames: [ace, king]"


def boxes(data: Any) -> dict[str, list[list[int]]]:
    return {record.path.name: [[round(side) for side in box] for box in record.boxes] for record in data.records}


def truth(*names: str) -> dict[str, list[list[int]]]:
    return {name: [list(box) for _, *box in ex.TRUTH[name]] for name in names}


def rename_all(root: Path, split: str, images: str = "images", labels: str = "labels") -> None:
    """Images and labels of a split get the names 0.jpg, 1.jpg …, as those of every split have."""
    for i, path in enumerate(sorted((root / split / images).iterdir())):
        (root / split / labels / f"{path.stem}.txt").rename(root / split / labels / f"{i}.txt")
        path.rename(path.with_name(f"{i}.jpg"))


@pytest.mark.parametrize(("images", "labels"), [("images", "labels"), ("Images", "Labels"), ("imgs", "labels")])
def test_labels_of_another_split_are_not_taken(tmp_path: Path, images: str, labels: str) -> None:
    for split in ("train", "val"):
        ex.yolo(tmp_path, f"{split}/{images}", f"{split}/{labels}", ex.SPLIT[split][:2])
        rename_all(tmp_path, split, images, labels)
    (tmp_path / "val" / images / "2.jpg").write_bytes((tmp_path / "val" / images / "1.jpg").read_bytes())
    predictions = ex.text(tmp_path / "runs" / "detect" / "labels" / "2.txt", "0 0.5 0.5 0.2 0.2")
    ex.text(tmp_path / "data.yaml", YAML.format("train", "val").replace("images", images))
    train, val = (open_dataset(tmp_path, split) for split in ("train", "val"))
    for split, data in (("train", train), ("val", val)):
        expected = [truth(name)[name] for name in sorted(ex.SPLIT[split][:2])]
        assert [boxes(data)[f"{i}.jpg"] for i in range(2)] == expected
    assert boxes(val)["2.jpg"] == []  # of no file of labels, whatever lies in runs/
    assert predictions.exists()


def test_labels_in_another_spelling(tmp_path: Path) -> None:
    """Upper case, and accents composed or not, as a Mac and a zip file differ."""
    root = ex.yolo(tmp_path, "images", "labels", ["IMG 0.jpg"])
    (root / "images" / "IMG 0.jpg").rename(root / "images" / "e\u0301.JPG")
    (root / "labels" / "IMG 0.txt").rename(root / "labels" / "\u00e9.TXT")
    ex.text(root / "classes.txt", *ex.CLASSES)
    assert list(boxes(open_dataset(root, "all")).values()) == [truth("IMG 0.jpg")["IMG 0.jpg"]]


def test_the_names_of_classes_among_the_labels(tmp_path: Path) -> None:
    """Where LabelImg puts them."""
    root = ex.yolo(tmp_path, "images", "labels")
    ex.text(root / "labels" / "classes.txt", *ex.CLASSES)
    data: Any = open_dataset(root, "all")
    assert boxes(data) == {name: truth(name)[name] for name in ex.SIZES}


def test_labels_without_an_image_are_told(tmp_path: Path) -> None:
    root = ex.yolo(tmp_path, "images", "labels")
    ex.text(root / "classes.txt", *ex.CLASSES)
    (root / "images" / "IMG 4.jpg").unlink()
    assert "labels without an image: 1 (IMG 4.txt)" in open_dataset(root, "all").summary  # type: ignore[union-attr]


def test_the_neighbouring_data_set_is_not_read(tmp_path: Path) -> None:
    """A yaml that says ../train/images where it should say train/images, and another data set one folder up."""
    for folder, names in ((tmp_path, ["IMG 0.jpg"]), (tmp_path / "cards", ["IMG 1.jpg"])):
        for split in ("train", "valid"):
            ex.yolo(folder, f"{split}/images", f"{split}/labels", names)
    ex.text(tmp_path / "cards" / "data.yaml", YAML.format("../train", "../valid"))
    assert list(boxes(open_dataset(tmp_path / "cards", "train"))) == ["IMG 1.jpg"]


def test_a_split_that_data_yaml_names_in_vain(tmp_path: Path) -> None:
    """It is not made from the training images behind one's back; a test set that was not exported is not missed."""
    ex.yolo(tmp_path, "train/images", "train/labels", ex.SPLIT["train"])
    ex.text(tmp_path / "data.yaml", YAML.format("train", "valid"))
    with pytest.raises(ValueError, match=r"data\.yaml has the line val: valid/images, but nothing of that name is in"):
        layout_of(tmp_path)
    ex.yolo(tmp_path, "valid/images", "valid/labels", ex.SPLIT["val"])
    ex.text(tmp_path / "data.yaml", YAML.format("train", "valid") + "\ntest: test/images")
    assert list(layout_of(tmp_path).splits) == ["train", "val"]


@pytest.mark.parametrize("write", [lambda p: ex.voc_sets(p, **ex.SPLIT), ex.voc_split_folders], ids=["sets", "folders"])
def test_an_image_beside_the_folders_changes_nothing(tmp_path: Path, write: Any) -> None:
    write(tmp_path)
    ex.draw(tmp_path, ["IMG 0.jpg"], lambda name: "example.jpg")
    assert list(layout_of(tmp_path).splits) == ["train", "val", "test"]
    assert len(open_dataset(tmp_path, "test")) == 2


def test_the_folder_with_the_most_splits_counts(tmp_path: Path) -> None:
    for word, names in zip(("train_1", "train", "val"), ex.SPLIT.values()):
        ex.voc(tmp_path / word, ".", ".", names)
    assert {split: part.annotations.name for split, part in layout_of(tmp_path).splits.items()} == {
        "train": "train",
        "val": "val",
    }


def test_a_file_without_a_word_beside_one_for_testing(tmp_path: Path) -> None:
    ex.draw(tmp_path / "images")
    ex.dump(tmp_path / "labels.json", ex.coco(ex.SPLIT["train"]))
    ex.dump(tmp_path / "labels_test.json", ex.coco(ex.SPLIT["test"]))
    assert {split: len(open_dataset(tmp_path, split)) for split in ("train", "test")} == {"train": 6, "test": 2}
    ex.dump(tmp_path / "more.json", ex.coco(ex.SPLIT["val"]))
    with pytest.raises(ValueError, match=r"several COCO files: labels\.json, labels_test\.json, more\.json"):
        layout_of(tmp_path)


def test_an_image_of_another_split_is_not_taken(tmp_path: Path) -> None:
    for split in ("train", "val"):
        ex.dump(tmp_path / "annotations" / f"instances_{split}.json", ex.coco(["IMG 0.jpg"]))
    ex.draw(tmp_path / "images" / "train", ["IMG 0.jpg"])
    assert len(open_dataset(tmp_path, "train")) == 1
    with pytest.raises(ValueError, match="no usable image: none of the 1 files was found"):
        open_dataset(tmp_path, "val")


@pytest.mark.parametrize("order", [["video1", "video2"], ["video2", "video1"]])
def test_a_missing_frame_is_not_another_one(tmp_path: Path, order: list[str]) -> None:
    """Frames of videos are numbered alike; a file that is named as it is belongs to who names it."""
    ex.draw(tmp_path / "video1", ["IMG 0.jpg"])
    content = ex.coco(["IMG 0.jpg", "IMG 3.jpg"])
    for image, folder in zip(content["images"], order):
        image |= {"file_name": f"{folder}/IMG 0.jpg", "width": 80, "height": 60}
    data: Any = open_dataset(ex.dump(tmp_path / "frames.json", content), "all")
    assert len(data) == 1
    assert data.records[0].image_id == 1 + order.index("video1")
    assert "images left out, no file: 1 (video2/IMG 0.jpg)" in data.summary


def test_two_uploads_of_one_name(tmp_path: Path) -> None:
    """Which of them the file is, nobody knows: the second is left out."""
    ex.draw(tmp_path / "images", ["IMG 0.jpg"])
    content = ex.coco(["IMG 0.jpg", "IMG 3.jpg"])
    for image, number in zip(content["images"], ("aaaaaaaa", "bbbbbbbb")):
        image |= {"file_name": f"{number}-IMG 0.jpg", "width": 80, "height": 60}
    data: Any = open_dataset(ex.dump(tmp_path / "result.json", content), "all")
    assert "images left out, their file belongs to another image: 1 (bbbbbbbb-IMG 0.jpg)" in data.summary


def test_from_the_folder_of_the_annotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ex.coco_files(tmp_path, "annotations/instances_{}.json", "images/{}")
    monkeypatch.chdir(tmp_path / "annotations")
    assert len(open_dataset("instances_val.json", "all")) == 2


def test_objects_marked_as_deleted(tmp_path: Path) -> None:
    ex.voc(tmp_path)
    path = tmp_path / "Annotations" / "IMG 0.xml"
    path.write_text(path.read_text().replace("<object>", "<object><deleted>1</deleted>"))
    assert boxes(open_dataset(tmp_path, "all"))["IMG 0.jpg"] == []


def turned(x: float, y: float, w: float, h: float, degrees: float) -> list[int]:
    """The box around a box that is turned about its corner (x, y), all in pixels: by complex numbers."""
    corners = [complex(u, v) * complex(math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))
               for u in (0, w) for v in (0, h)]  # fmt: skip
    xs, ys = [x + c.real for c in corners], [y + c.imag for c in corners]
    return [round(side) for side in (min(xs), min(ys), max(xs), max(ys))]


@pytest.mark.parametrize("degrees", [90, 30, -20])
def test_turned_shapes_of_label_studio(tmp_path: Path, degrees: float) -> None:
    """Angles are of pixels, numbers in per cent: for images that are not square that makes a difference."""
    ex.label_studio(tmp_path)
    file = tmp_path / "project-7-at-2026.json"
    width, height = ex.SIZES["IMG 0.jpg"]
    value = {"x": 50, "y": 40, "width": 25, "height": 20, "rotation": degrees, "rectanglelabels": ["ace"]}
    ellipse = {"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "rotation": 90, "ellipselabels": ["king"]}
    tasks = json.loads(file.read_text())
    size = {"original_width": width, "original_height": height}
    tasks[0]["annotations"][1]["result"] = [{"value": value, **size}, {"value": ellipse, **size}]
    file.write_text(json.dumps(tasks))
    found = boxes(open_dataset(tmp_path, "all"))["IMG 0.jpg"]
    assert found[0] == turned(0.5 * width, 0.4 * height, 0.25 * width, 0.2 * height, degrees)
    rx, ry = 0.2 * width, 0.1 * height  # a quarter turn exchanges them
    assert found[1] == [round(v) for v in (width / 2 - ry, height / 2 - rx, width / 2 + ry, height / 2 + rx)]


def test_turned_ellipses_of_cvat(tmp_path: Path) -> None:
    ex.cvat(tmp_path)
    file = tmp_path / "annotations.xml"
    text = file.read_text()
    start, end = text.index("<box", text.index('name="IMG 0.jpg"')), text.index("</box>")
    shape = '<ellipse label="ace" cx="40" cy="30" rx="20" ry="5" rotation="90.0">'
    file.write_text(text[:start] + shape + "</ellipse>" + text[end + len("</box>") :])
    assert boxes(open_dataset(tmp_path, "all"))["IMG 0.jpg"] == [[35, 10, 45, 50]]


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    """A link to a file that was not fetched, as git-annex and DVC leave it."""
    ex.voc(tmp_path, "JPEGImages/a", "Annotations/a")
    (tmp_path / "Annotations" / "a" / "0.xml").symlink_to(tmp_path / "nowhere")
    assert len(open_dataset(tmp_path, "all")) == 10


@pytest.mark.parametrize("folder", ["masks", "image_3", "images/right"])
def test_a_missing_image_is_not_its_mask(tmp_path: Path, folder: str) -> None:
    """Nor what another camera saw: files that go by the names of images that are there."""
    ex.draw(tmp_path / "images")
    (tmp_path / "images" / "IMG 1.jpg").unlink()
    ex.draw(tmp_path / folder)
    data: Any = open_dataset(ex.dump(tmp_path / "cards.json", ex.coco()), "all")
    assert {record.path.parent.name for record in data.records} == {"images"}
    assert data.findings.left_out == {"images left out, no file": {"IMG 1.jpg": 1}}


@pytest.mark.parametrize("order", [["cam1", "cam2"], ["cam2", "cam1"]])
def test_the_name_that_agrees_in_more_folders_has_the_file(tmp_path: Path, order: list[str]) -> None:
    """Paths of another machine, of which one file is missing here."""
    for folder, names in (("cam1", ["IMG 0.jpg"]), ("cam2", ["IMG 0.jpg", "IMG 1.jpg"])):
        ex.draw(tmp_path / "photos" / folder, names)
    content = ex.coco(["IMG 1.jpg", "IMG 1.jpg", "IMG 0.jpg", "IMG 0.jpg"])
    for image, folder in zip(content["images"], order * 2, strict=True):
        image["file_name"] = f"C:\\data\\{folder}\\{image['file_name']}"
    data: Any = open_dataset(ex.dump(tmp_path / "cards.json", content), "all")
    found = [f"{record.path.parent.name}/{record.path.name}" for record in data.records]
    assert sorted(found) == ["cam1/IMG 0.jpg", "cam2/IMG 0.jpg", "cam2/IMG 1.jpg"]
    assert data.findings.left_out == {
        "images left out, their file belongs to another image": {"C:\\data\\cam1\\IMG 1.jpg": 1}
    }


def test_a_missing_image_of_a_list_is_not_the_one_of_another_folder(tmp_path: Path) -> None:
    """All other names agree with their files in a folder more."""
    for folder in "ab":
        ex.yolo(tmp_path, f"images/{folder}", f"labels/{folder}", list(ex.SIZES)[:6])
    ex.text(tmp_path / "classes.txt", *ex.CLASSES)
    ex.text(tmp_path / "train.txt", *(f"/home/me/cards/images/a/IMG {i}.jpg" for i in range(6)))
    ex.text(tmp_path / "val.txt", *(f"/home/me/cards/images/b/IMG {i}.jpg" for i in range(6)))
    (tmp_path / "images" / "a" / "IMG 3.jpg").unlink()
    data: Any = open_dataset(tmp_path, "train")
    assert {record.path.parent.name for record in data.records} == {"a"}
    assert "images left out, no file: 1 (/home/me/cards/images/a/IMG 3.jpg)" in data.summary
    assert len(open_dataset(tmp_path, "val")) == 6


def test_labels_in_folders_with_images_elsewhere(tmp_path: Path) -> None:
    """The same file names in each folder, and one image is missing."""
    names = list(ex.SIZES)[:6]
    for folder in ("cam1", "cam2"):
        ex.yolo(tmp_path, f"photos/{folder}", f"export/labels/{folder}", names)
    ex.text(tmp_path / "export" / "classes.txt", *ex.CLASSES)
    (tmp_path / "photos" / "cam1" / "IMG 3.jpg").unlink()
    data: Any = open_dataset(tmp_path / "export", "all", images=tmp_path / "photos")
    found = {f"{record.path.parent.name}/{record.path.name}" for record in data.records}
    assert found == {f"{folder}/{name}" for folder in ("cam1", "cam2") for name in names} - {"cam1/IMG 3.jpg"}
    assert sum(len(places) for places in data.findings.left_out.values()) == 1


def test_links_within_the_folder(tmp_path: Path) -> None:
    """images -> raw/images and labels -> raw/labels, with an older version beside."""
    for split in ("train", "val"):
        ex.yolo(tmp_path, f"raw/images/{split}", f"raw/labels/{split}", ["IMG 0.jpg", "IMG 2.jpg"])
        ex.text(tmp_path / "labels_v1" / split / "IMG 0.txt", "1 0.1 0.1 0.1 0.1")
    for name in ("images", "labels"):
        (tmp_path / name).symlink_to(tmp_path / "raw" / name, target_is_directory=True)
    ex.text(tmp_path / "data.yaml", "train: images/train\nval: images/val\nnames: [ace, king]")
    for split in ("train", "val"):
        assert boxes(open_dataset(tmp_path, split)) == truth("IMG 0.jpg", "IMG 2.jpg")


def test_two_images_of_one_file_of_labels_are_noted(tmp_path: Path) -> None:
    ex.yolo(tmp_path, "images", "labels", ["IMG 0.jpg"])
    ex.draw(tmp_path / "images", ["IMG 0.jpg"], lambda _: "IMG 0.png")
    ex.text(tmp_path / "classes.txt", *ex.CLASSES)
    data: Any = open_dataset(tmp_path, "all")
    assert "label files shared by several images, such as a.jpg and a.png: 1 (IMG 0.txt)" in data.summary


def test_subsets_tell_the_folder_of_an_image(tmp_path: Path) -> None:
    """Files of one name in images/Train/ and images/Validation/, as exports of a project with subsets have them."""
    shape = '<box label="ace" occluded="0" xtl="5" ytl="5" xbr="{}" ybr="30" z_order="0"></box>'
    images = ""
    for i, subset in enumerate(("Train", "Validation")):
        ex.draw(tmp_path / "images" / subset, ["IMG 0.jpg"])
        images += (
            f'<image id="{i}" name="IMG 0.jpg" subset="{subset}" width="80" height="60">{shape.format(20 + i)}</image>'
        )
    ex.text(tmp_path / "annotations.xml", f"<annotations>{images}</annotations>")
    for split, folder, right in (("train", "Train", 20), ("val", "Validation", 21)):
        (record,) = open_dataset(tmp_path, split).records  # type: ignore[union-attr]
        assert (record.path.parent.name, record.boxes[0][2]) == (folder, right)


def test_numbers_without_measure(tmp_path: Path) -> None:
    """They cost only themselves: in a circle, an ellipse, a path, an id."""
    ex.labelme(tmp_path / "labelme")
    file = tmp_path / "labelme" / "IMG 0.json"
    content = json.loads(file.read_text())
    content["shapes"].append({"label": "ace", "points": [[1, 1], [1e308, -1e308]], "shape_type": "circle"})
    ex.dump(file, content)
    ex.via(tmp_path / "via")
    file = tmp_path / "via" / "via_project.json"
    content = json.loads(file.read_text())
    regions = next(iter(content["_via_img_metadata"].values()))["regions"]
    shape = {"name": "ellipse", "cx": 1, "cy": 1, "rx": 1e308, "ry": 1e308, "theta": 1}
    regions.append({"shape_attributes": shape, "region_attributes": {"card": {"ace": True}}})
    ex.dump(file, content)
    ex.label_studio(tmp_path / "ls")
    file = tmp_path / "ls" / "project-7-at-2026.json"
    content = json.loads(file.read_text())
    content[0]["annotations"][1]["result"][0]["id"] = {}
    ex.dump(file, content)
    for name in ("labelme", "via", "ls"):
        assert len(open_dataset(tmp_path / name, "all")) == 10
    ex.yolo_splits(tmp_path / "yolo", f"path: {'x' * 400}\n{YAML.format('train', 'val')}")
    assert len(open_dataset(tmp_path / "yolo", "train")) == 6
