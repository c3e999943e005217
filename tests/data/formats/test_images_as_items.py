"""Scalabel's json, Datumaro's json and AutoML's table: the same objects, the splits, and what cannot be used."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import exports as ex
import pytest

from frcnn_edu.data.formats import automl, datumaro, scalabel
from frcnn_edu.data.records import RecordDataset


def opened(module: ModuleType, source: Path, split: str = "all") -> Any:
    layout = module.recognise(source)
    assert layout is not None
    return RecordDataset(source, layout.format, layout.part(split))


def write_scalabel(root: Path) -> Path:
    frames = [
        {"name": name, "timestamp": 1, "labels": [
            {"id": str(i), "category": label, "attributes": {"crowd": False},
             "box2d": {"x1": x0, "y1": y0, "x2": x1, "y2": y1}}
            for i, (label, x0, y0, x1, y1) in enumerate(boxes)
        ] or None}
        for name, boxes in ex.TRUTH.items()
    ]  # fmt: skip
    frames[0]["labels"].append({"id": "lane", "category": "lane", "poly2d": [{"vertices": [[1, 2], [3, 4]]}]})  # type: ignore[union-attr]
    ex.draw(root / "images")
    return ex.dump(root / "labels.json", frames)


def write_datumaro(root: Path) -> Path:
    items = [
        {"id": Path(name).stem, "image": {"path": name, "size": ex.SIZES[name][::-1]}, "annotations": [
            {"id": i, "type": "bbox", "attributes": {"occluded": False, "rotation": 0.0}, "group": i,
             "label_id": ["joker", *ex.CLASSES].index(label), "bbox": [x0, y0, x1 - x0, y1 - y0]}
            for i, (label, x0, y0, x1, y1) in enumerate(boxes)
        ] + [{"type": "label", "label_id": 0}]}
        for name, boxes in ex.TRUTH.items()
    ]  # fmt: skip
    labels = [{"name": name, "parent": "", "attributes": []} for name in ("joker", *ex.CLASSES)]
    ex.draw(root / "images" / "default")
    content = {"info": {}, "categories": {"label": {"labels": labels}}, "items": items}
    return ex.dump(root / "annotations" / "default.json", content)


def automl_rows(words: Callable[[str], str] = lambda name: "UNASSIGNED") -> list[list[Any]]:
    rows = []
    for name, boxes in ex.TRUTH.items():
        (width, height), head = ex.SIZES[name], [words(name), f"gs://bucket/cards/{name}"]
        for label, left, top, right, bottom in boxes:
            x0, y0, x1, y1 = left / width, top / height, right / width, bottom / height
            two = [x0, y0, "", "", x1, y1, "", ""]
            rows.append([*head, label, *(two if label == "ace" else [x0, y0, x1, y0, x1, y1, x0, y1])])
        if not boxes:
            rows.append([*head, *[""] * 9])
    return rows


def write_automl(root: Path) -> Path:
    ex.draw(root / "images")
    return ex.table(root / "import.csv", automl_rows())


WRITERS: dict[str, tuple[ModuleType, Callable[[Path], Path]]] = {
    "Scalabel": (scalabel, write_scalabel), "Datumaro": (datumaro, write_datumaro), "AutoML": (automl, write_automl),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_objects(tmp_path: Path, name: str) -> None:
    module, write = WRITERS[name]
    file = write(tmp_path)
    for source in (tmp_path, file):
        data = opened(module, source)
        found = {
            record.path.name: sorted(
                (data.classes[k], *(round(v) for v in b)) for k, b in zip(record.labels, record.boxes)
            )
            for record in data.records
        }
        assert found == {name: sorted(boxes) for name, boxes in ex.TRUTH.items()}
        assert data.classes == ("background", *ex.CLASSES)
        assert data.findings.left_out == {}
    assert module.recognise(tmp_path).title == f"{name}, {file.name}"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", WRITERS)
def test_no_other_files(tmp_path: Path, name: str) -> None:
    module, _ = WRITERS[name]
    for write in (ex.labelme, ex.label_studio, ex.via, ex.open_images, ex.voc):
        write(tmp_path / write.__name__)
        assert module.recognise(tmp_path / write.__name__) is None
    assert module.recognise(ex.dump(tmp_path / "coco.json", ex.coco())) is None
    assert module.recognise(ex.table(tmp_path / "x.csv", ex.retinanet_rows())) is None
    assert module.recognise(tmp_path / "nowhere.json") is None


def test_lanes_have_no_box(tmp_path: Path) -> None:
    data = opened(scalabel, write_scalabel(tmp_path))
    assert data.findings.noted == {"labels without a box left out, such as lanes": {"IMG 0.jpg": 1}}


def test_frames_of_videos(tmp_path: Path) -> None:
    """Their folders tell frames of one number apart."""
    file = write_scalabel(tmp_path)
    frames = json.loads(file.read_text())[1:3]
    for video, frame in zip("ab", frames):
        ex.draw(tmp_path / "images" / video, [frame["name"]], lambda _: "1.jpg")
        frame |= {"name": "1.jpg", "videoName": video}
    data = opened(scalabel, ex.dump(file, frames))
    assert {record.path.parent.name: len(record.boxes) for record in data.records} == {"a": 1, "b": 2}


def test_settings_around_the_list(tmp_path: Path) -> None:
    """As Scalabel itself exports them; BDD100K has the list alone."""
    file = write_scalabel(tmp_path)
    frames = [frame for frame in json.loads(file.read_text()) if ex.SIZES[frame["name"]] == ex.SIZES["IMG 0.jpg"]]
    ex.dump(file, {"config": {"imageSize": {"width": 80, "height": 60}}, "frames": frames})
    assert len(opened(scalabel, file)) == len(frames) == 2


def test_a_split_for_each_row(tmp_path: Path) -> None:
    words = {"train": "TRAIN", "val": "VALIDATE", "test": "TEST"}
    of = {name: words[split] for split, names in ex.SPLIT.items() for name in names} | {"IMG 1.jpg": "UNASSIGNED"}
    ex.draw(tmp_path / "images")
    file = ex.table(tmp_path / "import.csv", automl_rows(of.__getitem__))
    for split, names in ex.SPLIT.items():
        assert [record.path.name for record in opened(automl, file, split).records] == names
    ex.table(file, automl_rows(lambda name: ""))
    assert len(opened(automl, file)) == 10
    ex.table(file, automl_rows(of.__getitem__))
    assert automl.recognise(file).by == "its first column into train, val and test"  # type: ignore[union-attr]


DAMAGE: dict[str, tuple[str, Any, str]] = {
    "no name": ("Scalabel", lambda content: content[0].pop("name"), "images left out, no file name"),
    "no category": ("Scalabel", lambda content: content[0]["labels"][0].pop("category"), "boxes refused, no class name"),
    "no numbers": ("Scalabel", lambda content: content[0]["labels"][0]["box2d"].pop("x1"), "boxes refused, not four numbers"),
    "no label": (
        "Datumaro", lambda content: content["items"][0]["annotations"][0].update(label_id=9), "boxes refused, no class name"),
    "three numbers": (
        "Datumaro", lambda content: content["items"][0]["annotations"][0]["bbox"].pop(), "boxes refused, not four numbers"),
    "points": (
        "Datumaro", lambda content: content["items"][0]["annotations"][0].update(type="points"),
        "boxes refused, points and lines have no area"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_what_cannot_be_used(tmp_path: Path, case: str) -> None:
    name, damage, finding = DAMAGE[case]
    module, write = WRITERS[name]
    file = write(tmp_path)
    content = json.loads(file.read_text())
    damage(content)
    data = opened(module, ex.dump(file, content))
    assert [*data.findings.left_out] == [finding]


def test_outlines_masks_and_turned_boxes_of_datumaro(tmp_path: Path) -> None:
    file = write_datumaro(tmp_path)
    content = json.loads(file.read_text())
    common = {"label_id": 1, "attributes": {"is_crowd": True}}
    content["items"][0]["annotations"] = [
        {"type": "polygon", "points": [1, 2, 11, 2, 11, 12], **common},
        {"type": "mask", "rle": {"size": [60, 80], "counts": [61, 10, 4729]}, **common},
        {"type": "bbox", "bbox": [20, 20, 20, 10], "label_id": 2, "attributes": {"rotation": 90.0}},
    ]
    (record, *_) = opened(datumaro, ex.dump(file, content)).records
    assert record.boxes == [(1, 2, 11, 12), (1, 1, 2, 11), pytest.approx((25, 15, 35, 35))]
    assert record.area == [50, 10, pytest.approx(200)]
    assert record.iscrowd == [1, 1, 0]
