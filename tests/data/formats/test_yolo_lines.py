"""Boxes, outlines and boxes with key points, which only all labels together tell apart; and names as data.yaml has them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import exports as ex
import numpy as np
import pytest

from frcnn_edu.data import open_dataset
from frcnn_edu.data.formats.yolo_lines import Line, key_points_in

RNG = np.random.default_rng(0)
SIZES = {"small": (0.02, 0.1), "all sizes": (0.05, 0.5), "large": (0.3, 0.9)}


def box(size: tuple[float, float]) -> tuple[float, float, float, float]:
    """A box (x, y, width, height around a center) inside of the image."""
    width, height = RNG.uniform(*size, 2)
    return RNG.uniform(width / 2, 1 - width / 2), RNG.uniform(height / 2, 1 - height / 2), width, height


def pose(points: int, numbers: int, size: tuple[float, float]) -> Line:
    """A box with key points in it, the last of which is not seen."""
    x, y, width, height = box(size)
    rest: list[float] = []
    for i in range(points):
        unseen = i == points - 1 > 0
        at = [0, 0] if unseen else [x + width * RNG.uniform(-0.5, 0.5), y + height * RNG.uniform(-0.5, 0.5)]
        rest += [*at, *([0 if unseen else 2] if numbers == 3 else [])]
    return Line(0, (x, y, width, height, *rest))


def outline(points: int, size: tuple[float, float]) -> Line:
    """Points on an ellipse, from any of them on."""
    x, y, width, height = box(size)
    angles = RNG.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(points) / points
    return Line(0, tuple(np.stack([x + width / 2 * np.cos(angles), y + height / 2 * np.sin(angles)], 1).ravel()))


def rectangle(size: tuple[float, float]) -> Line:
    x, y, width, height = box(size)
    x0, y0, x1, y1 = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    return Line(0, tuple(np.roll([x0, y0, x1, y0, x1, y1, x0, y1], 2 * RNG.integers(4))))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(("points", "numbers"), [(1, 3), (2, 3), (17, 3), (5, 2), (17, 2)])
def test_key_points(points: int, numbers: int, size: tuple[float, float]) -> None:
    assert key_points_in([pose(points, numbers, size) for _ in range(40)]) == points * numbers


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("points", [3, 4, 5, 12])
def test_outlines_of_one_length(points: int, size: tuple[float, float]) -> None:
    assert key_points_in([outline(points, size) for _ in range(40)]) == 0
    assert key_points_in([rectangle(size) for _ in range(40)]) == 0


def test_outlines_of_several_lengths() -> None:
    assert key_points_in([outline(points, (0.1, 0.3)) for points in (3, 4, 5, 9)] * 5) == 0


def test_boxes_alone() -> None:
    assert key_points_in([Line(0, box((0.1, 0.5))) for _ in range(5)]) == 0
    assert key_points_in([None]) == key_points_in([]) == 0


def test_what_cannot_be_told() -> None:
    """Outlines that all lie at one place in the upper left: each could be a box with two points in it."""
    fixed = Line(0, (0.4, 0.4, 0.5, 0.4, 0.5, 0.5, 0.4, 0.5))
    assert key_points_in([fixed] * 50) is None


def labels(root: Path, lines: Iterator[Line], **yaml: Any) -> Path:
    ex.draw(root / "images")
    for name in ex.SIZES:
        line = next(lines)
        ex.text(root / "labels" / f"{Path(name).stem}.txt", " ".join(f"{number:g}" for number in (0, *line.numbers)))
    head = [f"{key}: {value}" for key, value in yaml.items()]
    ex.text(root / "data.yaml", "train: images", "val: images", "names: [ace]", *head)
    return root


def forever(make: Callable[[], Line]) -> Iterator[Line]:
    while True:
        yield make()


def test_key_points_without_kpt_shape(tmp_path: Path) -> None:
    data: Any = open_dataset(labels(tmp_path, forever(lambda: pose(2, 3, (0.1, 0.4)))), "train")
    assert data.findings.repaired == data.findings.left_out == {}
    assert data.findings.noted["numbers after the box taken as key points"] == {"data.yaml": 10}
    for record in data.records:
        words = (tmp_path / "labels" / f"{record.path.stem}.txt").read_text().split()
        sides = [float(word) * side for word, side in zip(words[3:5], ex.SIZES[record.path.name])]
        assert [record.boxes[0][2] - record.boxes[0][0], record.boxes[0][3] - record.boxes[0][1]] == pytest.approx(
            sides
        )


def test_what_cannot_be_told_is_noted(tmp_path: Path) -> None:
    fixed = Line(0, (0.4, 0.4, 0.5, 0.4, 0.5, 0.5, 0.4, 0.5))
    data: Any = open_dataset(labels(tmp_path, forever(lambda: fixed)), "train")
    assert "may be outlines or boxes with key points, read as outlines" in data.summary
    assert data.records[0].boxes == [pytest.approx((32, 24, 40, 30))]
    data = open_dataset(labels(tmp_path, forever(lambda: fixed), kpt_shape="[2, 2]"), "train")
    assert "outlines" not in data.summary
    assert data.records[0].boxes == [pytest.approx((12, 12, 52, 36))]


def test_another_number_of_key_points_than_declared(tmp_path: Path) -> None:
    data: Any = open_dataset(labels(tmp_path, forever(lambda: outline(4, (0.1, 0.3))), kpt_shape="[17, 3]"), "train")
    assert data.findings.left_out["boxes refused, not as many key points as others have"].total() == 10


NAMES = {
    "[no, yes]": ["no", "yes"],
    "{0: no, 1: yes}": ["no", "yes"],
    "[on, off]": ["on", "off"],
    "[007, 1.50]": ["007", "1.50"],
    "[null, ~]": ["null", "~"],
    "[2024-01-01, 1e3]": ["2024-01-01", "1e3"],
    "\n- y\n- n": ["y", "n"],
    "{1: a}": ["class 0", "a"],
}


@pytest.mark.parametrize("written", NAMES)
def test_names_as_they_are_written(tmp_path: Path, written: str) -> None:
    ex.yolo(tmp_path, "images", "labels")
    ex.text(tmp_path / "data.yaml", f"train: images\nval: images\nnames: {written}")
    assert open_dataset(tmp_path, "train").classes == ("background", *NAMES[written])


@pytest.mark.parametrize("names", ["[[a], b]", "{a: b}", "a", "[]", "{-1: a}", "{99999999: a}", "&x [*x]"])
def test_names_that_are_none(tmp_path: Path, names: str) -> None:
    ex.yolo(tmp_path, "images", "labels")
    ex.text(tmp_path / "data.yaml", f"train: images\nval: images\nnames: {names}")
    with pytest.raises(ValueError, match=r"data\.yaml has no usable names|cannot read .*data\.yaml as yaml"):
        open_dataset(tmp_path, "train")


def test_another_count_than_names(tmp_path: Path) -> None:
    ex.yolo(tmp_path, "images", "labels")
    text = "train: images\nval: images\nnames: [ace, king]\nnc: "
    ex.text(tmp_path / "data.yaml", f"{text}3")
    assert "nc ignored, because it is not the number of names: 1 (data.yaml: nc 3, 2 names)" in (
        open_dataset(tmp_path, "train").summary  # type: ignore[union-attr]
    )
    ex.text(tmp_path / "data.yaml", f"{text}2")
    assert "nc" not in open_dataset(tmp_path, "train").summary  # type: ignore[union-attr]


def test_images_of_one_name_in_two_folders(tmp_path: Path) -> None:
    """Each has its own file, though both are called the same."""
    for folder, name in (("a", "IMG 1.jpg"), ("b", "IMG 2.jpg")):
        ex.yolo(tmp_path, f"{folder}/images", f"{folder}/labels", [name])
        (tmp_path / folder / "images" / name).rename(tmp_path / folder / "images" / "0.jpg")
        (tmp_path / folder / "labels" / f"{Path(name).stem}.txt").rename(tmp_path / folder / "labels" / "0.txt")
    ex.text(tmp_path / "data.yaml", "train: [a/images, b/images]\nval: a/images\nnames: [ace, king]")
    data: Any = open_dataset(tmp_path, "train")
    counts = {record.path.relative_to(tmp_path).as_posix(): len(record.boxes) for record in data.records}
    assert counts == {"a/images/0.jpg": 1, "b/images/0.jpg": 2}


def test_heic_is_told(tmp_path: Path) -> None:
    """The images of telephones, which most systems cannot decode: counted, and named with the way out."""
    ex.yolo(tmp_path, "images", "labels")
    (tmp_path / "images" / "IMG 1.jpg").unlink()
    (tmp_path / "images" / "IMG 1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    ex.text(tmp_path / "classes.txt", *ex.CLASSES)
    data: Any = open_dataset(tmp_path, "all")
    assert [*data.findings.left_out] == [
        "images left out, HEIC, which Pillow reads only with the plug-in pillow-heif: convert it to JPEG or PNG"
    ]
    assert len(data) == 9
