import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from frcnn_edu.data import CocoDetection
from frcnn_edu.data.sources import layout_of


def content() -> dict[str, Any]:
    """Two images and two categories, numbered with gaps and out of order as COCO's are."""
    return {
        "images": [
            {"id": 90, "file_name": "b.png", "width": 40, "height": 30},
            {"id": 7, "file_name": "a.png", "width": 40, "height": 30},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 18, "bbox": [10, 5, 10, 10], "area": 61.5, "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 3, "bbox": [0.5, 0, 39.5, 30], "iscrowd": 1},
        ],
        "categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "car"}],
    }


@pytest.fixture
def write(tmp_path: Path, make_image: Callable[..., Path]) -> Callable[[dict[str, Any]], Path]:
    for name in "ab":
        make_image(tmp_path / "images" / f"{name}.png")

    def write(data: Any) -> Path:
        path = tmp_path / "boxes.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    return write


def with_box(bbox: Any, **more: Any) -> dict[str, Any]:
    data = content()
    data["annotations"] = [{"image_id": 7, "category_id": 3, "bbox": bbox, **more}]
    return data


def test_items(write: Callable) -> None:
    dataset = CocoDetection(write(content()))
    assert dataset.classes == ("background", "car", "dog")
    assert len(dataset) == 2
    image, target = dataset[0]
    assert image.shape == (3, 30, 40)
    assert target["image_id"] == 7
    assert target["boxes"].tolist() == [[10, 5, 20, 15], [0.5, 0, 40, 30]]
    assert target["labels"].tolist() == [2, 1]
    assert target["area"].tolist() == [61.5, 39.5 * 30]
    assert target["iscrowd"].tolist() == [0, 1]
    assert dataset.summary == "2 images, 2 boxes"
    assert dataset[1][1]["image_id"] == 90
    assert dataset[1][1]["boxes"].shape == (0, 4)
    assert dataset[1][1]["iscrowd"].dtype == torch.int64


def test_classes_can_be_given(write: Callable) -> None:
    dataset = CocoDetection(write(content()), classes=("background", "dog"))
    assert dataset.classes == ("background", "dog")
    assert dataset[0][1]["labels"].tolist() == [1]
    assert "boxes of other classes left out: 1 (car)" in dataset.summary
    with pytest.raises(ValueError, match="car, dog, none of fish"):
        CocoDetection(write(content()), classes=["fish"])


def test_a_category_named_background_has_no_boxes(write: Callable) -> None:
    data = content()
    data["categories"][1]["name"] = "background"
    dataset = CocoDetection(write(data))
    assert dataset.classes == ("background", "dog")
    assert dataset[0][1]["labels"].tolist() == [1]
    assert "boxes refused, the class is background: 1 (a.png)" in dataset.summary


@pytest.mark.parametrize(
    ("bbox", "note"),
    [
        ([10, 5, 0, 10], "boxes refused, zero area"),
        ([40, 5, 10, 10], "boxes refused, no area inside the image"),
        ([10, 5, float("nan"), 10], "boxes refused, not finite"),
        ([10, 5, float("inf"), 10], "boxes refused, not finite"),
        ([10, 5, 10**400, 10], "boxes refused, not four numbers"),
        ([10, 5, 10], "boxes refused, not four numbers"),
        ([10, 5, 10, None], "boxes refused, not four numbers"),
        ("box", "boxes refused, not four numbers"),
        (None, "boxes refused, neither a box nor an outline"),
        ([], "boxes refused, neither a box nor an outline"),
    ],
)
def test_boxes_that_are_refused(write: Callable, bbox: Any, note: str) -> None:
    dataset = CocoDetection(write(with_box(bbox)))
    assert dataset[0][1]["boxes"].shape == (0, 4)
    assert f"{note}: 1 (a.png)" in dataset.summary


def test_boxes_are_clipped(write: Callable) -> None:
    dataset = CocoDetection(write(with_box([-5, 20, 20, 20])))
    assert dataset[0][1]["boxes"].tolist() == [[0, 20, 15, 30]]
    assert "boxes clipped to the image: 1 (a.png)" in dataset.summary


@pytest.mark.parametrize("area", [None, "large", 0, -3, float("nan"), 1e300, 10**400])
def test_an_area_that_makes_no_sense_is_the_boxs(write: Callable, area: Any) -> None:
    dataset = CocoDetection(write(with_box([10, 5, 4, 5], area=area)))
    assert dataset[0][1]["area"].tolist() == [20]


def test_boxes_of_an_unknown_category_are_left_out(write: Callable) -> None:
    data = with_box([1, 1, 5, 5])
    data["annotations"][0]["category_id"] = 99
    assert "boxes refused, unknown category: 1 (a.png)" in CocoDetection(write(data)).summary


def test_images_without_a_file_or_of_another_size(write: Callable) -> None:
    data = content()
    data["images"] += [{"id": 91, "file_name": "gone.png"}, {"id": 92, "file_name": "b.png", "width": 9, "height": 9}]
    dataset = CocoDetection(write(data))
    assert len(dataset) == 2
    assert "images left out, no file: 1 (gone.png)" in dataset.summary
    assert "images left out, of a different size than annotated: 1 (b.png)" in dataset.summary


@pytest.mark.parametrize("size", [{}, {"width": None, "height": None}, {"width": 0, "height": 0}])
def test_the_size_may_be_missing(write: Callable, size: dict[str, Any]) -> None:
    data = content()
    data["images"] = [{"id": 7, "file_name": "a.png", **size}]
    assert len(CocoDetection(write(data))) == 1


def change(path: list[Any], value: Any) -> dict[str, Any]:
    data: Any = content()
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{not json", "as json"),
        ("[]", "no list under 'images'"),
        (change(["annotations"], {}), "no list under 'annotations'"),
        ("[" * 100_000, "as json"),
        (change(["categories"], ["dog"]), r"categories\[0\] needs 'id' as a whole number; got 'dog'"),
        (change(["images", 1, "id"], 90), "two of its images have the same id, 90: 'b.png' and 'a.png'"),
        (change(["categories", 1, "id"], 18), "two of its categories have the same id, 18"),
        (change(["categories", 0, "name"], 5), r"categories\[0\] needs 'name' as text; got .* 5"),
        (
            change(["categories", 0, "name"], " car"),
            r"boxes\.json: two of its categories have the same name, car, and both have objects",
        ),
        (change(["categories", 0, "name"], "\ud800"), "plain text"),
        (change(["categories"], []), "no objects with a class name"),
    ],
)
def test_a_file_that_is_not_coco_json(write: Callable, data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CocoDetection(write(data))


@pytest.mark.parametrize(
    ("path", "value", "note"),
    [
        (["images", 0], "b.png", "images left out, without a usable 'id': 1 (images[0])"),
        (["images", 0, "id"], [90], "images left out, without a usable 'id': 1 (images[0])"),
        (["images", 0, "id"], 10**30, "images left out, without a usable 'id': 1 (images[0])"),
        (["images", 0, "file_name"], None, "images left out, without a usable 'file_name': 1 (images[0])"),
        (["annotations", 1], None, "annotations left out, without a usable 'image_id': 1 (annotations[1])"),
        (["annotations", 1, "image_id"], [7], "annotations left out, without a usable 'image_id': 1 (annotations[1])"),
        (
            ["annotations", 1, "category_id"],
            True,
            "annotations left out, without a usable 'category_id': 1 (annotations[1])",
        ),
        (["annotations", 1, "image_id"], 5, "boxes refused, their image is not listed: 1 (image_id 5)"),
    ],
)
def test_entries_that_cannot_be_used(write: Callable, path: list[Any], value: Any, note: str) -> None:
    file = write(change(path, value))
    dataset = CocoDetection(file)
    assert note in dataset.summary
    assert sum(len(record.boxes) for record in dataset.records) == 2 - (path[0] == "annotations")
    assert len(dataset) == 2 - (path[0] == "images")
    with pytest.raises(
        ValueError, match=f"with strict, nothing may be left out; found {re.escape(note.split(',')[0])}"
    ):
        CocoDetection(file, strict=True)


@pytest.mark.parametrize(
    "name", ["../a.png", "sub/../../a.png", "..\\a.png", "/etc/a.png", "C:\\a.png", "\\\\host\\a.png"]
)
def test_names_that_leave_the_folder(
    write: Callable, tmp_path: Path, make_image: Callable[..., Path], name: str
) -> None:
    """The file of that name inside the folder is meant, and where there is none, no other one."""
    make_image(tmp_path.parent / "a.png")
    make_image(tmp_path / "images" / "..\\a.png")  # on Linux a file may be called so
    file = write(change(["images", 1, "file_name"], name))
    dataset = CocoDetection(file)
    assert [record.path.name for record in dataset.records] == ["a.png", "b.png"]
    assert dataset.records[0].path == tmp_path / "images" / "a.png"
    assert f"in a different folder or spelling than named: 1 ({name})" in dataset.summary
    (tmp_path / "images" / "a.png").unlink()
    dataset = CocoDetection(file)
    assert len(dataset) == 1
    assert f"images left out, the name leads out of the folder: 1 ({name})" in dataset.summary


@pytest.mark.parametrize("name", ["x" * 5000 + ".png", "a\0.png", "", ".", "\ud800.png", "folder.png"])
def test_names_that_no_file_has(write: Callable, tmp_path: Path, name: str) -> None:
    (tmp_path / "images" / "folder.png").mkdir()
    dataset = CocoDetection(write(change(["images", 1, "file_name"], name)))
    assert "images left out, no file: 1" in dataset.summary
    dataset.summary.encode()  # can be printed


@pytest.mark.parametrize(
    ("written", "stored"),
    [("un café.png", "un café.png"), ("cafe\u0301.png", "café.png"), ("café.png", "cafe\u0301.png"),
     ("sub\\日本 1.png", "sub/日本 1.png")],
)  # fmt: skip
def test_names_with_spaces_and_accents(
    write: Callable, tmp_path: Path, make_image: Callable[..., Path], written: str, stored: str
) -> None:
    make_image(tmp_path / "images" / stored)
    dataset = CocoDetection(write(change(["images", 1, "file_name"], written)), strict=True)
    assert dataset[0][0].shape == (3, 30, 40)


def test_a_link_to_elsewhere_is_no_matter(write: Callable, tmp_path: Path, make_image: Callable[..., Path]) -> None:
    elsewhere = make_image(tmp_path / "far" / "away.png")
    (tmp_path / "images" / "a.png").unlink()
    (tmp_path / "images" / "a.png").symlink_to(elsewhere)
    assert len(CocoDetection(write(content()), strict=True)) == 2


def test_an_image_listed_twice_is_used_once(write: Callable) -> None:
    data = content()
    data["images"].append(data["images"][1])
    dataset = CocoDetection(write(data), strict=True)
    assert len(dataset) == 2
    assert "images listed twice, used once: 1 (a.png)" in dataset.summary


def test_annotations_of_one_id_are_all_used(write: Callable) -> None:
    dataset = CocoDetection(write(change(["annotations", 1, "id"], 1)), strict=True)
    assert dataset.summary == "2 images, 2 boxes; annotations that share an id, all used: 2 (id 1)"


@pytest.mark.parametrize("start", ["\ufeff", "\r\n\r\n "])
def test_a_byte_order_mark_and_other_line_ends(write: Callable, start: str) -> None:
    assert len(CocoDetection(write(start + json.dumps(content(), indent=1).replace("\n", "\r\n")), strict=True)) == 2


def test_crowds_and_numbers_in_quotes(write: Callable) -> None:
    outline = {"counts": [100, 50, 1050], "size": [30, 40]}  # run lengths, which are not needed here
    data = with_box(["10", "5", "10", "10.5"], iscrowd="1", segmentation=outline, area=50)
    data["images"][1] |= {"width": "40", "height": 30.0}
    target = CocoDetection(write(data), strict=True)[0][1]
    assert target["boxes"].tolist() == [[10, 5, 20, 15.5]]
    assert (target["iscrowd"].tolist(), target["area"].tolist()) == ([1], [50])


def test_a_file_in_parts_tells_what_is_wrong_with_it_once(write: Callable) -> None:
    file = write(change(["annotations", 1, "image_id"], 5))
    assert "is not listed" in CocoDetection(file, part="train").summary
    assert "is not listed" not in CocoDetection(file, part="val").summary


def test_strict_does_not_mind_repairs_and_other_classes(write: Callable) -> None:
    data = with_box([20, 20, -10, 11])
    data["annotations"].append({"image_id": 7, "category_id": 18, "bbox": [1, 1, 2, 2]})
    dataset = CocoDetection(write(data), classes=["car"], strict=True)
    assert dataset[0][1]["boxes"].tolist() == [[10, 20, 20, 30]]
    assert set(dataset.findings.repaired) == {
        "boxes corrected, swapped corners",
        "boxes clipped to the image, by up to a pixel",
    }
    assert set(dataset.findings.noted) == {"boxes of other classes left out"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.json"):
        CocoDetection(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("json_path", "image_folder"),
    [
        ("boxes.json", "images"),
        ("boxes.json", "."),
        ("annotations/boxes.json", "images"),
        ("annotations/instances_val2017.json", "val2017"),
    ],
)
def test_images_are_found(tmp_path: Path, make_image: Callable[..., Path], json_path: str, image_folder: str) -> None:
    for name in "ab":
        make_image(tmp_path / image_folder / f"{name}.png")
    path = tmp_path / json_path
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content()))
    assert len(CocoDetection(path)) == 2
    with pytest.raises(ValueError, match=r"a\.png, for example, was looked for in .*elsewhere.*--images FOLDER"):
        CocoDetection(path, tmp_path / "elsewhere")


def test_parts_divide_the_images(write: Callable) -> None:
    path = write(content())
    train, val = CocoDetection(path, part="train"), CocoDetection(path, part="val")
    assert [train[0][1]["image_id"], val[0][1]["image_id"]] == [90, 7]
    assert len(train) == len(val) == 1
    assert "80:20: 1" in train.summary
    assert "80:20: 1" in val.summary


EMPTY = json.dumps({"images": [], "annotations": [], "categories": []})


@pytest.mark.parametrize(
    ("existing", "given", "split", "expected"),
    [
        ("instances_train.json instances_val.json", "instances_train.json", "train", ("instances_train.json", None)),
        ("instances_train.json instances_val.json", "instances_train.json", "val", ("instances_val.json", None)),
        ("instances_train.json instances_val.json", "instances_val.json", "train", ("instances_train.json", None)),
        ("instances_train2017.json instances_val2017.json", "instances_train2017.json", "val", ("instances_val2017.json", None)),
        ("instances_train.json instances_valid.json", "instances_train.json", "val", ("instances_valid.json", None)),
        ("train.json Validation.json", "train.json", "val", ("Validation.json", None)),
        ("dev_set.json train_set.json", "train_set.json", "val", ("dev_set.json", None)),
        ("train.json val.json valid.json", "train.json", "val", ("val.json", None)),
        ("training.json val.json", "training.json", "val", ("val.json", None)),
        ("Train.json", "Train.json", "train", ("Train.json", "train")),
        ("train.json", "train.json", "val", ("train.json", "val")),
        ("train.json test.json", "train.json", "val", None),
        ("train.json test.json", "train.json", "test", ("test.json", None)),
        ("train.json test.json", "train.json", "all", ("train.json", None)),
        ("val.json", "val.json", "val", ("val.json", None)),
        ("val.json", "val.json", "train", None),
        ("train.json val.json", "train.json", "test", None),
        ("train.json val.json", "val.json", "all", ("val.json", None)),
        ("boxes.json", "boxes.json", "train", ("boxes.json", "train")),
        ("boxes.json", "boxes.json", "val", ("boxes.json", "val")),
        ("boxes.json", "boxes.json", "test", None),
        ("boxes.json", "boxes.json", "all", ("boxes.json", None)),
        ("constrained.json values.json", "constrained.json", "val", ("constrained.json", "val")),
        ("a/train/x.json a/valid/x.json", "a/train/x.json", "val", ("a/valid/x.json", None)),
        ("a/train/x.json a/valid/x.json", "a/valid/x.json", "all", ("a/valid/x.json", None)),
        ("a/train/x.json a/valid/y.json", "a/train/x.json", "val", ("a/train/x.json", "val")),
    ],
)  # fmt: skip
def test_which_file_holds_a_split(
    tmp_path: Path, existing: str, given: str, split: str, expected: tuple[str, str | None] | None
) -> None:
    for name in existing.split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(EMPTY)
    layout = layout_of(tmp_path / given)
    if expected is None:
        with pytest.raises(ValueError, match=f"no split '{split}'"):
            layout.part(split)
    else:
        part = layout.part(split)
        assert (part.annotations, part.share) == (tmp_path / expected[0], expected[1])
