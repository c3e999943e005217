"""The data set of `exports` in formats that fewer tools write; each function returns the folder."""

import base64
import io
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import exports as ex
from PIL import Image

VISDRONE = {"ace": 1, "king": 4}  # pedestrian and car


def by_split(root: Path, write: Any) -> Path:
    """What `write` writes for some images, in a folder for each split."""
    for split, names in ex.SPLIT.items():
        write(root / split, names)
    return root


def createml(
    root: Path, names: Iterable[str] = ex.SIZES, apple: bool = False, file: str = "_annotations.createml.json"
) -> Path:
    image, annotations = ("imagefilename", "annotation") if apple else ("image", "annotations")
    entries = [
        {image: name, annotations: [
            {"label": label, "coordinates": {"x": (x0 + x1) / 2, "y": (y0 + y1) / 2, "width": x1 - x0, "height": y1 - y0}}
            for label, x0, y0, x1, y1 in ex.TRUTH[name]
        ]}
        for name in names
    ]  # fmt: skip
    ex.draw(root, names)
    ex.dump(root / file, entries)
    return root


def via_csv(root: Path, names: Iterable[str] = ex.SIZES, version: int = 2, outlines: bool = False) -> Path:
    hash_sign = "#" if version == 1 else ""
    rows: list[list[Any]] = [
        [f"{hash_sign}filename", "file_size", "file_attributes", "region_count", "region_id",
         "region_shape_attributes", "region_attributes"]
    ]  # fmt: skip
    for name in names:
        boxes = ex.TRUTH[name]
        for i, (label, x0, y0, x1, y1) in enumerate(boxes):
            rectangle = {"name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
            outline = {"name": "polygon", "all_points_x": [x0, x1, x1, x0], "all_points_y": [y0, y0, y1, y1]}
            shape = json.dumps(outline if outlines else rectangle)
            rows.append([name, 1234, "{}", len(boxes), i, shape, json.dumps({"card": label})])
        if not boxes:
            rows.append([name, 1234, "{}", 0, 0, "{}", "{}"])
    ex.draw(root, names)
    ex.table(root / "via_export_csv.csv", rows)
    return root


def image_folder(root: Path, names: Iterable[str] = ex.SIZES, numbers: bool = False, flat: bool = True) -> Path:
    """With classes as numbers, or as names; with lists of boxes and classes, or a list of objects."""
    lines = []
    for name in names:
        boxes = [[x0, y0, x1 - x0, y1 - y0] for _, x0, y0, x1, y1 in ex.TRUTH[name]]
        kinds = [ex.CLASSES.index(box[0]) if numbers else box[0] for box in ex.TRUTH[name]]
        pairs = [{"bbox": box, "category": kind} for box, kind in zip(boxes, kinds, strict=True)]
        lines.append(
            json.dumps({"file_name": name, "objects": {"bbox": boxes, "categories": kinds} if flat else pairs})
        )
    ex.draw(root, names)
    ex.text(root / "metadata.jsonl", *lines)
    return root


def supervisely(
    root: Path, names: Iterable[str] = ex.SIZES, shape: str = "rectangle", suffix: str = ".jpg.json"
) -> Path:
    """With rectangles, with polygons, or with masks as bitmaps."""
    ex.draw(root / "img", names)
    for name in names:
        objects: list[dict[str, Any]] = []
        for label, x0, y0, x1, y1 in ex.TRUTH[name]:
            corners = [[x0, y0], [x1, y1]] if shape == "rectangle" else [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
            figure = {"classTitle": label, "geometryType": shape, "tags": [], "description": ""}
            if shape == "bitmap":
                mask = io.BytesIO()
                Image.new("1", (x1 - x0, y1 - y0), 1).save(mask, "PNG")
                data = base64.b64encode(zlib.compress(mask.getvalue())).decode()
                objects.append(figure | {"bitmap": {"data": data, "origin": [x0, y0]}})
            else:
                objects.append(figure | {"points": {"exterior": corners, "interior": []}})
        width, height = ex.SIZES[name]
        content = {"description": "", "tags": [], "size": {"height": height, "width": width}, "objects": objects}
        ex.dump(root / "ann" / f"{Path(name).stem}{suffix}", content)
    return root


def supervisely_project(root: Path) -> Path:
    by_split(root, supervisely)
    ex.dump(root / "meta.json", {"classes": [{"title": name, "shape": "rectangle"} for name in ex.CLASSES], "tags": []})
    return root


def sku(root: Path) -> Path:
    """SKU-110K: annotations/annotations_train.csv and so on, with images/ for all of them."""
    ex.draw(root / "images")
    for split, names in ex.SPLIT.items():
        rows = [[name, *box, label, *ex.SIZES[name]] for name in names for label, *box in ex.TRUTH[name]]
        ex.table(root / "annotations" / f"annotations_{split}.csv", rows)
    return root


def make_sense(root: Path, header: bool = False) -> Path:
    names = ["label_name", "bbox_x", "bbox_y", "bbox_width", "bbox_height", "image_name", "image_width", "image_height"]
    ex.draw(root)
    rows: list[list[Any]] = [names] if header else []
    rows += [
        [label, x0, y0, x1 - x0, y1 - y0, name, *ex.SIZES[name]]
        for name in ex.SIZES
        for label, x0, y0, x1, y1 in ex.TRUTH[name]
    ]
    ex.table(root / "labels_cards.csv", rows)
    return root


def kitti(
    root: Path, names: Iterable[str] = ex.SIZES, images: str = "image_2", labels: str = "label_2", nameless: bool = True
) -> Path:
    ex.draw(root / images, names)
    for name in names:
        lines = [
            f"{label} 0.00 0 -1.58 {x0:.2f} {y0:.2f} {x1:.2f} {y1:.2f} 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59"
            for label, x0, y0, x1, y1 in ex.TRUTH[name]
        ]
        lines += ["DontCare -1 -1 -10 3.00 3.00 20.00 20.00 -1 -1 -1 -1000 -1000 -1000 -10"] * nameless
        ex.text(root / labels / f"{Path(name).stem}.txt", *lines)
    return root


def dota(root: Path, names: Iterable[str] = ex.SIZES, turned: bool = False) -> Path:
    """With upright boxes, or with diamonds that touch the same four sides."""
    ex.draw(root / "images", names)
    for name in names:
        lines = ["imagesource:GoogleEarth", "gsd:0.146"]
        for i, (label, x0, y0, x1, y1) in enumerate(ex.TRUTH[name]):
            x, y = (x0 + x1) / 2, (y0 + y1) / 2
            corners = [x, y0, x1, y, x, y1, x0, y] if turned else [x0, y0, x1, y0, x1, y1, x0, y1]
            lines.append(f"{' '.join(f'{corner:.1f}' for corner in corners)} {label} {i % 2}")
        ex.text(root / "labelTxt" / f"{Path(name).stem}.txt", *lines)
    return root


def dota_of_roboflow(root: Path) -> Path:
    """With a data.yaml as if it were YOLO's."""
    by_split(root, dota)
    ex.text(root / "data.yaml", "train: ../train/images\nval: ../val/images\nnc: 2\nnames: [ace, king]")
    return root


def visdrone(root: Path, names: Iterable[str] = ex.SIZES, end: str = "") -> Path:
    """`end`: some of its files have a comma at the ends of lines."""
    ex.draw(root / "images", names)
    for name in names:
        lines = [
            f"{x0},{y0},{x1 - x0},{y1 - y0},1,{VISDRONE[label]},0,0{end}" for label, x0, y0, x1, y1 in ex.TRUTH[name]
        ]
        ex.text(root / "annotations" / f"{Path(name).stem}.txt", *lines, f"3,3,20,20,0,0,0,0{end}", "4,4,9,9,0,11,0,0")
    return root


def visdrone_splits(root: Path) -> Path:
    for split, names in ex.SPLIT.items():
        visdrone(root / f"VisDrone2019-DET-{split}", names)
    return root
