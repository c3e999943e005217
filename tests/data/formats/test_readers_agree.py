"""Our readers against somebody else's: globox, which reads seven of the formats, finds the same objects."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import globox
import pytest

from frcnn_edu.data import open_dataset

Sets = globox.AnnotationSet
CASES: dict[str, tuple[Callable[[Path], Path], Callable[[Path], Any]]] = {
    "Pascal VOC": (ex.voc, lambda p: Sets.from_pascal_voc(p / "Annotations")),
    "COCO": (lambda p: ex.coco_named(p, str), Sets.from_coco),
    "YOLO": (
        lambda p: (ex.yolo(p, "images", "labels"), ex.text(p / "classes.txt", *ex.CLASSES))[0],
        lambda p: Sets.from_yolo_v5(p / "labels", image_folder=p / "images"),
    ),
    "labelme": (ex.labelme, Sets.from_labelme),
    "CVAT": (ex.cvat, lambda p: Sets.from_cvat(p / "annotations.xml")),
    "VGG Image Annotator": (lambda p: ex.via(p, 1), lambda p: via(p)),
}


def via(file: Path) -> Any:
    """globox takes regions as a list, which is version 2's way, and a project's images without the rest of it."""
    import json

    entries = json.loads(file.read_text())
    for entry in entries.values():
        entry["regions"] = list(entry["regions"].values())
    return Sets.from_via_json(ex.dump(file.with_name("list.json"), entries), label_key="label")


def theirs(found: Any, pixels_from_one: bool) -> dict[str, list[tuple[Any, ...]]]:
    """By the file's stem: class and corners. globox takes VOC's numbers as they are, without counting pixels from 1."""
    shift = 1 if pixels_from_one else 0
    return {
        Path(str(image.image_id).replace("\\", "/")).stem: sorted(
            (name_of(box.label), round(box.xmin) - shift, round(box.ymin) - shift, round(box.xmax), round(box.ymax))
            for box in image.boxes
        )
        for image in found
    }


def name_of(label: Any) -> str:
    return ex.CLASSES[int(label)] if str(label).isdecimal() else str(label)


@pytest.mark.parametrize("name", CASES)
def test_the_same_objects_as_globox(tmp_path: Path, name: str) -> None:
    write, read = CASES[name]
    source = write(tmp_path / "cards")
    data: Any = open_dataset(source, "all")
    ours = {
        record.path.stem: sorted(
            (data.classes[label], *(round(side) for side in box)) for label, box in zip(record.labels, record.boxes)
        )
        for record in data.records
    }
    assert ours == theirs(read(source), pixels_from_one=name == "Pascal VOC")
    assert sum(map(len, ours.values())) == sum(map(len, ex.TRUTH.values()))
