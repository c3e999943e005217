"""CSV tables with a row for each box: the TensorFlow and RetinaNet habits, and Open Images'."""

import csv
from collections.abc import Iterator
from pathlib import Path

from ..findings import Findings
from ..names import clean_name
from .annotated import Annotated, Form, Item, Reading, names_of, whole_sides
from .finder import finder_for
from .folders import files_in
from .layout import Format, Layout, Part
from .single_files import recognise_files

# What columns are called, without case, spaces and underscores.
COLUMNS = {
    "file": ("filename", "file", "imagename", "imagepath", "imageid", "image", "path", "filepath", "img", "imgpath"),
    "x0": ("xmin", "x1", "left", "xtl", "bboxxmin"),
    "y0": ("ymin", "y1", "top", "ytl", "bboxymin"),
    "x1": ("xmax", "x2", "right", "xbr", "bboxxmax"),
    "y1": ("ymax", "y2", "bottom", "ybr", "bboxymax"),
    "class": ("class", "label", "labelname", "classname", "category", "categoryname", "name", "object"),
    "width": ("width", "imagewidth", "imgwidth"),
    "height": ("height", "imageheight", "imgheight"),
    "crowd": ("isgroupof", "iscrowd"),
}
NEEDED = ("file", "x0", "y0", "x1", "y1", "class")
WITHOUT_HEADER = {name: place for place, name in enumerate(NEEDED)}  # RetinaNet's: path,x1,y1,x2,y2,class


def recognise(path: Path) -> Layout | None:
    """A table of boxes, or a folder with one, or with one for each split; None if it is none."""
    return recognise_files(path, CSV, ".csv", lambda file: columns_of(file) is not None)


def columns_of(file: Path) -> dict[str, int] | None:
    """The place of each column of a table, by our name for it; None if it is no table of boxes."""
    try:
        rows = rows_of(file)
        header = next(rows, [])
        places = _places(header)
        if all(name in places for name in NEEDED):
            return places
        return WITHOUT_HEADER if len(header) == len(NEEDED) and all(_box_or_nothing(header[1:5])) else None
    except (OSError, ValueError, csv.Error):
        return None


def rows_of(file: Path) -> Iterator[list[str]]:
    """The rows of a table, whatever its columns are divided by."""
    with open(file, encoding="utf-8-sig", newline="") as content:
        head = content.readline()
        content.seek(0)
        delimiter = max(",;\t", key=head.count)
        yield from csv.reader(content, delimiter=delimiter)


def _places(header: list[str]) -> dict[str, int]:
    plain = [name.strip().lower().replace("_", "").replace(" ", "") for name in header]
    return {ours: plain.index(name) for ours, names in COLUMNS.items() for name in reversed(names) if name in plain}


def _box_or_nothing(numbers: list[str]) -> list[bool]:
    empty = not any(number.strip() for number in numbers)
    return [empty or number.strip().lstrip("-").replace(".", "", 1).isdecimal() for number in numbers]


def read(part: Part, findings: Findings) -> Reading:
    """The images that a table names, each with the boxes of its rows; a row without a box is an image without objects."""
    file = part.annotations
    columns = columns_of(file)
    if columns is None:
        raise ValueError(
            f"{file} is no table of boxes: expected a file name, xmin, ymin, xmax, ymax and class in each row"
        )
    rows = rows_of(file)
    shares = columns is not WITHOUT_HEADER and "XMin" in next(rows)  # Open Images
    descriptions = class_descriptions(file) if shares else {}
    images: dict[str, Annotated] = {}
    try:
        for number, row in enumerate(rows, start=1):
            if len(row) <= max(columns[name] for name in NEEDED):
                if any(row):
                    findings.leave_out("rows left out, too short", f"row {number}")
                continue
            name = row[columns["file"]].strip()
            image = images.setdefault(name, Annotated(name, form=Form.SHARES if shares else Form.CORNERS))
            sides = [
                row[columns[side]] if columns.get(side, len(row)) < len(row) else None for side in ("width", "height")
            ]
            image.size = image.size or whole_sides(*sides)
            if (item := _item(row, columns, descriptions)) is not None:
                image.items.append(item)
    except (ValueError, csv.Error) as error:
        raise ValueError(f"cannot read {file} as a table: {error}") from error
    return Reading([*images.values()], names_of(images.values()), finder_for(file, part.images))


def _item(row: list[str], columns: dict[str, int], descriptions: dict[str, str]) -> Item | None:
    """The object of a row; None where the row says that there is none."""
    numbers = [row[columns[name]].strip() for name in ("x0", "y0", "x1", "y1")]
    name = row[columns["class"]]
    if not any(numbers) and not name.strip():
        return None
    try:
        name = clean_name(descriptions.get(name, name))
    except ValueError:
        name = ""
    crowd = columns["crowd"] < len(row) and row[columns["crowd"]].strip() == "1" if "crowd" in columns else False
    return Item(name, numbers, crowd, problem="" if name else "boxes refused, no class name")


def class_descriptions(file: Path) -> dict[str, str]:
    """Open Images' names for its classes, /m/01g317 → Person, from the file beside the table, where it is there."""
    for other in files_in(file.parent, ".csv"):
        if "class-descriptions" in other.name:
            return {row[0]: row[1] for row in rows_of(other) if len(row) >= 2}
    return {}


CSV = Format("CSV", read)
