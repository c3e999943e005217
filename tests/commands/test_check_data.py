"""`check-data` as its users meet it: a folder with everything wrong, and what is said about it."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import frcnn_edu
from frcnn_edu import cli

pytestmark = pytest.mark.slow  # whole data sets are read and drawn

BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"
TALL = ["dog", 10, 5, 13, 60]  # no anchor is so slim


def add(root: Path, name: str, *objects: list, size: tuple[int, int] = (80, 64)) -> Path:
    """An image with its annotation; returns the image's path."""
    for folder in ("JPEGImages", "Annotations"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(sum(name.encode())).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(root / "JPEGImages" / f"{name}.png")
    items = "".join(f"<object><name>{label}</name>{BOX.format(*corners)}</object>" for label, *corners in objects)
    (root / "Annotations" / f"{name}.xml").write_text(f"<annotation>{items}</annotation>", encoding="utf-8")
    return root / "JPEGImages" / f"{name}.png"


def list_split(root: Path, split: str, *names: str) -> None:
    (root / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
    (root / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names), encoding="utf-8")


@pytest.fixture(autouse=True)
def one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    root = tmp_path / "sound"
    add(root, "a", ["dog", 11, 11, 40, 40], ["cat", 1, 1, 33, 30])
    add(root, "b")
    add(root, "c", ["cat", 21, 11, 50, 40])
    list_split(root, "train", "a", "b")
    list_split(root, "val", "c")
    return root


@pytest.fixture
def awkward(tmp_path: Path) -> Path:
    root = tmp_path / "awkward photos é"
    cut = add(root, "cut off", TALL)
    Image.open(cut).save(cut, "jpeg")  # whatever its name says
    cut.write_bytes(cut.read_bytes()[:-2000])
    damaged = add(root, "damaged", TALL)
    Image.open(damaged).save(damaged, "jpeg")
    content = damaged.read_bytes()
    damaged.write_bytes(content[:900] + b"\xff\xc3" + content[902:])  # a marker that has no business there
    add(root, "repaired", TALL, ["dog", 40, 40, 20, 20], ["dog", 1, 1, 81, 64])
    add(root, "boxes", TALL, ["dog", 5, 5, 5, 9], ["dog", 100, 5, 120, 9], ["", 1, 1, 9, 9])
    add(root, "entity")
    (root / "Annotations" / "entity.xml").write_text('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>')
    add(root, "alone")
    add(root, "hommes et œuvres", TALL, TALL, TALL)
    list_split(root, "train", "cut off", "damaged", "repaired", "boxes", "entity", "gone")
    list_split(root, "val", "hommes et œuvres", "repaired")
    list_split(root, "test", "../a")
    return root


def check(capsys: pytest.CaptureFixture[str], *command: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main(["check-data", *command])
    return status, *capsys.readouterr()


def test_everything_is_told_in_one_pass(awkward: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = check(capsys, str(awkward))
    assert status == 0
    rows = [re.split(r"  +", line.strip()) for line in out.splitlines()]
    for row in (
        ["images left out, annotation refused, DOCTYPE", "1", "entity.xml"],
        ["images left out, no file", "1", "gone"],
        ["boxes refused, zero area", "1", "boxes"],
        ["boxes refused, no area inside the image", "1", "boxes"],
        ["boxes refused, no class name", "1", "boxes"],
        ["images left out, the file ends too soon", "1", "cut off.png"],
        ["images that are damaged: training takes others instead", "1", "damaged.png"],
        ["splits that cannot be used", "1", "test"],
        ["boxes corrected, swapped corners", "2", "repaired"],
        ["boxes clipped to the image, by up to a pixel", "2", "repaired"],
        ["images that are in no split", "1", "alone.png"],
        ["images", "2", "2"],
        ["objects annotated twice, used once", "2", "hommes et œuvres.png"],
        ["objects", "4", "4"],
    ):
        assert row in rows, row
    assert "a split cannot be used: " in out
    assert "! val: 1 image is in train as well, such as repaired.png" in out
    assert out.splitlines()[2] == (
        "Pascal VOC, JPEGImages/ and Annotations/: 5 images in train and val, 1 class, split by the image sets train, val and test"
    )
    with Image.open("data-report/data.png") as figure:
        assert figure.width == 1200


def test_strict_reports_and_then_fails(awkward: Path, sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, error = check(capsys, str(awkward), "--split", "train", "--strict")
    assert status == 2
    assert "figures: data-report/data.png, data-report/images.png\n" in out
    assert "cannot be used with --strict: " in error
    assert "images left out, annotation refused, DOCTYPE: 1 (entity.xml); images left out, no file: 1 (gone)" in error
    status, _, error = check(capsys, str(sound), "--strict")
    assert (status, error) == (0, "")


def test_figures_are_not_overwritten(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    Path("mine/data.png").write_text("mine")
    for name in ("data-2.png", "data-3.png"):
        assert f"figures: mine/{name}, " in check(capsys, str(sound), "--out", "mine")[1]
    assert Path("mine/data.png").read_text() == "mine"


def test_a_sound_folder(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = check(capsys, str(sound), "--model", "small", "--min-size", "64", "--max-size", "80")[1]
    assert "cannot be used: nothing\nrepaired: nothing\nworth knowing: nothing\n" in out
    assert re.search(r"without objects +1 +0\n", out)
    assert re.search(r"in the files +30.0 +30.0 +30.0 ", out)
    assert "The anchors of small are fine here" in out


def test_the_suggested_line_works(awkward: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = check(capsys, str(awkward), "--split", "val", "--min-size", "64", "--max-size", "80")[1]
    before, after = (
        float(re.search(rf"{name} +([\d.]+) %", out)[1])  # type: ignore[index]
        for name in ("anchors of small", "suggested anchors")
    )
    assert before >= 50
    assert after < before - 20
    code = out.split("To use them, in Python:\n")[1].split("\n\n")[0]
    names: dict = {}
    exec("\n".join(line.strip() for line in code.splitlines()), names)
    model = names["model"]
    assert isinstance(model, frcnn_edu.FasterRCNN)
    target = {"boxes": torch.tensor([[10.0, 5, 13, 60]]), "labels": torch.tensor([1])}
    losses = model([torch.rand(3, 64, 80)], [target])
    assert all(loss.isfinite() for loss in losses.values())
    usual = frcnn_edu.fasterrcnn_small_fpn(num_classes=2)
    model.load_state_dict(usual.state_dict())  # the head has as many outputs as before


def test_classes_of_one_split_only(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A COCO file for validation with another category: as `train` does, it is measured by the first file's classes."""
    images = [{"id": i, "file_name": f"JPEGImages/{name}.png"} for i, name in enumerate("ab")]
    for split, name in (("train", "dog"), ("val", "fox")):
        boxes = [{"image_id": 0, "category_id": i, "bbox": [1, 1, 20, 20]} for i in (1, 2)]
        categories = [{"id": 1, "name": name}, {"id": 2, "name": "cat"}]
        content = str({"images": images, "annotations": boxes, "categories": categories}).replace("'", '"')
        (sound / f"{split}.json").write_text(content)
    out = check(capsys, str(sound / "train.json"))[1]
    assert re.search(r"boxes of other classes left out +1  fox\n", out)
    assert re.search(r"  cat +1 +1\n  dog +1 +0\n", out)


def test_mistakes_are_one_line(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part, *command in (
        ("no data set at 'nowhere'", "nowhere"),
        ("no split 'test'", str(sound), "--split", "test"),
    ):
        status, _, error = check(capsys, *command)
        assert status == 2
        assert part in error
        assert len(error.splitlines()) == 1


def test_bccd(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bccd = Path(__file__).resolve().parents[3] / "shared" / "data" / "bccd" / "BCCD"
    if not bccd.is_dir():
        pytest.skip("the BCCD photographs are not in ../shared/data/bccd")
    status, out, _ = check(capsys, str(bccd), "--split", "test", "--model", "small")
    assert status == 0
    assert re.search(r"images +72\n  without objects +0\nobjects +945\n  RBC +805\n", out)
    assert "The anchors of small are fine here" in out


def test_one_image_is_taken_as_train_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`train` learns it by heart: nothing is wrong with such a data set."""
    add(tmp_path / "one", "a", ["cat", 5, 5, 40, 40])
    assert cli.main(["check-data", str(tmp_path / "one"), "--out", str(tmp_path / "out"), "--strict"]) == 0
    out = capsys.readouterr().out
    assert "one image, for both training and evaluation" in out
    assert "cannot be used: nothing" in out


def test_copies_of_one_image_leave_nothing_for_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `train` says, which does not begin with them."""
    for copy in range(3):
        add(tmp_path / "copies", f"a_jpg.rf.{copy}", ["cat", 5, 5, 40, 40])
    cli.main(["check-data", str(tmp_path / "copies"), "--out", str(tmp_path / "out")])
    out = capsys.readouterr().out
    reason = "all 3 images are copies of one (a_jpg.rf.0, a_jpg.rf.1, …): nothing is left for train."
    assert f"a split cannot be used: {tmp_path / 'copies'} cannot be divided: {reason}" in out
    assert "splits that cannot be used" in out
    assert "one image, for both training and evaluation" not in out
