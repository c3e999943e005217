"""Label Studio's tasks: which of their annotations counts, and which file they mean."""

from pathlib import Path
from typing import Any

import exports as ex
import pytest

from frcnn_edu.data import open_dataset
from frcnn_edu.data.formats.label_studio import image_name

FIRST = "IMG 0.jpg"  # 80 pixels wide


def result(x: float = 10, names: Any = ("ace",), **value: Any) -> dict[str, Any]:
    value = {"x": x, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": names} | value
    return {"type": "rectanglelabels", "value": value}


def opened(root: Path, *annotations: Any) -> Any:
    """The data set of two images, the first with these annotations, the second with a box."""
    ex.draw(root, [FIRST, "IMG 1.jpg"])
    tasks = [{"data": {"image": FIRST}, "annotations": annotations}]
    tasks.append({"data": {"image": "IMG 1.jpg"}, "annotations": ({"result": [result()]},)})
    ex.dump(root / "export.json", tasks)
    return open_dataset(root, "all")


def left(data: Any) -> list[int] | None:
    """The left edges of the objects of the first image, in per cent; None if it was left out."""
    found = [record for record in data.records if record.path.name == FIRST]
    return [round(box[0] / 0.8) for box in found[0].boxes] if found else None


def test_a_task_that_nobody_annotated(tmp_path: Path) -> None:
    data = opened(tmp_path)
    assert left(data) is None
    assert data.findings.left_out == {"images left out, nobody has annotated them": {FIRST: 1}}


def test_a_task_that_was_skipped(tmp_path: Path) -> None:
    data = opened(tmp_path, {"result": [result()], "was_cancelled": True})
    assert left(data) is None
    assert data.findings.left_out == {"images left out, their task was skipped": {FIRST: 1}}


def test_a_task_without_objects(tmp_path: Path) -> None:
    """It was looked at, and handed in without a box."""
    data = opened(tmp_path, {"result": [], "was_cancelled": False})
    assert left(data) == []
    assert data.findings.left_out == {}


def test_a_name_that_is_in_no_list(tmp_path: Path) -> None:
    data = opened(tmp_path, {"result": [result(names="ace")]})
    assert data.classes == ("background", "ace")
    assert data.findings.noted == {}


SEVERAL: dict[str, tuple[list[dict[str, Any]], int]] = {
    "an empty one first": ([{"result": []}, {"result": [result(20)]}], 20),
    "an empty one last": ([{"result": [result(20)]}, {"result": []}], 20),
    "the latest by number": ([{"id": 7, "result": [result(20)]}, {"id": 6, "result": [result(30)]}], 20),
    "the latest by date": (
        [{"id": 1, "updated_at": "2026-02-01T10:00:00Z", "result": [result(20)]},
         {"id": 2, "created_at": "2026-01-30T10:00:00Z", "result": [result(30)]}], 20),
    "the ground truth": (
        [{"id": 1, "ground_truth": True, "result": [result(20)]}, {"id": 2, "result": [result(30)]}], 20),
}  # fmt: skip


@pytest.mark.parametrize("case", SEVERAL)
def test_several_annotations(tmp_path: Path, case: str) -> None:
    annotations, expected = SEVERAL[case]
    data = opened(tmp_path, *annotations)
    assert left(data) == [expected]
    used = "the ground truth" if "truth" in case else "the latest with objects"
    assert data.findings.noted == {f"images annotated several times, {used} used": {FIRST: 1}}


def test_an_empty_ground_truth(tmp_path: Path) -> None:
    assert left(opened(tmp_path, {"result": [result()]}, {"result": [], "ground_truth": True})) == []


SHAPES: dict[str, tuple[list[Any], list[int], str]] = {
    "several names": ([result(20, ["ace", "king"])], [20], "shapes with several names, the first one used"),
    "no name": ([result(20, [])], [], "boxes refused, no class name"),
    "a shape and its name apart": (
        [{"id": "a", "type": "rectangle", "value": {"x": 20, "y": 1, "width": 30, "height": 40}},
         {"id": "a", "type": "labels", "value": {"x": 20, "y": 1, "width": 30, "height": 40, "labels": ["ace"]}}],
        [20], ""),
    "a point": (
        [{"type": "keypointlabels", "value": {"x": 5, "y": 5, "width": 0.5, "keypointlabels": ["ace"]}}],
        [], "boxes refused, points and lines have no area"),
    "brush strokes": (
        [{"type": "brushlabels", "value": {"format": "rle", "rle": [0, 1], "brushlabels": ["ace"]}}],
        [], "boxes refused, brush strokes: export them as COCO, or as boxes"),
    "a choice for the image": ([{"type": "choices", "value": {"choices": ["good"]}}], [], ""),
}  # fmt: skip


@pytest.mark.parametrize("case", SHAPES)
def test_shapes(tmp_path: Path, case: str) -> None:
    results, expected, finding = SHAPES[case]
    data = opened(tmp_path, {"result": results})
    assert left(data) == expected
    assert [*data.findings.left_out, *data.findings.noted] == [finding] * bool(finding)


def test_boxes_of_one_kind_of_thing(tmp_path: Path) -> None:
    """A project without names draws rectangles alone."""
    ex.draw(tmp_path, [FIRST])
    shape = {"type": "rectangle", "value": {"x": 20, "y": 1, "width": 30, "height": 40}}
    ex.dump(tmp_path / "x.json", [{"data": {"image": FIRST}, "annotations": [{"result": [shape]}]}])
    data: Any = open_dataset(tmp_path, "all")
    assert (left(data), data.classes) == ([20], ("background", "object"))


ADDRESSES = {
    "/data/upload/7/0f1e2d3c-a.jpg": "7/0f1e2d3c-a.jpg",
    "/data/upload/7/0f1e2d3c-a#1.jpg": "7/0f1e2d3c-a#1.jpg",
    "/data/upload/7/100%.jpg": "7/100%.jpg",
    "/data/local-files/?d=cards/a%20b.jpg": "cards/a b.jpg",
    "/data/local-files/?d=cards%5Ca+b.jpg": "cards\\a+b.jpg",
    "http://host:8080/data/local-files/?d=a%2520b.jpg": "a%20b.jpg",
    "s3://bucket/cards/a#1?.jpg": "cards/a#1?.jpg",
    "https://host/cards/a.jpg?X-Amz-Date=2026&f=1": "cards/a.jpg",
    "https://host/cards/a.jpg#part": "cards/a.jpg",
    "C:\\cards\\a.jpg": "C:/cards/a.jpg",
    "a.jpg": "a.jpg",
}


@pytest.mark.parametrize(("address", "name"), ADDRESSES.items())
@pytest.mark.parametrize("key", ["image", "some_field"])
def test_addresses(address: str, name: str, key: str) -> None:
    assert image_name({"n": 1, "text": "a word", key: address}) == name


@pytest.mark.parametrize("stored", ["a#1.jpg", "100%.jpg", "a b.jpg", "a+b.jpg"])
def test_names_with_signs_are_found(tmp_path: Path, stored: str) -> None:
    ex.draw(tmp_path / "images", [FIRST], lambda _: stored)
    task = {"data": {"image": f"/data/upload/7/0f1e2d3c-{stored}"}, "annotations": [{"result": [result()]}]}
    assert len(open_dataset(ex.dump(tmp_path / "x.json", [task]), "all")) == 1
