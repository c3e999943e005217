"""Annotation files damaged at random: each is refused by name, or what is left of it is sound."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import more_exports as more
import pytest
from damaging import damaged, fuzz, odd_json
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.data import open_dataset
from frcnn_edu.data.doubts import doubts

WRITERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "coco": (lambda p: ex.coco_named(p, str).parent, "result.json"),
    "coco outlines": (lambda p: ex.coco_outlines(p).parent, "outlines.json"),
    "yolo labels": (lambda p: ex.yolo_splits(p, "train: train/images\nval: val/images\nnames: [ace, king]"), "train/labels/IMG 2.txt"),
    "yolo yaml": (lambda p: ex.yolo_splits(p, "train: train/images\nval: val/images\nnames: [ace, king]"), "data.yaml"),
    "yolo list": (lambda p: ex.yolo_lists(p).parent, "train.txt"),
    "darknet": (ex.darknet, "obj.data"),
    "csv": (lambda p: (ex.draw(p), ex.table(p / "x.csv", ex.tensorflow_rows()))[1].parent, "x.csv"),
    "csv without header": (lambda p: (ex.draw(p), ex.table(p / "x.csv", ex.retinanet_rows("")))[1].parent, "x.csv"),
    "open images": (ex.open_images, "validation-annotations-bbox.csv"),
    "labelme": (ex.labelme, "IMG 2.json"),
    "via": (lambda p: ex.via(p).parent, "via_project.json"),
    "via 1": (lambda p: ex.via(p, 1).parent, "via_project.json"),
    "label studio": (ex.label_studio, "project-7-at-2026.json"),
    "label studio min": (lambda p: ex.label_studio(p, True), "project-7-at-2026.json"),
    "cvat": (ex.cvat, "annotations.xml"),
    "createml": (more.createml, "_annotations.createml.json"),
    "via csv": (more.via_csv, "via_export_csv.csv"),
    "image folder": (more.image_folder, "metadata.jsonl"),
    "supervisely": (more.supervisely, "ann/IMG 2.jpg.json"),
    "supervisely, bitmaps": (lambda p: more.supervisely(p, shape="bitmap"), "ann/IMG 2.jpg.json"),
    "eight columns": (more.make_sense, "labels_cards.csv"),
    "kitti": (more.kitti, "label_2/IMG 2.txt"),
    "dota": (more.dota, "labelTxt/IMG 2.txt"),
    "visdrone": (more.visdrone, "annotations/IMG 2.txt"),
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: write(tmp_path_factory.mktemp("damaged") / "cards") for name, (write, _) in WRITERS.items()}


def opened(root: Path, split: str) -> tuple[Any, str]:
    """The data set, or why it cannot be opened."""
    try:
        return open_dataset(root, split), ""
    except ValueError as error:
        return None, str(error)


def check(root: Path) -> None:
    """Every split opens to sound records, or says in one line what is wrong, naming the data set."""
    for split in ("train", "val", "all"):
        data, refusal = opened(root, split)
        if data is None:
            assert str(root) in refusal
            assert "\n" not in refusal
            continue
        data.summary.encode()  # can be printed
        for sentence in doubts({split: data}):
            sentence.encode()
        for record in data.records:
            assert root in record.path.parents
            assert len(record.boxes) == len(record.labels) == len(record.area) == len(record.iscrowd)
            for box, label, area in zip(record.boxes, record.labels, record.area, strict=True):
                assert all(math.isfinite(side) for side in box)
                width, height = ex.SIZES[record.path.name]
                assert 0 <= box[0] < box[2] <= width
                assert 0 <= box[1] < box[3] <= height
                assert 1 <= label < len(data.classes)
                assert 0 < area <= width * height


@pytest.mark.parametrize("name", WRITERS)
def test_damaged_bytes(folders: dict[str, Path], name: str) -> None:
    root, file = folders[name], folders[name] / WRITERS[name][1]
    sound = file.read_bytes()

    @fuzz
    @given(content=damaged(sound) | st.binary(max_size=30))
    def run(content: bytes) -> None:
        file.write_bytes(content)
        check(root)

    try:
        run()
    finally:
        file.write_bytes(sound)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 100) | st.just(10**400) | st.floats() | st.text(max_size=5)
    | st.sampled_from(["IMG 2.jpg", "../IMG 2.jpg", "\0", "x" * 300, "\ud800", "1e999", "rect", "circle", "ellipse"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "points", "x"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name, (_, file) in WRITERS.items() if file.endswith(".json")])
def test_odd_values_in_json(folders: dict[str, Path], name: str) -> None:
    root, file = folders[name], folders[name] / WRITERS[name][1]
    sound = file.read_text()

    @fuzz
    @given(text=odd_json(json.loads(sound), json_values))
    def run(text: str) -> None:
        file.write_text(text)
        check(root)

    try:
        run()
    finally:
        file.write_text(sound)


ODD = ["", "-1", "1e400", "nan", "inf", "0x1F", "1" * 5000, "12,5", "٣", "1_0", "a b", "\x00", "99"]


@fuzz
@given(words=st.lists(st.sampled_from([*ODD, "0", "1", "0.5", "0.25"]), max_size=9))
def test_odd_words_in_labels(folders: dict[str, Path], words: list[str]) -> None:
    root = folders["yolo labels"]
    file = root / WRITERS["yolo labels"][1]
    sound = file.read_bytes()
    file.write_text(" ".join(words) + "\n", encoding="utf-8")
    try:
        check(root)
    finally:
        file.write_bytes(sound)


@fuzz
@given(words=st.lists(st.sampled_from([*ODD, "IMG 2.jpg", "ace", "5", "40"]), min_size=1, max_size=9))
def test_odd_words_in_tables(folders: dict[str, Path], words: list[str]) -> None:
    root = folders["csv"]
    file = root / "x.csv"
    sound = file.read_bytes()
    ex.table(file, [*ex.tensorflow_rows(), words])
    try:
        check(root)
    finally:
        file.write_bytes(sound)


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """A folder may go while one works; the message names it."""
    root = ex.labelme(tmp_path / "cards")
    shutil.rmtree(root)
    with pytest.raises(ValueError, match=r"no data set at .*nothing of that name"):
        open_dataset(root, "train")


ENTRY = {"file_name": "IMG 2.jpg", "width": 100, "height": 60, "objects": {"bbox": [[1, 2, 3, 4]], "category": [0]}}
CELLS = {
    "shape_attributes": {"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [4, 5, 6]},
    "region_attributes": {"card": {"ace": True}},
}


@fuzz
@given(entry=odd_json(ENTRY, json_values))
def test_odd_values_in_lines_of_json(folders: dict[str, Path], entry: str) -> None:
    root = folders["image folder"]
    file = root / WRITERS["image folder"][1]
    sound = file.read_text()
    file.write_text(f"{sound}{entry}\n")
    try:
        check(root)
    finally:
        file.write_text(sound)


@fuzz
@given(changed=odd_json(CELLS, json_values))
def test_odd_values_in_cells(folders: dict[str, Path], changed: str) -> None:
    root = folders["via csv"]
    file = root / WRITERS["via csv"][1]
    sound = file.read_text()
    cells = [json.dumps(cell) for cell in json.loads(changed).values()]
    more_rows = ex.table(root.parent / "row.csv", [["IMG 2.jpg", 1, "{}", 1, 0, *cells]]).read_text()
    file.write_text(sound + more_rows)
    try:
        check(root)
    finally:
        file.write_text(sound)


@pytest.mark.parametrize(
    ("name", "separator"), [("kitti", " "), ("dota", " "), ("visdrone", ","), ("eight columns", ",")]
)
def test_odd_words(folders: dict[str, Path], name: str, separator: str) -> None:
    root = folders[name]
    file = root / WRITERS[name][1]
    sound = file.read_text()

    @fuzz
    @given(words=st.lists(st.sampled_from([*ODD, "IMG 2.jpg", "ace", "DontCare", "0", "1", "7", "40"]), max_size=17))
    def run(words: list[str]) -> None:
        file.write_text(f"{sound}{separator.join(words)}\n", encoding="utf-8")
        check(root)

    try:
        run()
    finally:
        file.write_text(sound)
