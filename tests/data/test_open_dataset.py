import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from frcnn_edu.data import (
    CocoDetection,
    ImageFileError,
    PennFudanDetection,
    ShapesDetection,
    VOCDetection,
    collate,
    existing_splits,
    open_dataset,
    train_transforms,
)
from frcnn_edu.data.sources import evaluation_split, measured_split


@pytest.mark.parametrize("harm", ["damaged", "gone", "a folder"])
def test_what_happens_to_an_image_later_is_named_when_it_is_asked_for(
    voc: Path, tmp_path: Path, damage: Callable[[Path], Path], harm: str
) -> None:
    shutil.copytree(voc, tmp_path / "voc")
    path = tmp_path / "voc" / "JPEGImages" / "000001.jpg"
    if harm == "damaged":  # in its middle, which opening does not look at
        damage(path)
    data = open_dataset(tmp_path / "voc", "train")
    assert len(data) == 8
    if harm != "damaged":
        path.unlink()
    if harm == "a folder":
        path.mkdir()
    reason = {"damaged": "the file is damaged", "gone": "there is no such file", "a folder": "it is a folder"}[harm]
    with pytest.raises(ImageFileError, match=rf"cannot read .*000001\.jpg as an image: {reason}"):
        data[1]
    assert data[0][0].shape == data[2][0].shape == (3, 128, 160)


def coco_json(path: Path, names: list[str]) -> Path:
    images = [{"id": i, "file_name": name} for i, name in enumerate(names)]
    boxes = [{"image_id": i, "category_id": 1, "bbox": [1, 2, 3, 4]} for i in range(len(names))]
    data = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "dog"}]}
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_shapes(split: str) -> None:
    dataset = open_dataset("shapes", split, classes=ShapesDetection.classes, transforms=train_transforms(1.0))
    assert isinstance(dataset, ShapesDetection)
    assert dataset.split == split
    image, target = dataset[0]
    plain, plain_target = ShapesDetection(split)[0]
    assert torch.equal(image, plain.flip(-1))
    assert target["boxes"][:, 1].equal(plain_target["boxes"][:, 1])


def test_shapes_have_their_own_classes() -> None:
    with pytest.raises(ValueError, match=r"shapes has the classes background, circle.*, not dog"):
        open_dataset("shapes", "val", classes=["dog"])


def test_a_voc_folder(bccd: Path) -> None:
    dataset = open_dataset(str(bccd), "test", classes=("background", "WBC"))
    assert isinstance(dataset, VOCDetection)
    assert len(dataset) == 72
    assert dataset.classes == ("background", "WBC")
    assert len(open_dataset(bccd.parent, "test")) == 72  # the one data set inside


def test_coco_files(tmp_path: Path, make_image: Callable[..., Path]) -> None:
    names = [make_image(tmp_path / "images" / f"{i}.png").name for i in range(10)]
    train = coco_json(tmp_path / "train.json", names)
    assert [len(open_dataset(train, split)) for split in ("train", "val")] == [8, 2]
    coco_json(tmp_path / "val.json", names[:3])
    assert [len(open_dataset(str(train), split)) for split in ("train", "val")] == [10, 3]
    dataset = open_dataset(train, "val", classes=["cat", "dog"], transforms=train_transforms(1.0))
    assert isinstance(dataset, CocoDetection)
    assert dataset.classes == ("background", "cat", "dog")
    assert dataset[0][1]["labels"].tolist() == [2]
    assert dataset[0][1]["boxes"].tolist() == [[36, 2, 39, 6]]


def test_penn_fudan(tmp_path: Path, make_image: Callable[..., Path]) -> None:
    make_image(tmp_path / "PNGImages" / "a.png")
    (tmp_path / "PedMasks").mkdir()
    Image.fromarray(np.ones((30, 40), dtype=np.uint8)).save(tmp_path / "PedMasks" / "a_mask.png")
    assert isinstance(open_dataset(tmp_path, "val"), PennFudanDetection)
    with pytest.raises(ValueError, match="background, pedestrian, not dog"):
        open_dataset(tmp_path, "val", classes=["dog"])


@pytest.mark.parametrize("source", ["shape", "nowhere/at/all", "nowhere.json"])
def test_an_unknown_source(source: str) -> None:
    with pytest.raises(ValueError, match=f"no data set at '{source}': nothing of that name exists.*\"shapes\""):
        open_dataset(source, "train")


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"PennFudanPed$"):
        open_dataset(tmp_path, "train")


def test_an_unknown_split() -> None:
    with pytest.raises(ValueError, match="train, val, test; got 'training'"):
        open_dataset("shapes", "training")


@pytest.mark.parametrize("num_workers", [0, 1])
def test_collate_in_a_loader(num_workers: int) -> None:
    dataset = ShapesDetection(length=5, transforms=train_transforms())
    loader = DataLoader(dataset, batch_size=2, collate_fn=collate, num_workers=num_workers)
    batches = list(loader)
    assert [len(images) for images, _ in batches] == [2, 2, 1]
    images, targets = batches[1]
    assert isinstance(images, list)
    assert isinstance(targets, list)
    assert [target["image_id"] for target in targets] == [2, 3]
    assert images[0].shape == (3, 128, 160)


def test_collate_takes_images_of_different_sizes() -> None:
    images, targets = collate([(torch.zeros(3, 4, 5), {"image_id": 1}), (torch.zeros(3, 7, 2), {"image_id": 2})])
    assert [tuple(image.shape) for image in images] == [(3, 4, 5), (3, 7, 2)]
    assert targets == [{"image_id": 1}, {"image_id": 2}]


def test_strict_reaches_every_format(tmp_path: Path, make_image: Callable[..., Path]) -> None:
    for folder in ("PNGImages", "JPEGImages", "Annotations", "PedMasks"):
        make_image(tmp_path / folder / "a.png")
    (tmp_path / "JPEGImages" / "b.png").write_text("oops")
    for name in "ab":
        box = "<xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"
        content = f"<annotation><object><name>dog</name><bndbox>{box}</bndbox></object></annotation>"
        (tmp_path / "Annotations" / f"{name}.xml").write_text(content)
    coco_json(tmp_path / "train.json", ["JPEGImages/a.png", "b.png"])
    for source, split in ((tmp_path, "train"), (tmp_path / "train.json", "train")):
        with pytest.raises(ValueError, match=r"with strict, nothing .* images left out, (it is not an image|no file)"):
            open_dataset(source, split, strict=True)
    (tmp_path / "JPEGImages").rename(tmp_path / "elsewhere")
    with pytest.raises(
        ValueError, match="with strict, nothing may be left out; found images left out, mask does not have one"
    ):
        open_dataset(tmp_path, "val", strict=True)


def test_existing_splits(tmp_path: Path) -> None:
    assert existing_splits("shapes") == ["train", "val", "test"]
    coco_json(tmp_path / "train.json", [])
    coco_json(tmp_path / "test.json", [])
    assert existing_splits(tmp_path / "train.json") == ["train", "test"]
    assert existing_splits(tmp_path / "test.json") == ["train", "test"]
    coco_json(tmp_path / "boxes.json", [])
    assert existing_splits(tmp_path / "boxes.json") == ["train", "val"]
    (tmp_path / "PedMasks").mkdir()
    assert existing_splits(tmp_path) == ["train", "val"]
    for folder in ("JPEGImages", "Annotations"):
        (tmp_path / folder).mkdir()
    (tmp_path / "Annotations" / "a.xml").write_text("<annotation/>")
    assert existing_splits(tmp_path) == ["train", "val"]
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    for name in ("test", "train", "dog_train", "trainval"):
        (tmp_path / "ImageSets" / "Main" / f"{name}.txt").touch()
    assert existing_splits(tmp_path) == ["train", "test"]
    with pytest.raises(ValueError, match="no data set at"):
        existing_splits("nowhere")


@pytest.mark.parametrize(
    ("splits", "evaluation", "measured"),
    [
        ("train val test", "val", "val"),
        ("train test", "test", "test"),
        ("train", "val", "all"),
        ("boxes", "val", "all"),
        ("test", "test", "test"),
    ],
)
def test_what_is_measured(tmp_path: Path, splits: str, evaluation: str, measured: str) -> None:
    """Beside a training that is "val" or else "test"; of a folder that is named, the same, or all where it is one heap."""
    for split in splits.split():
        coco_json(tmp_path / f"{split}.json", [])
    assert evaluation_split(tmp_path) == evaluation
    assert measured_split(tmp_path) == measured
    first = splits.split()[0]
    assert measured_split(tmp_path / f"{first}.json") == "all"


def test_images_that_a_model_cannot_resize_are_left_out(tmp_path: Path) -> None:
    """A line of 1×500 pixels costs only itself, not a training."""
    for name in ("IMG 0.jpg", "IMG 2.jpg"):
        ex.voc(tmp_path, names=[name])
    Image.new("RGB", (500, 1)).save(tmp_path / "JPEGImages" / "IMG 0.jpg")
    ex.text(tmp_path / "Annotations" / "IMG 0.xml", "<annotation><object><name>ace</name><bndbox><xmin>1</xmin>"
            "<ymin>1</ymin><xmax>9</xmax><ymax>1</ymax></bndbox></object></annotation>")  # fmt: skip
    data: Any = open_dataset(tmp_path, "all")
    assert len(data) == 2
    data.leave_out_thin(500)
    assert len(data) == 2
    data.leave_out_thin(499)
    assert [record.path.name for record in data.records] == ["IMG 2.jpg"]
    assert data.summary.endswith("; images left out, too thin for the model: 1 (IMG 0.jpg)")
    with pytest.raises(ValueError, match="no image can be used: 0 images, 0 boxes; "):
        data.leave_out_thin(1)
