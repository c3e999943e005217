"""What is probably wrong with a data set is told in a sentence; what is right is not doubted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import numpy as np
import pytest
from PIL import Image

from frcnn_edu.data import ShapesDetection, open_dataset
from frcnn_edu.data.doubts import check_objects, doubts, look_at_some


def coco(root: Path, boxes: list[list[float]], size: tuple[int, int] = (80, 60), **more: Any) -> Any:
    """One image with these boxes, [x, y, width, height], as a data set."""
    root.mkdir(exist_ok=True)
    Image.fromarray(np.zeros((size[1], size[0], 3), dtype=np.uint8)).save(root / "a.png")
    content = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": k, "name": name} for k, name in enumerate(more.get("names", ["dog", "cat"]), start=1)],
        "annotations": [
            {"image_id": 1, "category_id": label, "bbox": box, "iscrowd": more.get("iscrowd", 0)}
            for box, label in zip(boxes, more.get("labels", [1] * len(boxes)), strict=True)
        ],
    }
    return open_dataset(ex.dump(root / "boxes.json", content), "all")


SOUND = [[1, 2, 30, 20], [40, 30, 20, 25], [5, 40, 15, 15], [60, 5, 15, 20]]


def test_sound_data_are_not_doubted(tmp_path: Path) -> None:
    assert doubts({"train": coco(tmp_path, SOUND), "val": ShapesDetection("val")}) == []
    ex.voc_split_folders(tmp_path / "cards")
    assert doubts({split: open_dataset(tmp_path / "cards", split) for split in ("train", "val", "test")}) == []


@pytest.mark.parametrize(
    ("boxes", "sentence"),
    [
        ([[x / 80, y / 60, w / 80, h / 60] for x, y, w, h in SOUND],
         "train: all 4 boxes lie within 0…1: these look like fractions of the image, but x, y, width, height in pixels are expected"),
        ([[x, y, x + w, y + h] for x, y, w, h in SOUND],
         "train: 3 of 4 boxes extend beyond their image, and all would be inside as x0, y0, x1, y1: is that their format?"),
        ([[2 * side for side in box] for box in SOUND],
         "train: 3 of 4 boxes extend beyond their image: were they annotated at a different image size?"),
    ],
    ids=["fractions", "corners as sides", "another size"],
)  # fmt: skip
def test_boxes_of_another_format(tmp_path: Path, boxes: list[list[float]], sentence: str) -> None:
    assert sentence in doubts({"train": coco(tmp_path, boxes)})


def test_sides_as_corners(tmp_path: Path) -> None:
    rows = [["filename", "xmin", "ymin", "xmax", "ymax", "class"], *(["a.png", *box, "dog"] for box in SOUND)]
    coco(tmp_path, SOUND)
    (tmp_path / "boxes.json").unlink()
    assert doubts({"val": open_dataset(ex.table(tmp_path / "boxes.csv", rows), "all")}) == [
        "val: 3 of 4 boxes have swapped corners, and all would be inside as x, y, width, height: is that their format?"
    ]


def test_pixels_as_fractions(tmp_path: Path) -> None:
    root = ex.yolo(tmp_path, "images", "labels")
    ex.text(root / "classes.txt", "ace", "king")
    for name in ex.SIZES:
        ex.text(root / "labels" / f"{Path(name).stem}.txt", "0 40 30 20 10")
    data = open_dataset(root, "train")
    assert doubts({"train": data})[-1] == (
        "train: 8 of 8 boxes have numbers above 2: these look like pixels, but fractions of the image are expected"
    )


def test_one_box_over_the_edge_is_no_doubt(tmp_path: Path) -> None:
    assert (
        doubts({"train": coco(tmp_path, [[-9, 0, 40, 40], *SOUND, *([x + 4, y + 4, w, h] for x, y, w, h in SOUND)])})
        == []
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iscrowd": 1}, r"all 4 objects are to be ignored \(iscrowd or difficult\)"),
        ({"labels": [7] * 4}, r"boxes refused, unknown category: 4 \(a\.png\)"),
        ({"names": ["background", "cat"]}, r"boxes refused, the class is background: 4 \(a\.png\)"),
    ],
    ids=["crowds", "unknown", "background"],
)
def test_nothing_to_learn_from(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    data = coco(tmp_path, SOUND, **change)
    with pytest.raises(ValueError, match=rf"^split 'train' has no object to learn from: {reason}$"):
        check_objects(data, "train", "to learn from")
    assert len(doubts({"train": data})) == 1


def test_nothing_annotated(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no object to measure: nothing is annotated$"):
        check_objects(coco(tmp_path, []), "val", "to measure")
    check_objects(coco(tmp_path, SOUND), "val", "to measure")
    check_objects(ShapesDetection("val"), "val", "to measure")


def test_images_whose_objects_were_all_refused(tmp_path: Path) -> None:
    """They would be learnt as background, with the objects in plain sight."""
    for name in ("IMG 0.jpg", "IMG 1.jpg", "IMG 4.jpg"):
        ex.voc(tmp_path, names=[name])
    data: Any = open_dataset(tmp_path, "all")
    assert doubts({"all": data}) == []
    for name in ("IMG 1", "IMG 4"):
        file = tmp_path / "Annotations" / f"{name}.xml"
        file.write_text(file.read_text().replace("<xmin>", "<xmin>x"))
    data = open_dataset(tmp_path, "all")
    assert [record.refused for record in data.records] == [0, 1, 1]
    assert doubts({"all": data}) == [
        "all: 2 images have lost all their objects, because none can be used, and would count as without objects: "
        "correct the annotations, or remove them (such as IMG 1.jpg)"
    ]
    sound: Any = open_dataset(ex.voc(tmp_path / "sound"), "all", classes=["ace"])
    assert doubts({"all": sound}) == []  # a class that is not wanted is no loss


def test_many_objects(tmp_path: Path) -> None:
    boxes = [[2.0 * i, 2.0 * j, 2, 2] for i in range(40) for j in range(3)]
    assert doubts({"train": coco(tmp_path, boxes)}) == [
        "train: 1 image has more than 100 objects, up to 120: only the 100 best detections per image are kept "
        "(box_detections_per_img) and counted (COCO's maxDets)"
    ]
    assert doubts({"train": coco(tmp_path, boxes[:100])}) == []


def test_objects_twice(tmp_path: Path) -> None:
    """The same box is used once; nearly the same is told, and so is one box in two classes."""
    x, y, w, h = SOUND[0]
    data = coco(tmp_path, [*SOUND, SOUND[0], [x, y, w + 1, h], SOUND[1]], labels=[1, 1, 1, 1, 1, 1, 2])
    assert len(data.records[0].boxes) == 6
    assert "objects annotated twice, used once: 1 (a.png)" in data.summary
    assert doubts({"train": data}) == [
        "train: 1 pair of boxes of the same class with an IoU of at least 0.9: one object annotated twice? (a.png)",
        "train: 1 pair of boxes of different classes with an IoU of at least 0.9: one object annotated twice? (a.png)",
    ]


def test_class_names_that_look_alike(tmp_path: Path) -> None:
    data = coco(tmp_path / "one", SOUND, names=["Cat", "traffic light", "traffic_light"], labels=[1, 2, 3, 3])
    assert doubts({"train": data}) == ["class names that differ only in spelling: 'traffic light' and 'traffic_light'"]
    root = tmp_path / "two"
    train = coco(root, SOUND, names=["Cat", "dog"], labels=[1, 1, 2, 2])
    coco(root, SOUND, names=["cat", "dog"], labels=[1, 1, 2, 2])
    val = open_dataset(root / "boxes.json", "all", classes=train.classes)
    assert "class names that differ only in spelling: 'Cat' and 'cat'" in doubts({"train": train, "val": val})


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    return ex.coco_files(tmp_path / "cards", "{}/labels.json", "{}")


def told(cards: Path) -> list[str]:
    return doubts({split: open_dataset(cards, split) for split in ("train", "val", "test")})


def test_images_in_two_splits(tmp_path: Path) -> None:
    """The same files, by their paths."""
    root = ex.voc_sets(tmp_path, train=ex.SPLIT["train"], val=[*ex.SPLIT["val"], "IMG 0.jpg", "IMG 1.jpg"])
    assert doubts({split: open_dataset(root, split) for split in ("train", "val")}) == [
        "val: 2 images are in train as well, such as IMG 0.jpg"
    ]


def test_copies_in_two_splits(cards: Path) -> None:
    """Copies under other names, by their content; a file of the same length alone is none."""
    (cards / "val" / "IMG 6.jpg").write_bytes((cards / "train" / "IMG 0.jpg").read_bytes())
    sizes = dict(ex.SIZES)
    assert sizes["IMG 6.jpg"] == sizes["IMG 0.jpg"]
    assert told(cards) == ["val: 1 image is a copy of an image of train, such as IMG 6.jpg (IMG 0.jpg)"]
    content = bytearray((cards / "val" / "IMG 6.jpg").read_bytes())
    content[-10] ^= 1
    (cards / "val" / "IMG 6.jpg").write_bytes(bytes(content))
    assert told(cards) == []


def test_one_file_under_two_ids(tmp_path: Path) -> None:
    content = ex.coco(["IMG 2.jpg", "IMG 1.jpg"])
    content["images"][1]["file_name"] = "IMG 2.jpg"
    content["images"][1]["width"] = ex.SIZES["IMG 2.jpg"][0]
    content["images"][1]["height"] = ex.SIZES["IMG 2.jpg"][1]
    ex.draw(tmp_path)
    data: Any = open_dataset(ex.dump(tmp_path / "x.json", content), "all")
    assert len(data) == 1
    assert len(data.records[0].boxes) == len(ex.TRUTH["IMG 2.jpg"]) + len(ex.TRUTH["IMG 1.jpg"])
    assert "images listed several times, merged into one: 1 (IMG 2.jpg)" in data.summary


def test_augmented_copies_in_two_splits(cards: Path) -> None:
    rename: Callable[[str, str], str] = lambda name, copy: f"{Path(name).stem}_jpg.rf.{copy}.jpg"  # noqa: E731
    for split, name, stem in (("train", "IMG 0.jpg", "x"), ("val", "IMG 6.jpg", "x")):
        new = rename(stem, split)
        (cards / split / name).rename(cards / split / new)
        text = (cards / split / "labels.json").read_text()
        (cards / split / "labels.json").write_text(text.replace(name, new))
    assert told(cards) == [
        "val: 1 image is an augmented copy of an image of train, such as x_jpg.rf.val.jpg (x_jpg.rf.train.jpg)"
    ]


def test_images_without_anything_to_see(cards: Path, damage: Callable[[Path], Path]) -> None:
    """Twelve bits in sixteen are nearly black; the other images are not doubted."""
    width, height = ex.SIZES["IMG 6.jpg"]
    dark = np.random.default_rng(0).integers(0, 4096, (height, width), dtype=np.uint16)
    Image.fromarray(dark).save(cards / "val" / "IMG 6.jpg", format="png")
    Image.new("RGB", ex.SIZES["IMG 3.jpg"], "#336699").save(cards / "train" / "IMG 3.jpg")
    data = {split: open_dataset(cards, split) for split in ("train", "val", "test")}
    damage(cards / "train" / "IMG 4.jpg")
    assert [*look_at_some(data)] == [
        "train: 1 of the 6 images checked is of one colour, such as IMG 3.jpg",
        "train: 1 of the 6 images checked is damaged, such as IMG 4.jpg",
        "val: 1 of the 2 images checked is nearly black, with 16-bit values that end at 4095, such as IMG 6.jpg",
    ]
    assert [*look_at_some({"train": data["train"]}, count=2)] == []
