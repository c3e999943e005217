"""Data sets in COCO's format: one json file with the boxes of all images, and a folder of image files."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .findings import Findings
from .names import choose_classes, clean_name, find_file, leaves_folder
from .records import Record, RecordDataset, Transforms, clip_box, find_frame, order_corners
from .splits import every_fifth

LARGEST_ID = 2**63 - 1  # ids become int64


class CocoDetection(RecordDataset):
    """A COCO json file and its images.

    Everything is read and checked here, once, so that no epoch ends in the middle; `summary` tells what was repaired
    or left out. Of a JPEG little more than beginning and end is read: that it is damaged in between only shows when
    it is loaded, and the command `check-data` loads them all. `image_id` is COCO's own. COCO numbers its categories with
    gaps; here labels run from 1 in the order of those numbers. Boxes, [x, y, width, height] in the file, become xyxy.
    Crowds are kept, with `iscrowd` 1; `area` is the file's (that of the outline) where it has one. An image without
    annotations is one without objects.

    Entries of the file that lack what is needed are left out, and so are images whose name leads out of the folder.

    Args:
        annotation_file: the json file.
        image_folder: where the images are. By default looked for beside the json file: in the folder `images`, in the
            json file's own folder, and where COCO's archives put them (annotations/instances_val2017.json and
            val2017/).
        classes: the names of the labels from 1 on, with or without a leading "background"; boxes of other classes are
            left out. By default all categories of the file.
        transforms: called with (image, target), returns both, changed.
        part: "train" or "val" to use four fifths or one fifth of the images; by default all.
        strict: stop at anything that has to be left out. What can be repaired, and classes that were not asked for,
            are no reason to.

    Raises:
        ValueError: the file is not COCO json; two categories or two images have one id, so that nobody knows whose the
            annotations are; there are no images; with `strict`, something was left out.
    """

    def __init__(
        self,
        annotation_file: str | Path,
        image_folder: str | Path | None = None,
        classes: Sequence[str] | None = None,
        transforms: Transforms | None = None,
        part: str | None = None,
        strict: bool = False,
    ) -> None:
        file = Path(annotation_file)
        findings = Findings()
        # What is wrong with a divided file is told once, with the part for training.
        content = read_coco(file, findings if part != "val" else Findings())
        names = {c["id"]: c["name"] for c in sorted(content["categories"], key=lambda c: c["id"])}
        all_classes = choose_classes(file, [name for name in names.values() if name != "background"], classes)
        images = sorted(content["images"], key=lambda image: image["id"])
        folder = find_image_folder(file, image_folder, [image["file_name"] for image in images])

        if part is not None:
            findings.note("images divided into train and val here, 80:20", file.name, len(images))
            images = every_fifth(images, part, file)
        annotations: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for annotation in content["annotations"]:
            annotations[annotation["image_id"]].append(annotation)
        records: list[Record] = []
        for image in images:
            path = find_file(folder, image["file_name"])
            if path is None:
                reason = "the name leaves the folder" if leaves_folder(image["file_name"]) else "no file"
                findings.leave_out(f"images left out, {reason}", image["file_name"])
            elif frame := find_frame(path, annotated_size(image), findings):
                size, upright = frame
                records.append(Record(path, image["id"], upright))
                for annotation in annotations[image["id"]]:
                    add_object(records[-1], annotation, names, size, all_classes, findings)
        super().__init__(file, all_classes, records, findings, transforms, strict)


NEEDED: dict[str, dict[str, type]] = {
    "images": {"id": int, "file_name": str},
    "annotations": {"image_id": int, "category_id": int},
    "categories": {"id": int, "name": str},
}


def read_coco(file: Path, findings: Findings) -> dict[str, list[dict[str, Any]]]:
    """The usable entries of a COCO json file: images and categories with ids of their own, annotations of these images.

    What cannot be used is left out, with a note; but categories decide what labels mean, so all of them must be sound.
    """
    try:
        content = json.loads(file.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot read {file} as json: {error}") from error
    usable: dict[str, list[dict[str, Any]]] = {}
    for key, fields in NEEDED.items():
        items = content.get(key) if isinstance(content, dict) else None
        if not isinstance(items, list):
            raise ValueError(f"{file} is not COCO detection json: it has no list under {key!r}")
        usable[key] = []
        for i, item in enumerate(items):
            lacking = next((name for name, kind in fields.items() if not _is(kind, item, name)), None)
            if lacking is None:
                usable[key].append(item)
            elif key == "categories":
                raise ValueError(
                    f"{file}: categories[{i}] needs {lacking!r} as {fields[lacking].__name__}; got {item!r:.200}"
                )
            else:
                findings.leave_out(f"{key} left out, without a usable {lacking!r}", f"{key}[{i}]")
    usable["categories"] = [{**item, "name": _category_name(file, item["name"])} for item in usable["categories"]]
    usable["images"] = _drop_repeated(file, usable["images"], findings)
    _check_ids(file, "categories", usable["categories"])
    _check_ids(file, "images", usable["images"])
    ids = Counter(each["id"] for each in usable["annotations"] if type(each.get("id")) is int)
    for number, count in ids.items():
        if count > 1:  # nothing here goes by it
            findings.note("annotations of one id, all used", f"id {number}", count)
    known = {image["id"] for image in usable["images"]}
    for annotation in usable["annotations"]:
        if annotation["image_id"] not in known:
            findings.leave_out("boxes refused, their image is not listed", f"image_id {annotation['image_id']}")
    return usable


def _is(kind: type, item: Any, name: str) -> bool:
    """Whether an entry of the file has a field of this kind: true and false are no numbers here."""
    value = item.get(name) if isinstance(item, dict) else None
    return type(value) is kind and (not isinstance(value, int) or abs(value) <= LARGEST_ID)


def _category_name(file: Path, name: str) -> str:
    try:
        return clean_name(name)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _drop_repeated(file: Path, images: list[dict[str, Any]], findings: Findings) -> list[dict[str, Any]]:
    """Images without those that are listed once more as they are: same id, same file."""
    seen: dict[tuple[int, str], dict[str, Any]] = {}
    for image in images:
        if seen.setdefault((image["id"], image["file_name"]), image) is not image:
            findings.repair("images listed twice, used once", image["file_name"])
    return list(seen.values())


def _check_ids(file: Path, key: str, items: list[dict[str, Any]]) -> None:
    named: dict[int, str] = {}
    for item in items:
        name = item["name" if key == "categories" else "file_name"]
        if (other := named.setdefault(item["id"], name)) is not name:
            raise ValueError(f"{file}: two of its {key} have the same id, {item['id']}: {other!r} and {name!r}")


def annotated_size(image: dict[str, Any]) -> tuple[int, int] | None:
    """The (width, height) that the file gives for an image, where it gives one."""
    try:
        sides = [float(image[name]) for name in ("width", "height")]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    # Some tools write 640.0, or "640".
    return (int(sides[0]), int(sides[1])) if all(side >= 1 and side.is_integer() for side in sides) else None


def find_image_folder(file: Path, given: str | Path | None, names: list[str]) -> Path:
    """The first likely folder that holds any of the named images."""
    year_folder = file.stem.split("_")[-1]  # "val2017" of instances_val2017.json
    likely = (file.parent / "images", file.parent, file.parent.parent / "images", file.parent.parent / year_folder)
    folders = likely if given is None else (Path(given),)
    for folder in folders:
        if any(find_file(folder, name) for name in names):
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
    name = names.get(annotation["category_id"])
    if name is None or name == "background":
        reason = "an unknown category" if name is None else "the class is background"
        findings.leave_out(f"boxes refused, {reason}", where)
        return
    if name not in classes:
        findings.note("boxes of other classes left out", name)
        return
    try:
        x, y, width, height = (float(number) for number in annotation["bbox"])
    except (KeyError, TypeError, ValueError, OverflowError):
        findings.leave_out("boxes refused, not four numbers", where)
        return
    ordered = order_corners((x, y, x + width, y + height), findings, where)
    if ordered and (box := clip_box(ordered, size, findings, where)):
        area = annotation.get("area")
        # No outline is larger than its image.
        usable = isinstance(area, int | float) and 0 < area <= size[0] * size[1]
        record.add(box, classes.index(name), annotation.get("iscrowd") in (1, "1"), area if usable else None)
