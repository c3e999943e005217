"""The same ten images in every arrangement that tools export: each is recognised, and gives the same objects."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import pytest

from frcnn_edu.data import open_dataset
from frcnn_edu.data.records import TooFewImagesError
from frcnn_edu.data.sources import layout_of

WINDOWS = (
    "train: C:\\Users\\me\\cards\\train\\images\nval: C:\\Users\\me\\cards\\val\\images\nnc: 2\nnames: [ace, king]"
)
ROBOFLOW = "train: ../train/images\nval: ../val/images\ntest: ../test/images\n\nnc: 2\nnames: ['ace', 'king']"
STEM = lambda name: Path(name).stem  # noqa: E731

# Writer, title of what is recognised, and splits; "heap" is one that comes without.
HEAP, ALL_THREE = ("train", "val"), ("train", "val", "test")
LAYOUTS: dict[str, tuple[Callable[[Path], Path], str, tuple[str, ...]]] = {
    "voc": (ex.voc, "Pascal VOC, JPEGImages/ and Annotations/", HEAP),
    "voc, lower case": (lambda p: ex.voc(p, "images", "annotations"), "Pascal VOC, images/ and annotations/", HEAP),
    "voc, xmls in a folder": (
        lambda p: ex.voc(p, "images", "annotations/xmls"), "Pascal VOC, images/ and annotations/", HEAP),
    "voc, side by side": (lambda p: ex.voc(p, ".", "."), "Pascal VOC, images and xml side by side", HEAP),
    "voc, split folders": (ex.voc_split_folders, "Pascal VOC, images and xml side by side", ALL_THREE),
    "voc, split folders in images": (
        lambda p: ex.voc_split_folders(p / "images", ("Training", "Dev", "Testing")).parent,
        "Pascal VOC, images and xml side by side", ALL_THREE),
    "voc, mirrored": (ex.voc_mirrored, "Pascal VOC, images/ and annotations/", ALL_THREE),
    "voc, image sets": (lambda p: ex.voc_sets(p, **ex.SPLIT), "Pascal VOC, JPEGImages/ and Annotations/", ALL_THREE),
    "voc, other names": (
        lambda p: ex.voc_sets(p, trainval=ex.SPLIT["train"], Validation=ex.SPLIT["val"], test=ex.SPLIT["test"]),
        "Pascal VOC, JPEGImages/ and Annotations/", ALL_THREE),
    "voc, suffixes": (
        lambda p: ex.voc_sets(p, str, **ex.SPLIT), "Pascal VOC, JPEGImages/ and Annotations/", ALL_THREE),
    "voc, folders in names": (
        lambda p: ex.voc_sets(p, lambda name: f"JPEGImages/{name}", **ex.SPLIT),
        "Pascal VOC, JPEGImages/ and Annotations/", ALL_THREE),
    "voc, default": (
        lambda p: ex.voc_sets(p, default=list(ex.SIZES)), "Pascal VOC, JPEGImages/ and Annotations/", HEAP),
    "voc, in a folder": (
        lambda p: ex.voc(p / "VOCdevkit" / "VOC2012").parent.parent, "Pascal VOC, JPEGImages/ and Annotations/", HEAP),
    "voc, outlines": (ex.voc_outlines, "Pascal VOC, images and xml side by side", HEAP),
    "voc, outlines of labelme's": (
        lambda p: ex.voc_outlines(p, points=True), "Pascal VOC, images and xml side by side", HEAP),
    "coco, file": (lambda p: ex.coco_files(p, "all.json", "images", {"": list(ex.SIZES)}), "COCO, all.json", HEAP),
    "coco, beside": (lambda p: ex.coco_files(p, "all.json", ".", {"": list(ex.SIZES)}), "COCO, all.json", HEAP),
    "coco, data": (lambda p: ex.coco_files(p, "labels.json", "data", {"": list(ex.SIZES)}), "COCO, labels.json", HEAP),
    "coco, default": (
        lambda p: ex.coco_files(p, "annotations/instances_default.json", "images/default", {"": list(ex.SIZES)}),
        "COCO, instances_default.json", HEAP),
    "coco, years": (
        lambda p: ex.coco_files(p, "annotations/instances_{}2017.json", "{}2017"), "COCO, one file per split", ALL_THREE),
    "coco, own names": (
        lambda p: ex.coco_files(p, "annotations/custom_{}.json", "{}2017"), "COCO, one file per split", ALL_THREE),
    "coco, one folder": (lambda p: ex.coco_files(p, "instances_{}.json", "images"), "COCO, one file per split", ALL_THREE),
    "coco, image folders": (
        lambda p: ex.coco_files(p, "annotations/{}.json", "images/{}"), "COCO, one file per split", ALL_THREE),
    "coco, split folders": (
        lambda p: ex.coco_files(p, "{}/_annotations.coco.json", "{}"), "COCO, _annotations.coco.json", ALL_THREE),
    "coco, text ids": (
        lambda p: (ex.draw(p / "images"), ex.dump(p / "x.json", ex.coco(ids=str)))[1], "COCO, x.json", HEAP),
    "coco, named ids": (
        lambda p: (ex.draw(p / "images"), ex.dump(p / "x.json", ex.coco(ids=lambda i: f"id-{i}")))[1],
        "COCO, x.json", HEAP),
    "coco, outlines": (ex.coco_outlines, "COCO, outlines.json", HEAP),
    "coco, folders in names": (
        lambda p: ex.coco_named(p, lambda name: f"images/{name}"), "COCO, result.json", HEAP),
    "coco, foreign folders": (
        lambda p: ex.coco_named(p, lambda name: f"..\\..\\label-studio\\media\\{name}"), "COCO, result.json", HEAP),
    "coco, drives": (lambda p: ex.coco_named(p, lambda name: f"D:/cards/{name}"), "COCO, result.json", HEAP),
    "coco, another case": (lambda p: ex.coco_named(p, str.upper), "COCO, result.json", HEAP),
    "coco, %20": (
        lambda p: ex.coco_named(p, lambda name: "images/" + name.replace(" ", "%20")), "COCO, result.json", HEAP),
    "coco, uploads": (
        lambda p: ex.coco_named(p, lambda name: f"upload/12/0f1e2d3c-{name}"), "COCO, result.json", HEAP),
    "yolo": (lambda p: ex.yolo_splits(p, ROBOFLOW), "YOLO, data.yaml", ALL_THREE),
    "yolo, file": (lambda p: ex.yolo_splits(p, ROBOFLOW) / "data.yaml", "YOLO, data.yaml", ALL_THREE),
    "yolo, names as a dict": (
        lambda p: ex.yolo_splits(p, ROBOFLOW.replace("['ace', 'king']", "{1: king, 0: ace}")),
        "YOLO, data.yaml", ALL_THREE),
    "yolo, windows": (lambda p: ex.yolo_splits(p, WINDOWS), "YOLO, data.yaml", HEAP),
    "yolo, path": (
        lambda p: ex.yolo_splits(
            p, "path: ../datasets/cards\ntrain: images/train\nval: images/val\ntest: images/test\nnames:\n  0: ace\n  1: king",
            "images/{}", "labels/{}"),
        "YOLO, data.yaml", ALL_THREE),
    "yolo, lists of folders": (
        lambda p: ex.yolo_splits(p, "train: [train/images, test/images]\nval: val/images\nnames: [ace, king]"),
        "YOLO, data.yaml", HEAP),
    "yolo, patterns": (
        lambda p: ex.yolo_splits(p, ROBOFLOW.replace("/images", "/images/*.jpg")), "YOLO, data.yaml", ALL_THREE),
    "yolo, text files": (ex.yolo_lists, "YOLO, cards.yaml", ALL_THREE),
    "yolo, outlines": (lambda p: ex.yolo_splits(p, ROBOFLOW, outline=True), "YOLO, data.yaml", ALL_THREE),
    "yolo, classes.txt": (
        lambda p: (ex.yolo(p, "images", "labels"), ex.text(p / "classes.txt", "ace", "king"))[0],
        "YOLO, images/, labels/ and classes.txt", HEAP),
    "yolo, side by side": (
        lambda p: (ex.yolo(p, ".", "."), ex.text(p / "classes.txt", "ace", "king"))[0],
        "YOLO, images and labels side by side, classes.txt", HEAP),
    "yolo, classes.txt and folders": (
        lambda p: (ex.yolo_splits(p, "", "images/{}", "labels/{}"), (p / "data.yaml").unlink(),
                   ex.text(p / "classes.txt", "ace", "king"))[0],
        "YOLO, classes.txt and folders for the splits", ALL_THREE),
    "yolo, darknet": (ex.darknet, "YOLO, obj.data", HEAP),
    "csv, tensorflow": (
        lambda p: (ex.draw(p / "images"), ex.table(p / "labels.csv", ex.tensorflow_rows()))[1], "CSV, labels.csv", HEAP),
    "csv, semicolons": (
        lambda p: (ex.draw(p), ex.table(p / "labels.csv", ex.tensorflow_rows(), ";"))[1], "CSV, labels.csv", HEAP),
    "csv, split files": (
        lambda p: [(ex.draw(p / "images" / s, n), ex.table(p / f"{s}_labels.csv", ex.tensorflow_rows(n)))
                   for s, n in ex.SPLIT.items()] and p,
        "CSV, one file per split", ALL_THREE),
    "csv, split folders": (
        lambda p: [(ex.draw(p / s, n), ex.table(p / s / "_annotations.csv", ex.tensorflow_rows(n)))
                   for s, n in ex.SPLIT.items()] and p,
        "CSV, _annotations.csv", ALL_THREE),
    "csv, retinanet": (
        lambda p: (ex.draw(p / "images"), ex.table(p / "annotations.csv", ex.retinanet_rows()),
                   ex.table(p / "classes.csv", [["ace", 0], ["king", 1]])) and p,
        "CSV, annotations.csv", HEAP),
    "csv, retinanet, other folders": (
        lambda p: (ex.draw(p / "images"), ex.table(p / "annotations.csv", ex.retinanet_rows("/home/me/pics/")))[1],
        "CSV, annotations.csv", HEAP),
    "csv, open images": (ex.open_images, "CSV, validation-annotations-bbox.csv", ("val",)),
    "labelme": (ex.labelme, "labelme, images and json side by side", HEAP),
    "labelme, outlines": (lambda p: ex.labelme(p, "polygon"), "labelme, images and json side by side", HEAP),
    "via": (ex.via, "VGG Image Annotator, via_project.json", HEAP),
    "via, version 1": (lambda p: ex.via(p, 1), "VGG Image Annotator, via_project.json", HEAP),
    "label studio": (ex.label_studio, "Label Studio, project-7-at-2026.json", HEAP),
    "label studio, json-min": (lambda p: ex.label_studio(p, True), "Label Studio, project-7-at-2026.json", HEAP),
    "cvat": (ex.cvat, "CVAT for images, annotations.xml", HEAP),
    "cvat, subsets": (lambda p: ex.cvat(p, True), "CVAT for images, annotations.xml", ALL_THREE),
}  # fmt: skip


def objects(data: Any) -> dict[str, list[tuple[Any, ...]]]:
    """What was read, in the form of the truth."""
    return {
        record.path.name: sorted(
            (data.classes[label], *(round(side) for side in box))
            for label, box in zip(record.labels, record.boxes, strict=True)
        )
        for record in data.records
    }


@pytest.mark.parametrize(("write", "title", "splits"), LAYOUTS.values(), ids=LAYOUTS)
def test_the_same_objects(tmp_path: Path, write: Callable[[Path], Path], title: str, splits: tuple[str, ...]) -> None:
    source = write(tmp_path / "cards")
    layout = layout_of(source)
    assert layout.title == title
    assert tuple(layout.splits) == splits
    data = {split: open_dataset(source, split) for split in splits}
    found = {name: boxes for each in data.values() for name, boxes in objects(each).items()}
    listed = set().union(*(objects(each) for each in data.values()))
    truth = {name: sorted(boxes) for name, boxes in ex.TRUTH.items()}
    if title.startswith("CSV") and "retinanet" not in str(write):  # a table of boxes has no row for images without
        truth = {name: boxes for name, boxes in truth.items() if boxes or name in found}
    if title == "YOLO, data.yaml" and splits == HEAP:  # the yaml names no test, or takes it for training
        truth = {name: truth[name] for name in listed}
        assert len(truth) >= 8
    assert found == truth
    for split, each in data.items():
        assert each.findings.left_out == {}
        if splits != HEAP:
            assert set(objects(each)) <= {*ex.SPLIT[split]} or splits == ("val",)


def test_one_line_tells_what_was_recognised(tmp_path: Path) -> None:
    heap, folders = ex.voc(tmp_path / "heap"), ex.voc_split_folders(tmp_path / "folders")
    assert layout_of(heap).in_words(10, 2) == (
        "Pascal VOC, JPEGImages/ and Annotations/: 10 images, 2 classes, no splits: every fifth image is for val"
    )
    assert layout_of(folders).in_words(8, 2, ["train", "val"]) == (
        "Pascal VOC, images and xml side by side: 8 images in train and val, 2 classes, split by the folders train/, valid/ and test/"
    )
    assert layout_of(folders).in_words(1, 1) == (
        "Pascal VOC, images and xml side by side: 1 image, 1 class, split by the folders train/, valid/ and test/"
    )


@pytest.mark.parametrize("folder", ["export", "my_test_data", "train"])
def test_a_file_is_read_whole(tmp_path: Path, folder: str) -> None:
    """Whatever its folder is called: `evaluate` on a file measures all its images."""
    ex.coco_files(tmp_path / folder, "cards.json", ".", {"": list(ex.SIZES)})
    assert len(open_dataset(tmp_path / folder / "cards.json", "all")) == 10
    assert len(open_dataset(tmp_path / folder, "all")) == 10


def test_a_train_file_finds_the_others(tmp_path: Path) -> None:
    root = ex.coco_files(tmp_path, "{}/_annotations.coco.json", "{}")
    for split, count in (("train", 6), ("val", 2), ("test", 2)):
        assert len(open_dataset(root / "train" / "_annotations.coco.json", split)) == count
        assert len(open_dataset(root / split / "_annotations.coco.json", "all")) == count


def test_augmented_copies_are_not_parted(tmp_path: Path) -> None:
    """In a set that is divided, copies of one photograph are all for training or all for validation."""
    names = [f"a{i}_jpg.rf.{'0f' * 4}{copy}.jpg" for i in range(10) for copy in range(3)]
    for name in names:
        ex.draw(tmp_path, ["IMG 0.jpg"], lambda _, name=name: name)
    content = ex.coco(["IMG 0.jpg"])
    content["images"] = [{"id": i, "file_name": name} for i, name in enumerate(names)]
    file = ex.dump(tmp_path / "train.json", content)
    stems = {
        split: {record.path.name.split(".rf.")[0] for record in open_dataset(file, split).records}  # type: ignore[union-attr]
        for split in ("train", "val")
    }
    assert (len(stems["train"]), len(stems["val"])) == (8, 2)
    assert not stems["train"] & stems["val"]


# -------------------------------------------------------------------------------------------------- what is not understood


def pile(root: Path, *names: str) -> Path:
    for name in names:
        ex.text(root / name, "")
    return root


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda p: pile(p, "a.docx"), r"found 1 \.docx\. Supported formats: Pascal VOC, COCO, YOLO"),
        (lambda p: (ex.draw(p), p)[1], r"found 10 \.jpg; there are images, but no annotations\. Supported formats"),
        (lambda p: ex.yolo(p, ".", "."), r"YOLO labels without class names: add data\.yaml, or classes\.txt"),
        (lambda p: ex.yolo(p, "images", "labels"), r"YOLO labels without class names"),
        (lambda p: ex.text(p / "data.yaml", "train: a/images\nval: b\nnames: [x]").parent, r"data\.yaml has the line train: a/images, but nothing of that name is in .*cards. Correct the line, or remove it"),
        (lambda p: ex.yolo(p, "images", "labels") and ex.text(p / "data.yaml", "train: images\nnc: 2").parent, r"add a line to data\.yaml, such as names: \[cat, dog\]"),
        (lambda p: [path.unlink() for path in (ex.voc(p, "Annotations") / "Annotations").glob("*.jpg")] and p, r"the xml files are Pascal VOC's, but their images are not here; name their folder with --images"),
        (lambda p: [path.unlink() for path in (ex.voc(p, ".", ".") / ".").glob("*.jpg")] and p, r"found 10 \.xml; the xml files are Pascal VOC's, but their images are not here; name their folder with --images"),
        (lambda p: ex.text(p / "data.yaml", "train: [\n").parent, r"cannot read .*data\.yaml as yaml"),
        (lambda p: ex.text(p / "data.yaml", "names: !!python/object/apply:os.system ['true']"), r"cannot read .*data\.yaml as yaml"),
        (lambda p: ex.text(p / "data.yaml", "names: 5\ntrain: ."), r"data\.yaml has no usable names"),
        (lambda p: [ex.yolo(p, "x", "labels"), ex.text(p / "classes.txt", "ace", "king"), ex.dump(p / "notes.json", {"categories": [], "info": {}}), *(path.unlink() for path in (p / "x").iterdir())] and p, r"holds YOLO labels, but no images beside them or in images/; name their folder with --images FOLDER"),
        (lambda p: pile(p, "cards.zip"), r"found 1 \.zip; unpack the archive, then give its folder"),
        (lambda p: pile(p, "cards.zip") / "cards.zip", r"it is an archive; unpack it"),
        (lambda p: ex.dump(p / "x.json", {"boxes": []}), r"it is not the json of any tool known here"),
        (lambda p: ex.table(p / "x.csv", [["a", "b"]]), r"the table needs columns for file name, xmin"),
        (lambda p: [ex.voc(p / name) for name in "ab"] and p, r"holds several data sets; did you mean .*a or .*b\?"),
        (lambda p: [ex.dump(p / f"{name}.json", ex.coco()) for name in "ab"] and p, r"holds several COCO files: a\.json, b\.json"),
    ],
    ids=["nothing", "images alone", "labels beside", "labels apart", "lost paths", "names missing", "xml alone in Annotations", "xml alone", "no yaml", "hostile yaml", "no names",
         "labels without images", "archive in a folder", "archive", "other json", "other table", "two data sets", "two files"],
)  # fmt: skip
def test_what_is_found_is_said(tmp_path: Path, write: Callable[[Path], Path], message: str) -> None:
    source = write(tmp_path / "cards")
    with pytest.raises(ValueError, match=message) as raised:
        layout_of(source)
    assert str(source) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("write", "part", "title"),
    [
        (lambda p: ex.yolo_splits(p, ROBOFLOW), "train", "YOLO, data.yaml"),
        (ex.voc, "Annotations", "Pascal VOC, JPEGImages/ and Annotations/"),
        (ex.voc, "JPEGImages", "Pascal VOC, JPEGImages/ and Annotations/"),
        (lambda p: ex.coco_files(p, "{}.json", "images"), "images", "COCO, one file per split"),
    ],
    ids=["split", "annotations", "images", "images of coco"],
)
def test_the_folder_above_is_named(tmp_path: Path, write: Callable[[Path], Path], part: str, title: str) -> None:
    root = write(tmp_path / "cards")
    with pytest.raises(ValueError, match=re.escape(f"Did you mean the folder above, {root} ({title})?")):
        layout_of(root / part)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pile(tmp_path, "a.jpg", "boxes.csv")
    monkeypatch.setattr(
        "os.access", lambda path, mode: Path(path).suffix != ".csv"
    )  # who runs tests may read everything
    with pytest.raises(ValueError, match=r"; there is no permission to read boxes\.csv\. Supported formats"):
        layout_of(tmp_path)


@pytest.mark.parametrize("split", ["train", "val"])
def test_too_few_images_to_divide(tmp_path: Path, split: str) -> None:
    ex.draw(tmp_path, ["IMG 0.jpg"])
    file = ex.dump(tmp_path / "one.json", ex.coco(["IMG 0.jpg"]))
    if split == "val":
        assert len(open_dataset(file, "val")) == 1
        return
    with pytest.raises(ValueError, match=r"one\.json has only 1 image, too few to divide: none is left for train\."):
        open_dataset(file, "train")
    ex.dump(tmp_path / "one_train.json", ex.coco(["IMG 0.jpg"]))
    ex.dump(tmp_path / "one_val.json", ex.coco(["IMG 0.jpg"]))
    assert [len(open_dataset(tmp_path / "one_train.json", split)) for split in ("train", "val")] == [1, 1]


@pytest.mark.parametrize("copies", [2, 3, 5])
def test_copies_of_one_image_cannot_be_divided(tmp_path: Path, copies: int) -> None:
    names = [f"IMG 0_jpg.rf.{copy}{'0f' * 4}.jpg" for copy in range(copies)]
    for name in names:
        ex.draw(tmp_path, ["IMG 0.jpg"], lambda _, name=name: name)
    content = ex.coco(["IMG 0.jpg"])
    objects = [{**content["annotations"][0], "id": i, "image_id": i} for i in range(copies)]
    content |= {"images": [{"id": i, "file_name": name} for i, name in enumerate(names)], "annotations": objects}
    file = ex.dump(tmp_path / "copies.json", content)
    assert len(open_dataset(file, "val")) == copies
    some = ", ".join(names[:2]) + (", …" if copies > 2 else "")
    with pytest.raises(ValueError, match="nothing is left for train") as caught:
        open_dataset(file, "train")
    assert f"all {copies} images are copies of one ({some}): nothing is left for train." in str(caught.value)
    assert not isinstance(caught.value, TooFewImagesError)


def test_labels_without_names_beside_a_coco_file(tmp_path: Path) -> None:
    """What can be read is read, whatever else lies there."""
    ex.yolo(tmp_path, "images", "labels")
    ex.dump(tmp_path / "annotations" / "all.json", ex.coco())
    assert layout_of(tmp_path).title == "COCO, all.json"


def test_images_elsewhere(tmp_path: Path) -> None:
    file = ex.dump(tmp_path / "labels" / "all.json", ex.coco())
    ex.draw(tmp_path.parent / "far" / "away")
    with pytest.raises(
        ValueError, match=r"none of the 8 files was found; IMG 1\.jpg, for example, was looked for in .*--images"
    ):
        open_dataset(file, "train")
    assert len(open_dataset(file, "all", images=tmp_path.parent / "far" / "away")) == 10
    with pytest.raises(ValueError, match=r"--images .*nowhere is not a folder"):
        open_dataset(file, "all", images=tmp_path / "nowhere")


def test_names_that_mean_several_files(tmp_path: Path) -> None:
    """The folder in the name decides, then the split; where neither does, nothing is guessed."""
    ex.coco_files(tmp_path, "annotations/instances_{}.json", "somewhere/{}")
    for split in ("train", "val"):
        ex.draw(tmp_path / "somewhere" / split, ["IMG 9.jpg"])
    content = ex.coco(["IMG 9.jpg", "IMG 0.jpg"])
    content["images"][0]["file_name"] = "val/IMG 9.jpg"
    file = ex.dump(tmp_path / "annotations" / "own.json", content)
    assert {r.path.parent.name for r in open_dataset(file, "all").records if r.path.name == "IMG 9.jpg"} == {"val"}  # type: ignore[union-attr]
    content["images"][0]["file_name"] = "IMG 9.jpg"
    data = open_dataset(ex.dump(file, content), "all")
    assert "images left out, several files of that name: 1 (IMG 9.jpg)" in data.summary  # type: ignore[union-attr]


@pytest.mark.parametrize("encoding", ["gb2312", "GBK", "Shift_JIS", "EUC-KR", "utf-16", "windows-1252", "utf-8"])
def test_annotations_are_decoded_as_they_declare(tmp_path: Path, encoding: str) -> None:
    words = {"windows-1252": "Löwe", "utf-8": "狗", "utf-16": "狗", "Shift_JIS": "犬", "EUC-KR": "개"}
    word = words.get(encoding, "狗")
    ex.voc(tmp_path)
    for name in ex.SIZES:
        content = ex.xml(name, lambda label: word if label == "ace" else label, encoding)
        ex.text(tmp_path / "Annotations" / f"{Path(name).stem}.xml", content, encoding=encoding)
    assert open_dataset(tmp_path, "train").classes == ("background", *sorted(["king", word]))


def test_the_reason_is_told_where_every_annotation_fails(tmp_path: Path) -> None:
    ex.voc(tmp_path)
    for name in ex.SIZES:
        ex.text(
            tmp_path / "Annotations" / f"{Path(name).stem}.xml", '<?xml version="1.0" encoding="klingon"?><annotation/>'
        )
    with pytest.raises(
        ValueError, match=r"no objects with a class name: images left out, annotation is not XML"
    ) as raised:
        open_dataset(tmp_path, "train")
    assert len(re.findall("annotation is not XML", str(raised.value))) == 1
