"""Text files of a data set in UTF-16, as PowerShell and Excel write them."""

from pathlib import Path
from typing import Any

import exports as ex
import more_exports as more
import pytest

from frcnn_edu.data import open_dataset
from frcnn_edu.data.formats.texts import text_of
from frcnn_edu.data.sources import layout_of

YAML = "train: images\nval: images\nnames: [ace, king]"
WRITERS: dict[str, Any] = {
    "names": lambda p: (ex.yolo(p, "images", "labels"), ex.text(p / "classes.txt", *ex.CLASSES)),
    "yaml": lambda p: (ex.yolo(p, "images", "labels"), ex.text(p / "data.yaml", *YAML.splitlines())),
    "labels": lambda p: (ex.yolo(p, "images", "labels"), ex.text(p / "classes.txt", *ex.CLASSES))[0],
    "obj.data": ex.darknet,
    "image sets": lambda p: ex.voc_sets(p, train=list(ex.SIZES)),
    "table": lambda p: (ex.draw(p), ex.table(p / "labels.csv", ex.retinanet_rows(""))),
    "open images": ex.open_images,
    "image folder": more.image_folder,
    "supervisely": more.supervisely,
    "coco": lambda p: ex.coco_named(p, str),
}
FILES = ("*.txt", "*.yaml", "*.data", "*.names", "*.csv", "*.json", "*.jsonl")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
@pytest.mark.parametrize("name", WRITERS)
def test_marked_encodings(tmp_path: Path, name: str, encoding: str) -> None:
    WRITERS[name](tmp_path)
    for file in [path for pattern in FILES for path in tmp_path.rglob(pattern)]:
        file.write_bytes(file.read_text(encoding="utf-8").encode(encoding))
    layout = layout_of(tmp_path)
    read: dict[str, int] = {}
    for split in layout.splits:
        data: Any = open_dataset(tmp_path, split)
        read |= {record.path.name: len(record.boxes) for record in data.records}
    assert {image: count for image, count in read.items() if count} == {
        image: len(boxes) for image, boxes in ex.TRUTH.items() if boxes
    }


def test_cvat_in_utf_16(tmp_path: Path) -> None:
    file = ex.cvat(tmp_path, subsets=True) / "annotations.xml"
    file.write_bytes(file.read_text(encoding="utf-8").encode("utf-16"))
    assert [len(open_dataset(tmp_path, split)) for split in layout_of(tmp_path).splits] == [6, 2, 2]


def test_a_line_that_is_longer_than_what_is_looked_at_first(tmp_path: Path) -> None:
    more.image_folder(tmp_path)
    file = tmp_path / "metadata.jsonl"
    file.write_text("".join(f'{line[:-1]}, "text": "{"x" * 200_000}"}}\n' for line in file.read_text().splitlines()))
    assert len(open_dataset(tmp_path, "all")) == 10


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    for content in (b"\xff\xfe\x00", b"\xe9\xff", b"\xff\xfe\x00\xd8"):
        (tmp_path / "x.txt").write_bytes(content)
        with pytest.raises(ValueError, match=r"cannot read .*x\.txt as text"):
            text_of(tmp_path / "x.txt")
    with pytest.raises(ValueError, match=r"cannot read .*nowhere as text"):
        text_of(tmp_path / "nowhere")
