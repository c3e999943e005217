from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from frcnn_edu.data import VOCDetection
from frcnn_edu.data.formats.xml_files import parse_xml

Objects = Sequence[tuple[str, object, object, object, object]]


def write_annotation(
    root: Path, name: str, objects: Objects, size: tuple[int, int] | None = (40, 30), difficult: str = "0"
) -> Path:
    """Objects are (class, xmin, ymin, xmax, ymax), counted from 1 as in VOC's files."""
    parts = ["<annotation><filename>misleading.jpg</filename>"]
    if size:
        parts.append(f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>")
    for label, xmin, ymin, xmax, ymax in objects:
        box = f"<xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax>"
        parts.append(f"<object><name>{label}</name><difficult>{difficult}</difficult><bndbox>{box}</bndbox></object>")
    path = root / "Annotations" / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join([*parts, "</annotation>"]), encoding="utf-8")
    return path


def write_image_set(root: Path, image_set: str, names: Sequence[str]) -> None:
    path = root / "ImageSets" / "Main" / f"{image_set}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(names) + "\n")


@pytest.fixture
def voc(tmp_path: Path, make_image: Callable[..., Path]) -> Path:
    """Two training photographs, one for validation."""
    for name, objects in {
        "a": [("dog", 1, 1, 40, 30), ("cat", 11, 6, 20, 15)],
        "b": [],
        "c": [("bird", 5, 5, 9, 9)],
    }.items():
        make_image(tmp_path / "JPEGImages" / f"{name}.jpg")
        write_annotation(tmp_path, name, objects)
    write_image_set(tmp_path, "train", ["a", "b"])
    write_image_set(tmp_path, "val", ["c"])
    return tmp_path


def one_object(voc: Path, *box: object) -> tuple[list[list[float]], str]:
    """The boxes and the summary that come of one annotated box."""
    write_annotation(voc, "a", [("dog", *box)])
    dataset = VOCDetection(voc)
    return dataset[0][1]["boxes"].tolist(), dataset.summary


def test_items(voc: Path) -> None:
    dataset = VOCDetection(voc, "train")
    assert len(dataset) == 2
    image, target = dataset[0]
    assert image.shape == (3, 30, 40)
    # From pixels 1 … 40, counted from 1 and both inside, to the edges 0 and 40.
    assert target["boxes"].tolist() == [[0, 0, 40, 30], [10, 5, 20, 15]]
    assert target["area"].tolist() == [1200, 100]
    assert target["iscrowd"].tolist() == [0, 0]
    assert [dataset.classes[i] for i in target["labels"]] == ["dog", "cat"]
    assert target["image_id"] == 0
    assert dataset.summary == "2 images, 2 boxes"


def test_an_image_without_objects(voc: Path) -> None:
    target = VOCDetection(voc)[1][1]
    assert target["boxes"].shape == (0, 4)
    assert target["boxes"].dtype == target["area"].dtype == torch.float32
    assert target["labels"].dtype == target["iscrowd"].dtype == torch.int64


def test_classes_are_the_same_in_every_set(voc: Path) -> None:
    assert VOCDetection(voc, "train").classes == ("background", "bird", "cat", "dog")
    assert VOCDetection(voc, "val").classes == ("background", "bird", "cat", "dog")


@pytest.mark.parametrize("classes", [("dog", "fish"), ["background", "dog", "fish"]])
def test_classes_can_be_given(voc: Path, classes: Sequence[str]) -> None:
    dataset = VOCDetection(voc, classes=classes)
    assert dataset.classes == ("background", "dog", "fish")
    assert dataset[0][1]["labels"].tolist() == [1]
    assert "boxes of other classes left out: 1 (cat)" in dataset.summary


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        ("dog", TypeError, "the string 'dog'"),
        (["dog", "cat", "dog"], ValueError, "dog twice"),
        (["dog", "background"], ValueError, "background twice"),
        ([], ValueError, "at least one name besides the background"),
        (["fish"], ValueError, "bird, cat, dog, none of fish"),
    ],
)
def test_classes_that_make_no_sense(voc: Path, classes: Sequence[str], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        VOCDetection(voc, classes=classes)


def test_difficult_objects_are_to_be_ignored(voc: Path) -> None:
    write_annotation(voc, "a", [("dog", 1, 1, 9, 9)], difficult="1")
    assert VOCDetection(voc)[0][1]["iscrowd"].tolist() == [1]


@pytest.mark.parametrize(
    ("box", "expected", "note"),
    [
        ((20, 15, 11, 6), [10, 5, 20, 15], "boxes corrected, swapped corners: 1 (a)"),
        ((20, 6, 11, 15), [10, 5, 20, 15], "boxes corrected, swapped corners: 1 (a)"),
        ((0, -3, 20, 15), [0, 0, 20, 15], "boxes clipped to the image: 1 (a)"),
        ((0, 0, 41, 31), [0, 0, 40, 30], "boxes clipped to the image, by up to a pixel: 1 (a)"),
        ((11, 6, 41, 99), [10, 5, 40, 30], "boxes clipped to the image: 1 (a)"),
        (("10.5", 6, 20.25, "1e1"), [9.5, 5, 20.25, 10], "1 box"),
        ((" 11 ", 6, 20, 15), [10, 5, 20, 15], "1 box"),
    ],
)
def test_boxes_that_are_repaired(voc: Path, box: tuple, expected: list[float], note: str) -> None:
    boxes, summary = one_object(voc, *box)
    assert boxes == [expected]
    assert note in summary


@pytest.mark.parametrize(
    ("box", "note"),
    [
        ((11, 6, 11, 15), "zero area: 1 (a)"),
        ((11, 6, 20, 6), "zero area: 1 (a)"),
        ((41, 1, 50, 10), "no area inside the image: 1 (a)"),
        ((-20, 1, 0, 10), "no area inside the image: 1 (a)"),
        ((1, 31, 10, 40), "no area inside the image: 1 (a)"),
        ((5, 5, 5.0000001, 9), "zero area: 1 (a)"),
        ((40.99999, 5, 50, 9), "no area inside the image: 1 (a)"),
        (("nan", 6, 20, 15), "not finite: 1 (a)"),
        ((11, 6, "inf", 15), "not finite: 1 (a)"),
        ((11, "six", 20, 15), "not four numbers: 1 (a)"),
        (("", 6, 20, 15), "not four numbers: 1 (a)"),
    ],
)
def test_boxes_that_are_refused(voc: Path, box: tuple, note: str) -> None:
    boxes, summary = one_object(voc, *box)
    assert boxes == []
    assert f"boxes refused, {note}" in summary


def test_objects_without_a_box_or_a_name(voc: Path) -> None:
    (voc / "Annotations" / "a.xml").write_text(
        "<annotation><object><name>dog</name></object><object><part><name>head</name></part></object></annotation>"
    )
    dataset = VOCDetection(voc)
    assert "boxes refused, not four numbers: 1 (a)" in dataset.summary
    assert "boxes refused, no class name: 1 (a)" in dataset.summary
    assert dataset.classes == ("background", "bird", "dog")


def test_images_that_cannot_be_used_are_left_out(voc: Path, make_image: Callable[..., Path]) -> None:
    make_image(voc / "JPEGImages" / "without annotation.jpg")
    write_annotation(voc, "without image", [("dog", 1, 1, 9, 9)])
    make_image(voc / "JPEGImages" / "other size.jpg", 33, 44)
    write_annotation(voc, "other size", [("dog", 1, 1, 9, 9)])
    (voc / "JPEGImages" / "broken.jpg").write_text("oops")
    write_annotation(voc, "broken", [("dog", 1, 1, 9, 9)])
    write_image_set(voc, "train", ["without annotation", "without image", "a", "other size", "broken", "a", "gone"])
    dataset = VOCDetection(voc)
    assert len(dataset) == 1
    assert dataset[0][1]["image_id"] == 0
    assert len(dataset[0][1]["boxes"]) == 2
    assert "images left out, of a different size than annotated: 1 (other size.jpg)" in dataset.summary
    assert "images left out, it is not an image of a kind that Pillow reads: 1 (broken.jpg)" in dataset.summary
    assert "images left out, no annotation: 1 (without annotation)" in dataset.summary
    assert "images left out, no file: 2 (without image, gone)" in dataset.summary


def test_no_usable_image(voc: Path) -> None:
    write_image_set(voc, "train", [])
    with pytest.raises(ValueError, match="has no usable image: 0 images"):
        VOCDetection(voc)


def test_a_photograph_on_its_side_may_be_annotated_either_way(voc: Path, make_image: Callable[..., Path]) -> None:
    make_image(voc / "JPEGImages" / "a.jpg", 40, 30, orientation=6)
    write_annotation(voc, "a", [("dog", 1, 1, 30, 40)], size=(30, 40))  # as one sees it
    dataset = VOCDetection(voc)
    assert dataset[0][0].shape == (3, 40, 30)
    assert dataset[0][1]["boxes"].tolist() == [[0, 0, 30, 40]]
    write_annotation(voc, "a", [("dog", 1, 1, 40, 30)], size=(40, 30))  # as it is stored
    dataset = VOCDetection(voc)
    assert dataset[0][0].shape == (3, 30, 40)
    assert dataset[0][1]["boxes"].tolist() == [[0, 0, 40, 30]]
    assert "images not rotated, because they were annotated as stored: 1 (a.jpg)" in dataset.summary


@pytest.mark.parametrize("size", [None, (0, 0)])
def test_the_annotated_size_may_be_missing(voc: Path, size: tuple[int, int] | None) -> None:
    write_annotation(voc, "a", [("dog", 1, 1, 99, 9)], size=size)
    assert VOCDetection(voc)[0][1]["boxes"].tolist() == [[0, 0, 40, 9]]


@pytest.mark.parametrize("kind", ["L", "1", "P", "LA", "RGBA", "CMYK", "I;16", "png named jpg"])
def test_photographs_of_every_kind(voc: Path, kind: str) -> None:
    picture = Image.new("RGB", (40, 30), (0, 90, 200))
    if kind == "I;16":
        picture = Image.fromarray(np.full((30, 40), 40_000, dtype=np.uint16))
    elif kind != "png named jpg":
        picture = picture.convert(kind)
    (voc / "JPEGImages" / "a.jpg").unlink()
    name = {"png named jpg": "a.jpg", "CMYK": "a.tiff"}.get(kind, "a.png")
    picture.save(voc / "JPEGImages" / name, format="tiff" if kind == "CMYK" else "png")
    image, target = VOCDetection(voc, strict=True)[0]
    assert image.shape == (3, 30, 40)
    assert 0 <= image.min() <= image.max() <= 1
    assert target["boxes"].tolist() == [[0, 0, 40, 30], [10, 5, 20, 15]]


def test_image_sets_with_a_second_column_and_names_with_spaces(voc: Path, make_image: Callable[..., Path]) -> None:
    make_image(voc / "JPEGImages" / "my dog.jpeg")
    write_annotation(voc, "my dog", [("dog", 1, 1, 9, 9)])
    write_image_set(voc, "dog_train", ["a  1", "", "b -1", "my dog"])
    assert [record.path.name for record in VOCDetection(voc, "dog_train").records] == ["a.jpg", "b.jpg", "my dog.jpeg"]


def test_a_missing_image_set_is_named_with_those_there_are(voc: Path) -> None:
    with pytest.raises(ValueError, match="no image set 'test'; it has train, val"):
        VOCDetection(voc, "test")


def test_without_image_sets_a_fifth_is_for_validation(tmp_path: Path, make_image: Callable[..., Path]) -> None:
    for i in range(11):
        make_image(tmp_path / "JPEGImages" / f"{i:02}.png", 40, 30)
        write_annotation(tmp_path, f"{i:02}", [("dog", 1, 1, 9, 9)])
    train, val = VOCDetection(tmp_path, "train"), VOCDetection(tmp_path, "val")
    assert [record.path.stem for record in val.records] == ["00", "05", "10"]
    assert {record.path.stem for record in train.records}.isdisjoint(record.path.stem for record in val.records)
    assert len(train) == 8
    assert "images divided into train and val here, 80:20: 8" in train.summary
    assert "80:20: 3" in val.summary
    with pytest.raises(ValueError, match="no split 'test'"):
        VOCDetection(tmp_path, "test")


def test_without_image_sets_what_lacks_its_other_half_is_told_once(
    tmp_path: Path, make_image: Callable[..., Path]
) -> None:
    for i in range(8):
        make_image(tmp_path / "JPEGImages" / f"{i}.png")
        write_annotation(tmp_path, f"{i + 1}", [("dog", 1, 1, 9, 9)])
    train, val = VOCDetection(tmp_path, "train"), VOCDetection(tmp_path, "val")
    assert len(train) + len(val) == 7
    assert "no file: 1 (8)" in train.summary
    assert "no annotation: 1 (0)" in val.summary
    assert "no file" not in val.summary
    assert "no annotation" not in train.summary


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (f'<!DOCTYPE annotation [<!ENTITY l0 "ha">{LAUGHS}]><annotation>&l9;</annotation>', "utf-8"),
        ('<!DOCTYPE annotation SYSTEM "file:///etc/hostname"><annotation/>', "utf-16"),
        ('<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/hostname">]><annotation>&f;</annotation>', "utf-8"),
    ],
    ids=["expands", "names a file", "includes a file"],
)
def test_entities_are_not_expanded(voc: Path, content: str, encoding: str) -> None:
    path = voc / "Annotations" / "a.xml"
    path.write_text(content, encoding=encoding)
    with pytest.raises(ValueError, match=r"a\.xml.*DOCTYPE"):
        parse_xml(path)
    dataset = VOCDetection(voc)
    assert [record.path.name for record in dataset.records] == ["b.jpg"]
    assert "images left out, annotation refused, DOCTYPE: 1 (a.xml)" in dataset.summary
    with pytest.raises(ValueError, match=r"strict.*DOCTYPE: 1 \(a\.xml\)"):
        VOCDetection(voc, strict=True)


BROKEN = [b"", b"<annotation><object></annotation>", b"\0\1", b"{}", b'<?xml version="1.0" encoding="klingon"?><a/>',
          b"<annotation>\xff</annotation>", b"<annotation>&undeclared;</annotation>"]  # fmt: skip


@pytest.mark.parametrize("content", BROKEN)
def test_an_annotation_that_is_not_xml_is_left_out(voc: Path, content: bytes) -> None:
    (voc / "Annotations" / "a.xml").write_bytes(content)
    dataset = VOCDetection(voc)
    assert [record.path.name for record in dataset.records] == ["b.jpg"]
    assert "images left out, annotation is not XML: 1 (a.xml)" in dataset.summary
    assert VOCDetection(voc, "val", strict=True).summary == "1 image, 1 box"  # it is not in this set
    with pytest.raises(ValueError, match=r"strict.*not XML: 1 \(a\.xml\)"):
        VOCDetection(voc, strict=True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings_and_line_ends(voc: Path, encoding: str) -> None:
    path = write_annotation(voc, "a", [("\n chien\tgris  é ", 1, 1, 9, 9)])
    declared = "latin-1" if encoding == "latin-1" else encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?>\n{path.read_text(encoding="utf-8")}'
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert VOCDetection(voc, strict=True).classes[2:] == ("chien gris é",)


@pytest.mark.parametrize("size", [("40.0", "30.0"), ("40.5", "30"), ("", "30"), ("nan", "inf"), ("-40", "-30")])
def test_sizes_that_are_no_whole_numbers(voc: Path, size: tuple[str, str]) -> None:
    path = voc / "Annotations" / "a.xml"
    sides = f"<width>{size[0]}</width><height>{size[1]}</height>"
    path.write_text(path.read_text().replace("<width>40</width><height>30</height>", sides))
    assert VOCDetection(voc, strict=True)[0][1]["boxes"].tolist() == [[0, 0, 40, 30], [10, 5, 20, 15]]


def test_a_size_that_differs_by_a_pixel_is_another_size(voc: Path) -> None:
    write_annotation(voc, "a", [("dog", 1, 1, 9, 9)], size=(41, 30))
    assert "of a different size than annotated: 1 (a.jpg)" in VOCDetection(voc).summary


def test_two_files_of_one_name(voc: Path, make_image: Callable[..., Path]) -> None:
    make_image(voc / "JPEGImages" / "a.png")
    assert "images left out, several files of one name: 1 (a)" in VOCDetection(voc).summary
    path = voc / "Annotations" / "a.xml"
    path.write_text(path.read_text().replace("misleading.jpg", "a.png"))
    assert VOCDetection(voc, strict=True).records[0].path.name == "a.png"


def test_what_is_no_image_file(voc: Path) -> None:
    for name in ("c.png", "d.png"):
        (voc / "JPEGImages" / name).mkdir()
    (voc / "JPEGImages" / "._a.jpg").write_text("what macOS leaves behind")
    (voc / "Annotations" / "._a.xml").write_text("what macOS leaves behind")
    write_annotation(voc, "d", [])
    (voc / "JPEGImages" / "e.jpg").touch()
    write_annotation(voc, "e", [])
    write_image_set(voc, "train", ["a", "d", "e"])
    dataset = VOCDetection(voc)
    assert len(dataset) == 1
    assert dataset.summary.endswith("no file: 1 (d); images left out, the file is empty: 1 (e.jpg)")
    assert len(VOCDetection(voc, "val", strict=True)) == 1  # c.jpg, not the folder c.png


def test_names_with_accents_in_either_spelling(voc: Path, make_image: Callable[..., Path]) -> None:
    make_image(voc / "JPEGImages" / "un café.jpg")
    write_annotation(voc, "un cafe\u0301", [("dog", 1, 1, 9, 9)])
    for spelling in ("un café", "un cafe\u0301"):
        write_image_set(voc, "train", [spelling])
        assert len(VOCDetection(voc, strict=True)) == 1


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "..\\a", "x\0y", "é" * 300])
def test_names_that_lead_out_of_the_folder(voc: Path, make_image: Callable[..., Path], name: str) -> None:
    make_image(voc / "a.jpg")
    write_annotation(voc / "Annotations", "a", [])
    write_image_set(voc, "train", ["a", name])
    dataset = VOCDetection(voc)
    assert len(dataset) == 1
    assert "images left out, no file: 1 (" in dataset.summary


def test_an_image_set_that_is_no_text(voc: Path) -> None:
    (voc / "ImageSets" / "Main" / "train.txt").write_bytes(b"a\n\xff\xfe\n")
    with pytest.raises(ValueError, match=r"cannot read .*train\.txt as text"):
        VOCDetection(voc)


def test_strict_does_not_mind_repairs_and_other_classes(voc: Path) -> None:
    write_annotation(voc, "a", [("dog", 20, 15, 11, 6), ("cat", 11, 6, 41, 30)])
    dataset = VOCDetection(voc, classes=["dog"], strict=True)
    assert list(dataset.findings.repaired) == ["boxes corrected, swapped corners"]
    assert list(dataset.findings.noted) == ["boxes of other classes left out"]
    write_annotation(voc, "b", [("dog", 5, 5, 5, 9)])
    with pytest.raises(
        ValueError, match=r"with strict, nothing may be left out; found boxes refused, zero area: 1 \(b\)$"
    ):
        VOCDetection(voc, classes=["dog"], strict=True)


@pytest.mark.parametrize("missing", ["JPEGImages", "Annotations"])
def test_a_missing_folder_is_named(voc: Path, missing: str) -> None:
    (voc / missing).rename(voc / "elsewhere")
    with pytest.raises(ValueError, match=f"no folder {missing}"):
        VOCDetection(voc)


def test_no_named_object_at_all(voc: Path) -> None:
    for name in "abc":
        write_annotation(voc, name, [])
    with pytest.raises(ValueError, match="no objects with a class name"):
        VOCDetection(voc)


def test_transforms_are_applied(voc: Path) -> None:
    dataset = VOCDetection(voc, transforms=lambda image, target: (image.flip(-1), {**target, "image_id": -7}))
    assert dataset[0][1]["image_id"] == -7


def test_boxes_lie_where_the_pixels_are(voc: Path) -> None:
    """Pixels 11 … 20 × 6 … 15, counted from 1 as VOC does, are painted; cutting along the box finds just those."""
    image = Image.new("RGB", (40, 30), "black")
    image.paste((255, 255, 255), (10, 5, 20, 15))
    image.save(voc / "JPEGImages" / "a.png")
    (voc / "JPEGImages" / "a.jpg").unlink()
    write_annotation(voc, "a", [("dog", 11, 6, 20, 15)])
    image, target = VOCDetection(voc)[0]
    x0, y0, x1, y1 = target["boxes"][0].int().tolist()
    assert image[:, y0:y1, x0:x1].min() == 1
    assert image.sum() == image[:, y0:y1, x0:x1].sum()


@pytest.mark.slow
def test_bccd_as_published(bccd: Path) -> None:
    sets = {name: VOCDetection(bccd, name) for name in ("train", "val", "test")}
    assert [len(dataset) for dataset in sets.values()] == [205, 87, 72]
    assert sum(len(record.boxes) for dataset in sets.values() for record in dataset.records) == 4888 - 2
    assert sets["train"].classes == ("background", "Platelets", "RBC", "WBC")
    assert sets["train"].summary == "205 images, 2,804 boxes; boxes refused, zero area: 1 (BloodImage_00343)"
    assert sets["val"].summary == "87 images, 1,137 boxes; boxes refused, zero area: 1 (BloodImage_00338)"
    image, target = sets["train"][10]
    assert image.shape == (3, 480, 640)
    assert (target["boxes"][:, 2:] > target["boxes"][:, :2]).all()
