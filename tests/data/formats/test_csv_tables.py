"""Tables as they come: sizes of boxes or of images, other columns, decimal commas, names of classes elsewhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import pytest

from frcnn_edu.data import open_dataset

Row = Callable[[str, str, int, int, int, int], list[Any]]
FORMS: dict[str, tuple[str, Row, str]] = {
    "sizes of boxes": (
        "filename,width,height,class,xmin,ymin,xmax,ymax",
        lambda name, label, x0, y0, x1, y1: [name, x1 - x0, y1 - y0, label, x0, y0, x1, y1], ","),
    "sizes of boxes, last pixels counted": (
        "filename,width,height,class,xmin,ymin,xmax,ymax",
        lambda name, label, x0, y0, x1, y1: [name, x1 - x0 + 1, y1 - y0 + 1, label, x0, y0, x1, y1], ","),
    "x, y, width and height": (
        "image,x,y,w,h,label", lambda name, label, x0, y0, x1, y1: [name, x0, y0, x1 - x0, y1 - y0, label], ","),
    "xmin, ymin, width and height": (
        "filename,xmin,ymin,width,height,class",
        lambda name, label, x0, y0, x1, y1: [name, x0, y0, x1 - x0, y1 - y0, label], ","),
    "sides and image sizes": (
        "image_name,bbox_x,bbox_y,bbox_width,bbox_height,label_name,image_width,image_height",
        lambda name, label, x0, y0, x1, y1: [name, x0, y0, x1 - x0, y1 - y0, label, *ex.SIZES[name]], ","),
    "decimal commas": (
        "filename;class;xmin;ymin;xmax;ymax",
        lambda name, label, *box: [name, label, *(f"{side},0" for side in box)], ";"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_same_boxes(tmp_path: Path, form: str) -> None:
    header, row, delimiter = FORMS[form]
    rows = [row(name, *box) for name, boxes in ex.TRUTH.items() for box in boxes]
    ex.draw(tmp_path)
    data: Any = open_dataset(ex.table(tmp_path / "labels.csv", [header.split(delimiter), *rows], delimiter), "all")
    truth = {name: [tuple(box) for _, *box in boxes] for name, boxes in ex.TRUTH.items() if boxes}
    assert {record.path.name: record.boxes for record in data.records} == truth
    assert data.findings.left_out == {}
    noted = {"width and height taken as those of boxes, not of images"} if form.startswith("sizes of boxes") else set()
    assert {*data.findings.noted} == noted


def test_decimal_commas_without_a_header(tmp_path: Path) -> None:
    rows = [[name, *(f"{side},5" for side in box), label] for name, found in ex.TRUTH.items() for label, *box in found]
    ex.draw(tmp_path)
    data: Any = open_dataset(ex.table(tmp_path / "labels.csv", rows, ";"), "all")
    assert data.records[0].boxes == [(1.5, 2.5, 41.5, 52.5)]


def test_images_of_another_size_are_left_out(tmp_path: Path) -> None:
    """As long as width and height are the images'."""
    rows = ex.tensorflow_rows()
    rows[1][1] += 10
    ex.draw(tmp_path)
    data: Any = open_dataset(ex.table(tmp_path / "labels.csv", rows), "all")
    assert data.findings.left_out == {"images left out, of a different size than annotated": {"IMG 0.jpg": 1}}


def test_names_of_classes_in_metadata(tmp_path: Path) -> None:
    """Where FiftyOne writes those of Open Images."""
    ex.open_images(tmp_path)
    for old, new in (
        ("validation-annotations-bbox.csv", "labels/detections.csv"),
        ("class-descriptions-boxable.csv", "metadata/classes.csv"),
    ):
        (tmp_path / new).parent.mkdir()
        (tmp_path / old).rename(tmp_path / new)
    assert open_dataset(tmp_path, "all").classes == ("background", "ace", "king")
