"""Files of the formats that fewer tools write, damaged at random, as test_damaged_exports.py does it with the others."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import exports as ex
import more_exports as more
import pytest
from damaging import damaged, odd_json
from damaging import fuzz as usual
from hypothesis import given, settings
from hypothesis import strategies as st
from test_damaged_exports import ODD, check, json_values

fuzz = settings(usual, max_examples=int(os.environ.get("FUZZ", "10")))
WRITERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "createml": (more.createml, "_annotations.createml.json"),
    "via csv": (more.via_csv, "via_export_csv.csv"),
    "image folder": (more.image_folder, "metadata.jsonl"),
    "supervisely": (more.supervisely, "ann/IMG 2.jpg.json"),
    "supervisely, bitmaps": (lambda p: more.supervisely(p, shape="bitmap"), "ann/IMG 2.jpg.json"),
    "eight columns": (more.make_sense, "labels_cards.csv"),
    "kitti": (more.kitti, "label_2/IMG 2.txt"),
    "dota": (more.dota, "labelTxt/IMG 2.txt"),
    "visdrone": (more.visdrone, "annotations/IMG 2.txt"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: write(tmp_path_factory.mktemp("damaged") / "cards") for name, (write, _) in WRITERS.items()}


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


ENTRY = {"file_name": "IMG 2.jpg", "width": 100, "height": 60, "objects": {"bbox": [[1, 2, 3, 4]], "category": [0]}}
CELLS = {
    "shape_attributes": {"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [4, 5, 6]},
    "region_attributes": {"card": {"ace": True}},
}


@pytest.mark.parametrize("name", ["createml", "supervisely", "supervisely, bitmaps"])
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
