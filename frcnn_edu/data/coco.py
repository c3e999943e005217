"""Data sets in COCO's format: one json file with the boxes of all images, and a folder of image files."""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .records import (
    Findings,
    Record,
    RecordDataset,
    Transforms,
    choose_classes,
    clip_box,
    every_fifth,
    find_frame,
    order_corners,
)


class CocoDetection(RecordDataset):
    """A COCO json file and its images.

    Everything is read and checked here, once, so that no epoch ends in the middle; `summary` tells what was repaired
    or left out. `image_id` is COCO's own. COCO numbers its categories with gaps; here labels run from 1 in the order of
    those numbers. Boxes, [x, y, width, height] in the file, become xyxy. Crowds are kept, with `iscrowd` 1; `area` is
    the file's (that of the outline) where it has one.

    Args:
        annotation_file: the json file.
        image_folder: where the images are. By default looked for beside the json file: in the folder `images`, in the
            json file's own folder, and where COCO's archives put them (annotations/instances_val2017.json and
            val2017/).
        classes: the names of the labels from 1 on, with or without a leading "background"; boxes of other classes are
            left out. By default all categories of the file.
        transforms: called with (image, target), returns both, changed.
        part: "train" or "val" to use four fifths or one fifth of the images; by default all.

    Raises:
        ValueError: the file is not COCO json, two images have one id, or there are no images.
    """

    def __init__(
        self,
        annotation_file: str | Path,
        image_folder: str | Path | None = None,
        classes: Sequence[str] | None = None,
        transforms: Transforms | None = None,
        part: str | None = None,
    ) -> None:
        file = Path(annotation_file)
        content = read_coco(file)
        names = {c["id"]: c["name"] for c in sorted(content["categories"], key=lambda c: c["id"])}
        all_classes = choose_classes(file, [name for name in names.values() if name != "background"], classes)
        images = sorted(content["images"], key=lambda image: image["id"])
        folder = find_image_folder(file, image_folder, [image["file_name"] for image in images])

        findings = Findings()
        if part is not None:
            findings.note("images divided into train and val here, 80:20", file.name, len(images))
            images = every_fifth(images, part, file)
        annotations: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for annotation in content["annotations"]:
            annotations[annotation["image_id"]].append(annotation)
        records: list[Record] = []
        for image in images:
            path = folder / image["file_name"]
            width, height = image.get("width"), image.get("height")
            annotated = (width, height) if width and height else None
            if not path.is_file():
                findings.note("images left out, no file", image["file_name"])
            elif frame := find_frame(path, annotated, findings):
                size, upright = frame
                records.append(Record(path, image["id"], upright))
                for annotation in annotations[image["id"]]:
                    add_object(records[-1], annotation, names, size, all_classes, findings)
        super().__init__(all_classes, records, findings, transforms)


def read_coco(file: Path) -> dict[str, list[dict[str, Any]]]:
    """The content of a COCO json file, of which everything but single annotations has been checked."""
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {file} as json: {error}") from error
    needed: dict[str, dict[str, type]] = {
        "images": {"id": int, "file_name": str},
        "annotations": {"image_id": int, "category_id": int},
        "categories": {"id": int, "name": str},
    }
    for key, fields in needed.items():
        items = content.get(key) if isinstance(content, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise ValueError(f"{file} is not COCO detection json: it has no list of objects under {key!r}")
        for i, item in enumerate(items):
            for name, kind in fields.items():
                if not isinstance(item.get(name), kind):
                    raise ValueError(f"{file}: {key}[{i}] needs {name!r} as {kind.__name__}; got {item.get(name)!r}")
        ids = [item["id"] for item in items] if "id" in fields else []
        if len(set(ids)) < len(ids):
            raise ValueError(f"{file}: two of its {key} have the same id")
    return content


def find_image_folder(file: Path, given: str | Path | None, names: list[str]) -> Path:
    """The first likely folder that holds any of the named images."""
    year_folder = file.stem.split("_")[-1]  # "val2017" of instances_val2017.json
    likely = (file.parent / "images", file.parent, file.parent.parent / "images", file.parent.parent / year_folder)
    folders = likely if given is None else (Path(given),)
    for folder in folders:
        if any((folder / name).is_file() for name in names):
            return folder
    looked = ", ".join(str(folder) for folder in folders)
    raise ValueError(f"none of the {len(names)} images of {file} was found; looked in {looked}")


def add_object(
    record: Record,
    annotation: dict[str, Any],
    names: dict[int, str],
    size: tuple[int, int],
    classes: tuple[str, ...],
    findings: Findings,
) -> None:
    """Append an annotation, if it can be used, to the record of its image, which has the given (width, height)."""
    where = record.path.name
    name = names.get(annotation["category_id"], "")
    if name not in classes[1:]:
        findings.note("boxes of other classes left out", name or "an unknown category")
        return
    try:
        x, y, width, height = (float(number) for number in annotation["bbox"])
    except (KeyError, TypeError, ValueError):
        findings.note("boxes refused, not four numbers", where)
        return
    ordered = order_corners((x, y, x + width, y + height), findings, where)
    if ordered and (box := clip_box(ordered, size, findings, where)):
        area = annotation.get("area")
        usable = isinstance(area, int | float) and 0 < area < math.inf
        record.add(box, classes.index(name), bool(annotation.get("iscrowd", 0)), area if usable else None)
