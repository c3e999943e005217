"""Files damaged at random: what cannot be used is left out or refused by name, and everything else is sound."""

import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from damaging import damaged, fuzz, odd_json
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from frcnn_edu.data import CocoDetection, PennFudanDetection, VOCDetection, load_image
from frcnn_edu.data.images import image_size
from frcnn_edu.data.records import RecordDataset

ODD_NUMBERS = [
    "",
    "0",
    "-1",
    "41",
    "1e400",
    "nan",
    "-inf",
    "0x1F",
    "1" * 5000,
    "12,5",
    "NaN%",
    "٣",
    "1_0",
    "20.00000001",
]
box_numbers = st.sampled_from(ODD_NUMBERS) | st.floats().map(repr) | st.integers(-5, 45).map(str)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([7, 90, 10**400, -(2**63) - 1, 0.5])
    | st.floats()
    | st.text(st.characters(), max_size=6)
    | st.sampled_from(["a.png", "../a.png", "\0", "x" * 300, "\ud800"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["id", "name", "bbox", "x"]), inner),
    max_leaves=6,
)


def assert_named(source: Path, error: Exception) -> None:
    assert str(source) in str(error)


def check(source: Path, opened: Callable[[], RecordDataset]) -> None:
    """Either a ValueError or TypeError that names the source, or a data set in which every item is as promised."""
    try:
        dataset = opened()
    except (ValueError, TypeError) as error:
        assert_named(source, error)
        return
    dataset.summary.encode()
    for record, i in zip(dataset.records, range(len(dataset)), strict=True):
        try:
            image, target = dataset[i]
        except ValueError as error:
            assert_named(record.path, error)
            continue
        boxes, count = target["boxes"], len(record.boxes)
        assert (image.dtype, image.ndim, len(image)) == (torch.float32, 3, 3)
        assert 0 <= image.min() <= image.max() <= 1
        assert (boxes.dtype, tuple(boxes.shape)) == (torch.float32, (count, 4))
        assert (boxes >= 0).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert (boxes[:, 2:] <= torch.tensor([image.shape[2], image.shape[1]])).all()
        assert (target["labels"].dtype, tuple(target["labels"].shape)) == (torch.int64, (count,))
        assert ((target["labels"] >= 1) & (target["labels"] < len(dataset.classes))).all()
        assert (target["area"].dtype, tuple(target["area"].shape)) == (torch.float32, (count,))
        assert (target["area"] > 0).all()
        assert target["area"].isfinite().all()
        assert target["iscrowd"].shape == (count,)
        assert set(target["iscrowd"].tolist()) <= {0, 1}
        torch.tensor(target["image_id"])


def picture(file_format: str = "png", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=file_format, exif=exif, **options)
    return buffer.getvalue()


ANNOTATION = """<?xml version="1.0"?>
<annotation><filename>a.png</filename><size><width>30</width><height>40</height><depth>3</depth></size>
<object><name>dog</name><difficult>0</difficult>
<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object></annotation>"""
COCO: dict[str, Any] = {
    "images": [
        {"id": 90, "file_name": "b.png", "width": 30, "height": 40},
        {"id": 7, "file_name": "a.png", "width": 40, "height": 30},
    ],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 18, "bbox": [10, 5, 10, 10], "area": 61.5, "iscrowd": 0},
        {"id": 2, "image_id": 90, "category_id": 3, "bbox": [0.5, 0, 39.5, 30], "iscrowd": 1},
    ],
    "categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "car"}],
}
MASK = np.zeros((40, 30), dtype=np.uint8)
MASK[3:9, 4:8], MASK[20, 20] = 1, 2


@pytest.fixture(scope="module")
def voc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("voc")
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    for name in "ab":
        (root / f"JPEGImages/{name}.png").write_bytes(picture())
        (root / f"Annotations/{name}.xml").write_text(ANNOTATION.format(1, 1, 9, 9))
    (root / "ImageSets/Main/train.txt").write_text("a\nb\n")
    return root


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("coco") / "boxes.json"
    for name in "ab":
        (file.parent / f"{name}.png").write_bytes(picture())
    return file


@pytest.fixture(scope="module")
def penn_fudan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pedestrians")
    for folder, suffix in (("PNGImages", ""), ("PedMasks", "_mask")):
        (root / folder).mkdir()
        for name in "abc":
            file = root / folder / f"{name}{suffix}.png"
            file.write_bytes(picture()) if not suffix else Image.fromarray(MASK).save(file)
    return root


@fuzz
@given(content=damaged(ANNOTATION.format(1, 1, 9, 9).encode()))
def test_damaged_xml(voc: Path, content: bytes) -> None:
    (voc / "Annotations" / "a.xml").write_bytes(content)
    check(voc, lambda: VOCDetection(voc))


@fuzz
@given(numbers=st.lists(box_numbers, min_size=4, max_size=4), side=box_numbers)
def test_odd_numbers_in_xml(voc: Path, numbers: list[str], side: str) -> None:
    content = ANNOTATION.format(*numbers).replace("<width>30<", f"<width>{side}<")
    (voc / "Annotations" / "a.xml").write_text(content, encoding="utf-8")
    check(voc, lambda: VOCDetection(voc))


@fuzz
@given(content=damaged(b"a\nb -1\n"))
def test_damaged_image_sets(voc: Path, content: bytes) -> None:
    (voc / "ImageSets" / "Main" / "odd.txt").write_bytes(content)
    check(voc, lambda: VOCDetection(voc, "odd"))


@fuzz
@given(content=damaged(picture()))
def test_damaged_photographs(voc: Path, content: bytes) -> None:
    (voc / "JPEGImages" / "b.png").write_bytes(content)
    check(voc, lambda: VOCDetection(voc))


@fuzz
@given(content=damaged(json.dumps(COCO).encode()))
def test_damaged_json(coco: Path, content: bytes) -> None:
    coco.write_bytes(content)
    check(coco, lambda: CocoDetection(coco))


@fuzz
@given(text=odd_json(COCO, json_values))
def test_odd_values_in_json(coco: Path, text: str) -> None:
    coco.write_text(text)
    check(coco, lambda: CocoDetection(coco))


@fuzz
@given(content=damaged((lambda b: (Image.fromarray(MASK).save(b, "png"), b.getvalue())[1])(io.BytesIO())))
def test_damaged_masks(penn_fudan: Path, content: bytes) -> None:
    (penn_fudan / "PedMasks" / "b_mask.png").write_bytes(content)
    check(penn_fudan, lambda: PennFudanDetection(penn_fudan, "train"))


@pytest.mark.parametrize("file_format", ["png", "jpeg", "webp", "tiff", "gif", "bmp"])
def test_damaged_images_of_every_kind(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "a.jpg"

    @fuzz
    @given(content=damaged(picture(file_format)))
    def run(content: bytes) -> None:
        path.write_bytes(content)
        for upright in (True, False):
            for read in (image_size, load_image):
                try:
                    read(path, upright)
                except ValueError as error:
                    assert_named(path, error)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's about damaged files
        run()
