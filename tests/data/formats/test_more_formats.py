"""The same ten images in formats that fewer tools write: each is recognised, and gives the same objects."""

import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import more_exports as more
import pytest

from frcnn_edu.data import open_dataset
from frcnn_edu.data.sources import layout_of

HEAP, ALL_THREE = ("train", "val"), ("train", "val", "test")
NUMBERS = {"ace": "0", "king": "1"}
VISDRONE = {"ace": "pedestrian", "king": "car"}
# Writer, title of what is recognised, splits, and what the format calls the classes.
LAYOUTS: dict[str, tuple[Callable[[Path], Path], str, tuple[str, ...], dict[str, str]]] = {
    "createml": (more.createml, "CreateML, _annotations.createml.json", HEAP, {}),
    "createml, apple": (
        lambda p: more.createml(p, apple=True, file="a.json"), "CreateML, a.json", HEAP, {}),
    "createml, file": (
        lambda p: more.createml(p, apple=True, file="a.json") / "a.json", "CreateML, a.json", HEAP, {}),
    "createml, split folders": (
        lambda p: more.by_split(p, more.createml), "CreateML, _annotations.createml.json", ALL_THREE, {}),
    "via csv": (more.via_csv, "VGG Image Annotator (CSV), via_export_csv.csv", HEAP, {}),
    "via csv, version 1": (lambda p: more.via_csv(p, version=1), "VGG Image Annotator (CSV), via_export_csv.csv", HEAP, {}),
    "via csv, outlines": (
        lambda p: more.via_csv(p, outlines=True), "VGG Image Annotator (CSV), via_export_csv.csv", HEAP, {}),
    "via csv, split folders": (
        lambda p: more.by_split(p, more.via_csv), "VGG Image Annotator (CSV), via_export_csv.csv", ALL_THREE, {}),
    "image folder": (more.image_folder, "Hugging Face image folder, metadata.jsonl", HEAP, {}),
    "image folder, list of objects": (
        lambda p: more.image_folder(p, flat=False), "Hugging Face image folder, metadata.jsonl", HEAP, {}),
    "image folder, numbers": (
        lambda p: more.image_folder(p, numbers=True), "Hugging Face image folder, metadata.jsonl", HEAP, NUMBERS),
    "image folder, split folders": (
        lambda p: more.by_split(p, more.image_folder), "Hugging Face image folder, metadata.jsonl", ALL_THREE, {}),
    "image folder, numbers with names": (
        lambda p: ex.text(
            more.by_split(p, lambda folder, names: more.image_folder(folder, names, numbers=True)) / "classes.txt",
            *ex.CLASSES).parent,
        "Hugging Face image folder, metadata.jsonl", ALL_THREE, {}),
    "supervisely": (more.supervisely, "Supervisely, json files in ann/", HEAP, {}),
    "supervisely, polygons": (
        lambda p: more.supervisely(p, shape="polygon"), "Supervisely, json files in ann/", HEAP, {}),
    "supervisely, bitmaps": (
        lambda p: more.supervisely(p, shape="bitmap"), "Supervisely, json files in ann/", HEAP, {}),
    "supervisely, older names": (
        lambda p: more.supervisely(p, suffix=".json"), "Supervisely, json files in ann/", HEAP, {}),
    "supervisely, project": (more.supervisely_project, "Supervisely, json files in ann/", ALL_THREE, {}),
    "supervisely, one folder in a project": (
        lambda p: more.supervisely(p / "ds0").parent, "Supervisely, json files in ann/", HEAP, {}),
    "sku-110k": (more.sku, "CSV of eight columns, one file per split", ALL_THREE, {}),
    "make sense": (more.make_sense, "CSV of eight columns, labels_cards.csv", HEAP, {}),
    "make sense, header": (
        lambda p: more.make_sense(p, header=True), "CSV, labels_cards.csv", HEAP, {}),
    "kitti": (more.kitti, "KITTI, text files in label_2/", HEAP, {}),
    "kitti, training": (
        lambda p: (more.kitti(p / "training"), ex.draw(p / "testing" / "image_2", ["IMG 0.jpg"]))[0].parent,
        "KITTI, text files in label_2/", HEAP, {}),
    "kitti, tao": (
        lambda p: more.kitti(p, images="images", labels="labels"), "KITTI, text files in labels/", HEAP, {}),
    "kitti, split folders inside": (
        lambda p: [more.kitti(p, names, f"images/{s}", f"labels/{s}") for s, names in ex.SPLIT.items()] and p,
        "KITTI, text files in labels/", ALL_THREE, {}),
    "kitti, side by side": (
        lambda p: more.kitti(p, images=".", labels="."), "KITTI, images and text files side by side", HEAP, {}),
    "dota": (more.dota, "DOTA, text files in labelTxt/", HEAP, {}),
    "dota, turned": (lambda p: more.dota(p, turned=True), "DOTA, text files in labelTxt/", HEAP, {}),
    "dota, split folders": (
        lambda p: more.by_split(p, more.dota), "DOTA, text files in labelTxt/", ALL_THREE, {}),
    "dota, roboflow": (more.dota_of_roboflow, "DOTA, text files in labelTxt/", ALL_THREE, {}),
    "visdrone": (more.visdrone, "VisDrone, text files in annotations/", HEAP, VISDRONE),
    "visdrone, commas": (
        lambda p: more.visdrone(p, end=","), "VisDrone, text files in annotations/", HEAP, VISDRONE),
    "visdrone, split folders": (
        more.visdrone_splits, "VisDrone, text files in annotations/", ALL_THREE, VISDRONE),
}  # fmt: skip


def objects(data: Any) -> dict[str, list[tuple[Any, ...]]]:
    """What was read, in the form of the truth."""
    return {
        record.path.name: sorted(
            (data.classes[label], *box) for label, box in zip(record.labels, record.boxes, strict=True)
        )
        for record in data.records
    }


@pytest.mark.parametrize(("write", "title", "splits", "renamed"), LAYOUTS.values(), ids=LAYOUTS)
def test_the_same_objects(
    tmp_path: Path,
    write: Callable[[Path], Path],
    title: str,
    splits: tuple[str, ...],
    renamed: dict[str, str],
) -> None:
    source = write(tmp_path / "cards")
    layout = layout_of(source)
    assert layout.title == title
    assert tuple(layout.splits) == splits
    data = {split: open_dataset(source, split) for split in splits}
    found = {name: boxes for each in data.values() for name, boxes in objects(each).items()}
    truth = {
        name: sorted((renamed.get(label, label), *map(float, box)) for label, *box in boxes)
        for name, boxes in ex.TRUTH.items()
    }
    if title.startswith("CSV"):  # such tables have no row for an image without objects
        truth = {name: boxes for name, boxes in truth.items() if boxes}
    assert found == truth
    for split, each in data.items():
        assert each.findings.left_out == {}
        if splits != HEAP:
            assert set(objects(each)) <= {*ex.SPLIT[split]}


# ------------------------------------------------------------------------------------------------------ what is ignored


def test_regions_of_kitti_are_left_out_with_a_note(tmp_path: Path) -> None:
    data = open_dataset(more.kitti(tmp_path), "all")
    assert data.classes == ("background", "ace", "king")
    assert "regions to be ignored, without a class: left out: 10 (IMG 0.txt, IMG 1.txt, IMG 2.txt, …)" in data.summary


def test_what_visdrone_does_not_count_is_left_out(tmp_path: Path) -> None:
    data = open_dataset(more.visdrone(tmp_path), "all")
    assert data.classes == ("background", "car", "pedestrian")
    assert "regions to be ignored, without a class: left out: 20 " in data.summary


def test_difficult_objects_of_dota_are_ignored(tmp_path: Path) -> None:
    data = open_dataset(more.dota(tmp_path, turned=True), "all")
    crowd = {record.path.name: record.iscrowd for record in data.records}
    assert crowd == {name: [i % 2 for i in range(len(boxes))] for name, boxes in ex.TRUTH.items()}
    assert "boxes around rotated boxes: 10 " in data.summary
    assert "turned" not in open_dataset(more.dota(tmp_path / "upright"), "all").summary


def test_classes_of_dota_may_have_spaces(tmp_path: Path) -> None:
    for file in (more.dota(tmp_path) / "labelTxt").iterdir():
        file.write_text(file.read_text().replace("king", "swimming pool"))
    data = open_dataset(tmp_path, "all")
    assert data.classes == ("background", "ace", "swimming pool")
    assert sum(sum(record.iscrowd) for record in data.records) == 3


def test_turned_boxes_of_yolo_are_not_dota(tmp_path: Path) -> None:
    """They are nine numbers a line, the last of which may be negative, or written as 1e-05."""
    ex.draw(tmp_path)
    for name in ex.SIZES:
        ex.text(
            tmp_path / f"{Path(name).stem}.txt",
            "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 -0.01",
            "1 0.1 0.1 0.5 0.1 0.5 0.5 0.1 1e-05",
        )
    ex.text(tmp_path / "classes.txt", *ex.CLASSES)
    assert layout_of(tmp_path).title == "YOLO, images and labels side by side, classes.txt"


# ------------------------------------------------------------------------------------------- labels and images that lack


@pytest.mark.parametrize("write", [more.kitti, more.dota, more.visdrone], ids=["kitti", "dota", "visdrone"])
def test_labels_and_images_without_each_other(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    root = write(tmp_path)
    labels = next(path.parent for path in root.rglob("IMG 2.txt"))
    (labels / "IMG 2.txt").unlink()
    next(root.rglob("IMG 5.jpg")).unlink()
    (labels / "IMG 8.txt").write_bytes(b"\xff\xfe\x00")
    data = open_dataset(root, "all")
    assert data.findings.left_out == {
        "images left out, no annotation": {"IMG 2.jpg": 1},
        "images left out, no file": {"IMG 5": 1},
        "images left out, labels are not text": {"IMG 8.txt": 1},
    }
    assert {record.path.name for record in data.records} == {*ex.SIZES} - {"IMG 2.jpg", "IMG 5.jpg", "IMG 8.jpg"}


@pytest.mark.parametrize(
    "rename",
    [lambda name: f"{name}.txt", lambda name: f"{Path(name).stem.lower()}.txt"],
    ids=["a.jpg.txt", "lower case"],
)
def test_names_of_labels(tmp_path: Path, rename: Callable[[str], str]) -> None:
    for file in [*(more.kitti(tmp_path) / "label_2").iterdir()]:
        file.rename(file.with_name(rename(f"{file.stem}.jpg")))
    data = open_dataset(tmp_path, "all")
    assert len(data) == 10
    assert data.findings.left_out == {}


def test_the_left_camera_comes_first(tmp_path: Path) -> None:
    """KITTI has images of two cameras, of one name; the labels are of those in image_2."""
    more.kitti(tmp_path)
    ex.draw(tmp_path / "image_3")
    data = open_dataset(tmp_path, "all")
    assert len(data) == 10
    assert {record.path.parent.name for record in data.records} == {"image_2"}


def test_images_elsewhere(tmp_path: Path) -> None:
    """The parts of KITTI come as archives with folders of their own."""
    root = more.kitti(tmp_path, images="image/training/image_2", labels="label/training/label_2")
    data = open_dataset(root / "label", "all", images=root / "image")
    assert len(data) == 10


# ------------------------------------------------------------------------------------------- one thing that is not right


def rewritten(file: Path, old: str, new: str) -> Path:
    content = file.read_text(encoding="utf-8")
    assert old in content
    file.write_text(content.replace(old, new, 1), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("write", "file", "old", "new", "finding"),
    [
        (more.createml, "_annotations.createml.json", '"label": "ace"', '"label": null', "boxes refused, no class name"),
        (more.createml, "_annotations.createml.json", '"width": 40', '"width": "wide"', "boxes refused, not a label with four numbers"),
        (more.createml, "_annotations.createml.json", '"image": "IMG 3.jpg"', '"image": 3', "images left out, no file name"),
        (more.via_csv, "via_export_csv.csv", '"{""name"": ""rect""', '"{""name"": rect', "boxes refused, its shape is not json"),
        (more.via_csv, "via_export_csv.csv", '{""card"": ""ace""}', "{}", "boxes refused, no class name"),
        (more.via_csv, "via_export_csv.csv", '""x"": 1,', '""x"": null,', "boxes refused, not four numbers"),
        (more.image_folder, "metadata.jsonl", "[[1, 2, 40, 50]]", "[[1, 2, 40]]", "boxes refused, not four numbers"),
        (more.image_folder, "metadata.jsonl", '["ace"]', "[]", "boxes refused, no class name"),
        (more.image_folder, "metadata.jsonl", '{"file_name": "IMG 3.jpg"', '{"file": "IMG 3.jpg"', "images left out, no file name"),
        (more.image_folder, "metadata.jsonl", '{"file_name": "IMG 3.jpg", ', "IMG 3.jpg", "images left out, no file name"),
        (more.supervisely, "ann/IMG 2.jpg.json", '"classTitle": "king"', '"classTitle": ""', "boxes refused, no class name"),
        (more.supervisely, "ann/IMG 2.jpg.json", "[[7, 4]", "[[7]", "boxes refused, not a figure with a class and points"),
        (more.supervisely, "ann/IMG 2.jpg.json", '"rectangle"', '"graph"', "boxes refused, points and lines have no area"),
        (more.supervisely, "ann/IMG 2.jpg.json", '"size": {', '"sizes": {', "images left out, annotation is not Supervisely's json"),
        (more.sku, "annotations/annotations_train.csv", ",100,68", ",100", "rows left out, too short"),
        (more.make_sense, "labels_cards.csv", "\nking,", "\n,", "boxes refused, no class name"),
        (more.kitti, "label_2/IMG 2.txt", " -1.59", "", "boxes refused, line does not have 15 words"),
        (more.kitti, "label_2/IMG 2.txt", " 7.00 ", " x ", "boxes refused, not four numbers"),
        (more.dota, "labelTxt/IMG 2.txt", "7.0 4.0", "7.0 four", "boxes refused, not eight numbers"),
        (more.dota, "labelTxt/IMG 2.txt", " king 0", "", "boxes refused, no class name"),
        (more.visdrone, "annotations/IMG 2.txt", "1,4,0,0", "1,12,0,0", "boxes refused, no class with that number"),
        (more.visdrone, "annotations/IMG 2.txt", "1,4,0,0", "", "boxes refused, not eight numbers"),
    ],
    ids=["createml, no label", "createml, no number", "createml, no image", "via csv, no json", "via csv, no class",
         "via csv, no number", "image folder, three numbers", "image folder, fewer classes", "image folder, no name",
         "image folder, no json", "supervisely, no class",
         "supervisely, one number", "supervisely, other shape", "supervisely, other json", "sku-110k, short", "make sense, no class", "kitti, short", "kitti, no number",
         "dota, no number", "dota, no class", "visdrone, other class", "visdrone, short"],
)  # fmt: skip
def test_one_bad_place_costs_only_itself(
    tmp_path: Path, write: Callable[[Path], Path], file: str, old: str, new: str, finding: str
) -> None:
    root = write(tmp_path)
    split = "train" if write is more.sku else "all"
    before = open_dataset(root, split)
    rewritten(root / file, old, new)
    after = open_dataset(root, split)
    assert [*after.findings.left_out] == [finding]
    assert after.findings.left_out[finding].total() == 1
    lost = [name for name, boxes in objects(before).items() if objects(after).get(name) != boxes]
    assert len(lost) == 1


def test_corners_in_the_place_of_centers(tmp_path: Path) -> None:
    """Nothing in a file of CreateML says so, but a center never lies so near to the edge."""
    note = "boxes that begin outside the image: x and y may be a corner, not the centre"
    file = more.createml(tmp_path) / "_annotations.createml.json"
    assert note not in open_dataset(tmp_path, "all").findings.noted
    content = json.loads(file.read_text())
    for entry in content:
        for annotation in entry["annotations"]:
            coordinates = annotation["coordinates"]
            coordinates["x"] -= coordinates["width"] / 2
            coordinates["y"] -= coordinates["height"] / 2
    ex.dump(file, content)
    data = open_dataset(tmp_path, "all")
    boxes = [box for boxes in ex.TRUTH.values() for _, *box in boxes]
    outside = sum(min(x0 - (x1 - x0) / 2, y0 - (y1 - y0) / 2) < -1 for x0, y0, x1, y1 in boxes)
    assert data.findings.noted[note].total() == outside > 5


def test_annotations_and_images_of_supervisely_without_each_other(tmp_path: Path) -> None:
    ex.draw(more.supervisely(tmp_path) / "masks_human", ["IMG 0.jpg"], lambda name: f"drawn {name}")
    (tmp_path / "ann" / "IMG 2.jpg.json").unlink()
    (tmp_path / "img" / "IMG 5.jpg").unlink()
    data = open_dataset(tmp_path, "all")
    assert data.findings.left_out == {
        "images left out, no annotation": {"IMG 2.jpg": 1},
        "images left out, no file": {"IMG 5.jpg": 1},
    }
    assert len(data) == 8


@pytest.mark.parametrize(
    "data", ["", "eJwB", "x", "bm90IGEgUE5H", base64.b64encode(zlib.compress(b"no PNG" * 9)).decode()]
)
def test_bitmaps_that_are_none(tmp_path: Path, data: str) -> None:
    file = more.supervisely(tmp_path, shape="bitmap") / "ann" / "IMG 2.jpg.json"
    content = json.loads(file.read_text())
    content["objects"][0]["bitmap"]["data"] = data
    ex.dump(file, content)
    left_out = open_dataset(tmp_path, "all").findings.left_out
    assert left_out == {"boxes refused, not a figure with a class and points": {"IMG 2.jpg.json": 1}}


def test_numbers_without_names(tmp_path: Path) -> None:
    data = open_dataset(more.image_folder(tmp_path, numbers=True), "all")
    assert data.classes == ("background", "0", "1")
    assert "classes are numbers without names; name them in classes.txt beside the file" in data.summary


def test_numbers_that_the_list_does_not_name(tmp_path: Path) -> None:
    ex.text(more.image_folder(tmp_path, numbers=True) / "classes.txt", "ace")
    data = open_dataset(tmp_path, "all")
    assert data.classes == ("background", "ace")
    assert data.findings.left_out["boxes refused, no class with that number"].total() == 6


def test_a_table_of_numbers_is_no_table_of_boxes(tmp_path: Path) -> None:
    """Eight columns alone say nothing: one of the two names must be that of an image."""
    for row in (["a", 1, 2, 3, 4, "b", 5, 6], ["a.jpg", 1, 2, 3, 4, "b.jpg", 5, 6], ["a.jpg", 1, 2, 3, "x", "b", 5, 6]):
        with pytest.raises(ValueError, match=r"no data set at"):
            layout_of(ex.table(tmp_path / "x.csv", [row]))


def test_labels_in_folders_for_the_splits_with_images_together(tmp_path: Path) -> None:
    """An image of another split is not one without an annotation: `--strict` takes such a data set."""
    more.kitti(tmp_path)
    for split, names in ex.SPLIT.items():
        (tmp_path / "label_2" / split).mkdir()
        for name in names:
            file = tmp_path / "label_2" / f"{Path(name).stem}.txt"
            file.rename(tmp_path / "label_2" / split / file.name)
    for split, names in ex.SPLIT.items():
        assert len(open_dataset(tmp_path, split, strict=True)) == len(names)
