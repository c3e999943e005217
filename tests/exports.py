"""One small data set as annotation tools export it: the same ten images and objects in every arrangement.

Each function writes it into a folder and returns what a user would name: the folder, or a file in it.
"""

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZES = {f"IMG {i}.jpg": (80 + 10 * (i % 3), 60 + 8 * (i % 2)) for i in range(10)}  # (width, height)
Box = tuple[str, int, int, int, int]  # class, x0, y0, x1, y1 along the edges of pixels
TRUTH: dict[str, list[Box]] = {
    name: [("king", 5 + i, 4, 45, 30 + i), ("ace", 20, 10 + i, 60, 50)][: i % 3] if i else [("ace", 1, 2, 41, 52)]
    for i, name in enumerate(SIZES)
}  # some images have no object
SPLIT = {"train": list(SIZES)[:6], "val": list(SIZES)[6:8], "test": list(SIZES)[8:]}
CLASSES = ["ace", "king"]


def draw(folder: Path, names: Iterable[str] = SIZES, rename: Callable[[str], str] = str) -> None:
    """The image files: every one different from the others."""
    for name in names:
        path = folder / rename(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        width, height = SIZES[name]
        pixels = np.random.default_rng([*name.encode()]).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)


def text(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding=encoding)
    return path


def dump(path: Path, content: Any) -> Path:
    return text(path, json.dumps(content))


# ----------------------------------------------------------------------------------------------------------- Pascal VOC


def xml(name: str, rename: Callable[[str], str] = str, encoding: str | None = None) -> str:
    objects = "".join(
        f"<object><name>{rename(label)}</name><difficult>0</difficult><bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin>"
        f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for label, x0, y0, x1, y1 in TRUTH[name]
    )
    width, height = SIZES[name]
    head = f'<?xml version="1.0" encoding="{encoding}"?>' if encoding else ""
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"{head}<annotation><filename>{name}</filename>{size}{objects}</annotation>"


def voc(root: Path, images: str = "JPEGImages", annotations: str = "Annotations", names: Iterable[str] = SIZES) -> Path:
    draw(root / images, names)
    for name in names:
        text(root / annotations / f"{Path(name).stem}.xml", xml(name))
    return root


def voc_sets(root: Path, write: Callable[[str], str] = lambda name: Path(name).stem, **sets: list[str]) -> Path:
    for image_set, names in sets.items():
        text(root / "ImageSets" / "Main" / f"{image_set}.txt", *map(write, names))
    return voc(root)


def voc_split_folders(root: Path, words: tuple[str, ...] = ("train", "valid", "test")) -> Path:
    for word, names in zip(words, SPLIT.values()):
        voc(root / word, ".", ".", names)
    return root


def voc_mirrored(root: Path) -> Path:
    for split, names in SPLIT.items():
        voc(root, f"images/{split}", f"annotations/{split}", names)
    return root


def voc_outlines(root: Path, points: bool = False) -> Path:
    """Outlines in the place of boxes."""
    voc(root, ".", ".")
    for name, boxes in TRUTH.items():
        objects = ""
        for label, x0, y0, x1, y1 in boxes:
            corners = [(x0 + 1, y0 + 1), (x1, y0 + 1), (x1, y1), (x0 + 1, y1)]
            if points:
                outline = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in corners)
            else:
                outline = "".join(f"<x{i}>{x}</x{i}><y{i}>{y}</y{i}>" for i, (x, y) in enumerate(corners, start=1))
            objects += f"<object><name>{label}</name><polygon>{outline}</polygon></object>"
        text(root / f"{Path(name).stem}.xml", f"<annotation>{objects}</annotation>")
    return root


# ----------------------------------------------------------------------------------------------------------------- COCO


def coco(names: Iterable[str] = SIZES, rename: Callable[[str], str] = str, ids: Callable[[int], Any] = int) -> Any:
    names = list(names)
    return {
        "info": {"description": "ten images"},
        "images": [
            {"id": ids(i + 1), "file_name": rename(name), "width": SIZES[name][0], "height": SIZES[name][1]}
            for i, name in enumerate(names)
        ],
        "categories": [{"id": ids(k + 1), "name": name, "supercategory": ""} for k, name in enumerate(CLASSES)],
        "annotations": [
            {"id": n, "image_id": ids(i + 1), "category_id": ids(CLASSES.index(label) + 1), "iscrowd": 0,
             "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0)}
            for n, (i, (label, x0, y0, x1, y1)) in enumerate(
                (i, box) for i, name in enumerate(names) for box in TRUTH[name]
            )
        ],
    }  # fmt: skip


def coco_outlines(root: Path) -> Path:
    content = coco()
    for each in content["annotations"]:
        x, y, w, h = each.pop("bbox")
        each["segmentation"] = [[x, y, x + w, y, x + w, y + h], [x, y, x + w, y + h, x, y + h]]
        each.pop("area")
    draw(root / "images")
    return dump(root / "outlines.json", content)


def coco_files(root: Path, file: str, images: str, splits: dict[str, list[str]] = SPLIT) -> Path:
    """A file for each split: "{}" in the names stands for it."""
    for split, names in splits.items():
        draw(root / images.format(split), names)
        dump(root / file.format(split), coco(names))
    return root


def coco_named(root: Path, rename: Callable[[str], str], stored: Callable[[str], str] = str) -> Path:
    draw(root / "images", rename=stored)
    return dump(root / "result.json", coco(rename=rename))


# ----------------------------------------------------------------------------------------------------------------- YOLO


def yolo_lines(name: str, outline: bool = False) -> list[str]:
    width, height = SIZES[name]
    lines = []
    for label, x0, y0, x1, y1 in TRUTH[name]:
        box = [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height]
        points = [x0 / width, y0 / height, x1 / width, y0 / height, x1 / width, y1 / height, x0 / width, y1 / height]
        lines.append(" ".join([str(CLASSES.index(label)), *(f"{v:.8f}" for v in (points if outline else box))]))
    return lines


def yolo(root: Path, images: str, labels: str, names: Iterable[str] = SIZES, outline: bool = False) -> Path:
    draw(root / images, names)
    for name in names:
        text(root / labels / f"{Path(name).stem}.txt", *yolo_lines(name, outline))
    return root


def yolo_splits(root: Path, yaml: str, images: str = "{}/images", labels: str = "{}/labels", **options: Any) -> Path:
    for split, names in SPLIT.items():
        yolo(root, images.format(split), labels.format(split), names, **options)
    text(root / "data.yaml", yaml)
    return root


def yolo_lists(root: Path) -> Path:
    yolo(root, "images", "labels")
    for split, names in SPLIT.items():
        text(root / f"{split}.txt", *(f"./images/{name}" for name in names))
    return text(
        root / "cards.yaml", "path: .\ntrain: train.txt\nval: val.txt\ntest: test.txt\nnames: {0: ace, 1: king}"
    )


def darknet(root: Path) -> Path:
    yolo(root, "obj_train_data", "obj_train_data")
    text(root / "obj.names", *CLASSES)
    text(root / "obj.data", "classes = 2", "train = data/train.txt", "names = data/obj.names", "backup = backup/")
    text(root / "train.txt", *(f"data/obj_train_data/{name}" for name in SIZES))
    return root


# --------------------------------------------------------------------------------------------------------------- tables


def table(path: Path, rows: Iterable[Iterable[Any]], delimiter: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def tensorflow_rows(names: Iterable[str] = SIZES) -> list[list[Any]]:
    header = ["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]
    return [header, *([name, *SIZES[name], label, *box] for name in names for label, *box in TRUTH[name])]


def retinanet_rows(prefix: str = "images/") -> list[list[Any]]:
    rows: list[list[Any]] = []
    for name in SIZES:
        rows += [[prefix + name, *box, label] for label, *box in TRUTH[name]] or [[prefix + name, "", "", "", "", ""]]
    return rows


def open_images(root: Path) -> Path:
    mids = {"ace": "/m/0ace", "king": "/m/0king"}
    rows: list[list[Any]] = [
        ["ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax", "IsOccluded", "IsGroupOf"]
    ]
    for name, boxes in TRUTH.items():
        w, h = SIZES[name]
        rows += [
            [Path(name).stem, "xclick", mids[c], 1, x0 / w, x1 / w, y0 / h, y1 / h, 0, 0] for c, x0, y0, x1, y1 in boxes
        ]
    draw(root / "data")
    table(root / "class-descriptions-boxable.csv", [[mid, name] for name, mid in mids.items()])
    table(root / "validation-annotations-bbox.csv", rows)
    return root


# ----------------------------------------------------------------------------------------------------------- other tools


def labelme(
    root: Path,
    shape: str = "rectangle",
    names: Iterable[str] = SIZES,
    images: str = ".",
    inside: str = "..\\elsewhere\\{}",
) -> Path:
    """Args: inside: what the json files say of their images."""
    draw(root / images, names)
    for name in names:
        boxes = TRUTH[name]
        corners = {
            "rectangle": lambda x0, y0, x1, y1: [[x1, y0], [x0, y1]],  # from whichever corner people began
            "polygon": lambda x0, y0, x1, y1: [[x0, y0], [x1, y0], [x1, y1], [x0, y1]],
        }[shape]
        shapes = [{"label": label, "points": corners(*box), "shape_type": shape, "flags": {}} for label, *box in boxes]
        content = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": inside.format(name),
                   "imageData": None, "imageHeight": SIZES[name][1], "imageWidth": SIZES[name][0]}  # fmt: skip
        dump(root / f"{Path(name).stem}.json", content)
    return root


def via(root: Path, version: int = 2) -> Path:
    entries: dict[str, Any] = {}
    for name, boxes in TRUTH.items():
        regions: Any = [
            {"shape_attributes": {"name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0},
             "region_attributes": {"quality": "good", "card": label if version == 1 else {label: True}}}
            for label, x0, y0, x1, y1 in boxes
        ]  # fmt: skip
        if version == 1:
            regions = {str(i): region for i, region in enumerate(regions)}
        for region in (boxes and regions) or []:
            if version == 2:
                region["region_attributes"].pop("quality")
        entries[f"{name}1234"] = {"filename": name, "size": 1234, "regions": regions, "file_attributes": {}}
    if version == 1:
        for entry in entries.values():
            for region in entry["regions"].values():
                region["region_attributes"] = {"label": region["region_attributes"]["card"]}
    draw(root / "photos")
    content = {"_via_settings": {}, "_via_img_metadata": entries, "_via_attributes": {}} if version == 2 else entries
    return dump(root / "via_project.json", content)


def label_studio(root: Path, minimal: bool = False) -> Path:
    draw(root / "images")
    tasks = []
    for i, (name, boxes) in enumerate(TRUTH.items()):
        width, height = SIZES[name]
        values = [
            {"x": 100 * x0 / width, "y": 100 * y0 / height, "width": 100 * (x1 - x0) / width, "rotation": 0,
             "height": 100 * (y1 - y0) / height, "rectanglelabels": [label]}
            for label, x0, y0, x1, y1 in boxes
        ]  # fmt: skip
        size = {"original_width": width, "original_height": height}
        address = f"/data/upload/7/{i:08x}-{name}" if i % 2 else f"/data/local-files/?d=cards/{name}"
        if minimal:
            tasks.append({"id": i, "image": address, "label": [value | size for value in values]})
        else:
            results = [{"type": "rectanglelabels", "value": value, **size} for value in values]
            cancelled = {"result": [{"value": {"x": 0, "y": 0, "width": 9, "height": 9, "rectanglelabels": ["no"]}}]}
            kept = {"result": results, "was_cancelled": False}
            tasks.append(
                {"id": i, "data": {"image": address}, "annotations": [cancelled | {"was_cancelled": True}, kept]}
            )
    dump(root / "project-7-at-2026.json", tasks)
    return root


def cvat(root: Path, subsets: bool = False) -> Path:
    draw(root / "images" / "default")
    of = {name: split for split, names in SPLIT.items() for name in names}
    images = ""
    for i, (name, boxes) in enumerate(TRUTH.items()):
        shapes = "".join(
            f'<box label="{label}" occluded="0" xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}" z_order="0"></box>'
            for label, x0, y0, x1, y1 in boxes
        )
        subset = f' subset="{of[name]}"' if subsets else ""
        images += (
            f'<image id="{i}" name="{name}"{subset} width="{SIZES[name][0]}" height="{SIZES[name][1]}">{shapes}</image>'
        )
    labels = "".join(f"<label><name>{name}</name></label>" for name in CLASSES)
    meta = f"<meta><task><labels>{labels}</labels></task></meta>"
    text(root / "annotations.xml", f"<annotations><version>1.1</version>{meta}{images}</annotations>")
    return root
