"""Turned boxes, masks, cuboids and skeletons: the box around each, or the reason why there is none."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import exports as ex
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask

from frcnn_edu.data import open_dataset
from frcnn_edu.data.formats.masks import mask_box
from frcnn_edu.data.formats.turned import around_turned

FIRST = "IMG 0.jpg"
WIDTH, HEIGHT = ex.SIZES[FIRST]
BOX = (30, 20, 50, 28)  # a flat one in the middle, which stays inside however it is turned
REMARK = "boxes around rotated boxes"


def turned(box: Sequence[float], degrees: float) -> list[float]:
    """The box around one whose corners are turned about its center, one by one."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = [(u - x, v - y) for u in box[::2] for v in box[1::2]]
    points = [(x + u * c - v * s, y + u * s + v * c) for u, v in corners]
    return [min(p[0] for p in points), min(p[1] for p in points), max(p[0] for p in points), max(p[1] for p in points)]


def coco(root: Path, degrees: float) -> Path:
    content = ex.coco([FIRST])
    x0, y0, x1, y1 = BOX
    content["annotations"][0] |= {
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "attributes": {"occluded": False, "rotation": degrees},
    }
    return ex.dump(root / "instances_default.json", content)


def voc(root: Path, inside: str) -> Path:
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    ex.text(root / "IMG 0.xml", f"<annotation>{size}<object><name>ace</name>{inside}</object></annotation>")
    return root


def voc_attribute(root: Path, degrees: float) -> Path:
    x0, y0, x1, y1 = BOX
    corners = f"<xmin>{x0 + 1}.0</xmin><ymin>{y0 + 1}.0</ymin><xmax>{x1}.0</xmax><ymax>{y1}.0</ymax>"
    rotation = f"<attribute><name>rotation</name><value>{degrees}</value></attribute>"
    return voc(root, f"<bndbox>{corners}</bndbox><attributes>{rotation}</attributes>")


def voc_center(root: Path, degrees: float) -> Path:
    x0, y0, x1, y1 = BOX
    center = f"<cx>{(x0 + x1) / 2}</cx><cy>{(y0 + y1) / 2}</cy><w>{x1 - x0}</w><h>{y1 - y0}</h>"
    return voc(root, f"<type>robndbox</type><robndbox>{center}<angle>{math.radians(degrees)}</angle></robndbox>")


def voc_corners(root: Path, degrees: float) -> Path:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y, half, tall = 40, 24, 10, 4
    named = {
        "left_top": (-half, -tall),
        "right_top": (half, -tall),
        "right_bottom": (half, tall),
        "left_bottom": (-half, tall),
    }
    tags = "".join(
        f"<x_{name}>{x + u * c - v * s}</x_{name}><y_{name}>{y + u * s + v * c}</y_{name}>"
        for name, (u, v) in named.items()
    )
    return voc(root, f"<robndbox>{tags}</robndbox><angle>0</angle>")


def cvat(root: Path, degrees: float) -> Path:
    x0, y0, x1, y1 = BOX
    shape = f'<box label="ace" xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}" rotation="{degrees}"/>'
    return cvat_shapes(root, shape)


def corners_of(degrees: float) -> list[tuple[float, float]]:
    """The corners of the box, one after the other, turned about its center."""
    x0, y0, x1, y1 = BOX
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    c, s = round(math.cos(math.radians(degrees)), 12), round(math.sin(math.radians(degrees)), 12)
    offsets = [(u - x, v - y) for u, v in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
    return [(x + u * c - v * s, y + u * s + v * c) for u, v in offsets]


def datumaro(root: Path, degrees: float) -> Path:
    x0, y0, x1, y1 = BOX
    box = {"type": "bbox", "label_id": 0, "bbox": [x0, y0, x1 - x0, y1 - y0], "attributes": {"rotation": degrees}}
    item = {"id": "IMG 0", "image": {"path": FIRST, "size": [HEIGHT, WIDTH]}, "annotations": [box]}
    content = {"categories": {"label": {"labels": [{"name": "ace"}]}}, "items": [item]}
    return ex.dump(root / "default.json", content)


def dota(root: Path, degrees: float) -> Path:
    numbers = " ".join(str(number) for point in corners_of(degrees) for number in point)
    ex.text(root / "labelTxt" / "IMG 0.txt", f"{numbers} ace 0")
    return root


def labelme(root: Path, degrees: float) -> Path:
    shape = {"label": "ace", "points": corners_of(degrees), "shape_type": "rotation", "flags": {}}
    content = {"version": "5.5.0", "flags": {}, "shapes": [shape], "imagePath": FIRST, "imageData": None}
    ex.dump(root / "IMG 0.json", content)
    return root


def cvat_shapes(root: Path, *shapes: str) -> Path:
    image = f'<image id="0" name="{FIRST}" width="{WIDTH}" height="{HEIGHT}">{"".join(shapes)}</image>'
    return ex.text(root / "annotations.xml", f"<annotations>{image}</annotations>")


@pytest.mark.parametrize("degrees", [90, 30, -20, 271.5])
@pytest.mark.parametrize("write", [coco, voc_attribute, voc_center, voc_corners, cvat, datumaro, dota, labelme])
def test_turned_boxes(tmp_path: Path, write: Callable[[Path, float], Path], degrees: float) -> None:
    ex.draw(tmp_path, [FIRST])
    data: Any = open_dataset(write(tmp_path, degrees), "all")
    assert data.records[0].boxes == [pytest.approx(turned(BOX, degrees), abs=1e-6)]
    upright = (
        write in (voc_corners, dota, labelme) and degrees == 90
    )  # four corners say where the sides are, whatever turned them
    assert {what: places.total() for what, places in data.findings.repaired.items()} == ({} if upright else {REMARK: 1})
    assert data.findings.left_out == {}


@pytest.mark.parametrize("degrees", [0, 180, -360])
@pytest.mark.parametrize("write", [coco, voc_attribute, voc_center, voc_corners, cvat, datumaro, dota, labelme])
def test_boxes_that_lie_as_they_are(tmp_path: Path, write: Callable[[Path, float], Path], degrees: float) -> None:
    ex.draw(tmp_path, [FIRST])
    data: Any = open_dataset(write(tmp_path, degrees), "all")
    assert data.records[0].boxes == [pytest.approx(BOX, abs=1e-6)]
    assert data.findings.repaired == {}


@pytest.mark.parametrize(("degrees", "box"), [(0, BOX), (180, (10, 12, 30, 20)), (360, BOX), (-720, BOX)])
def test_whole_and_half_turns_in_label_studio(tmp_path: Path, degrees: float, box: Sequence[float]) -> None:
    """It turns boxes around their upper left corner: half a turn puts one elsewhere, and leaves it upright."""
    x0, y0, x1, y1 = BOX
    value = {"x": 100 * x0 / WIDTH, "y": 100 * y0 / HEIGHT, "width": 100 * (x1 - x0) / WIDTH,
             "height": 100 * (y1 - y0) / HEIGHT, "rotation": degrees, "rectanglelabels": ["ace"]}  # fmt: skip
    result = {"original_width": WIDTH, "original_height": HEIGHT, "type": "rectanglelabels", "value": value}
    ex.draw(tmp_path, [FIRST])
    ex.dump(tmp_path / "export.json", [{"data": {"image": FIRST}, "annotations": [{"result": [result]}]}])
    data: Any = open_dataset(tmp_path, "all")
    assert data.records[0].boxes == [pytest.approx(box, abs=1e-6)]
    assert data.findings.repaired == {}


@pytest.mark.parametrize("write", [coco, voc_attribute])
def test_an_infinite_angle_is_none(tmp_path: Path, write: Callable[[Path, float], Path]) -> None:
    ex.draw(tmp_path, [FIRST])
    data: Any = open_dataset(write(tmp_path, math.inf), "all")
    assert data.records[0].boxes == [BOX]


@given(st.tuples(*[st.floats(-100, 100)] * 4), st.floats(-7, 7))
def test_around_turned(corners: tuple[float, ...], angle: float) -> None:
    box = (min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2]))
    assert around_turned(box, angle) == pytest.approx(turned(box, math.degrees(angle)), abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 20))
def test_masks(seed: int, height: int, width: int) -> None:
    """In both ways of writing them: the box around the pixels, and how many there are."""
    pixels = np.asfortranarray(np.random.default_rng(seed).random((height, width)) < 0.1, dtype=np.uint8)
    y, x = np.nonzero(pixels)
    expected = None
    if len(x):
        sides = x.min(), y.min(), x.max() + 1 - x.min(), y.max() + 1 - y.min()
        expected = tuple(map(float, sides)), float(len(x))
    packed = mask.encode(pixels)["counts"].decode()
    flat = pixels.ravel(order="F")
    runs = np.diff([0, *(np.flatnonzero(np.diff(flat)) + 1), flat.size]).tolist()
    for counts in (packed, [0, *runs] if flat[0] else runs):
        assert mask_box({"size": [height, width], "counts": counts}) == expected


@given(
    st.text(st.characters(min_codepoint=40, max_codepoint=130), max_size=20)
    | st.lists(st.integers(-2, 400), max_size=9),
    st.lists(st.integers(-1, 20) | st.none() | st.just(2**40), max_size=3),
)
def test_damaged_masks(counts: Any, size: list[Any]) -> None:
    """Compiled code reads them, which does not check: whatever is there, the box is none or lies inside."""
    found = mask_box({"size": size, "counts": counts})
    if found is not None:
        (x, y, width, height), _ = found
        assert x >= 0 <= y
        assert x + width <= size[1]
        assert y + height <= size[0]


def test_masks_without_boxes_in_coco(tmp_path: Path) -> None:
    content = ex.coco()
    for each in content["annotations"]:
        name = list(ex.SIZES)[each["image_id"] - 1]
        x, y, width, height = each.pop("bbox")
        pixels = np.zeros(ex.SIZES[name][::-1], dtype=np.uint8, order="F")
        pixels[y : y + height, x : x + width] = 1
        each["segmentation"] = {"size": [*pixels.shape], "counts": mask.encode(pixels)["counts"].decode()}
        each.pop("area")
    ex.draw(tmp_path)
    data: Any = open_dataset(ex.dump(tmp_path / "masks.json", content), "all")
    truth = {name: [tuple(box) for _, *box in boxes] for name, boxes in ex.TRUTH.items()}
    assert {record.path.name: record.boxes for record in data.records} == truth
    assert all(area == (x1 - x0) * (y1 - y0) for r in data.records for area, (x0, y0, x1, y1) in zip(r.area, r.boxes))
    content["annotations"][0]["segmentation"] = {"size": [60, 80], "counts": "0"}
    data = open_dataset(ex.dump(tmp_path / "masks.json", content), "all")
    assert data.findings.left_out == {"boxes refused, the mask is empty or damaged": {FIRST: 1}}


def test_cuboids_and_skeletons_of_cvat(tmp_path: Path) -> None:
    """A cuboid has eight corners; a skeleton has only points."""
    ex.draw(tmp_path, [FIRST])
    corners = {"tl1": (10, 12), "bl1": (10, 30), "tr1": (30, 12), "br1": (30, 31), "tl2": (40, 8), "bl2": (40, 25),
               "tr2": (15, 8), "br2": (15, 25)}  # fmt: skip
    sides = " ".join(f'x{end}="{x}" y{end}="{y}"' for end, (x, y) in corners.items())
    skeleton = '<skeleton label="king"><points label="nose" points="10,10" outside="0"/></skeleton>'
    data: Any = open_dataset(cvat_shapes(tmp_path, f'<cuboid label="ace" {sides}/>', skeleton), "all")
    assert data.records[0].boxes == [(10, 8, 40, 31)]
    assert data.findings.repaired == {"boxes around cuboids": {FIRST: 1}}
    assert data.findings.left_out == {"boxes refused, skeletons have key points but no box": {FIRST: 1}}
