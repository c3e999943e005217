"""CSV tables of eight columns without a header: SKU-110K's, and those of the website Make Sense."""

import csv
from pathlib import Path

from ..findings import Findings
from ..names import IMAGE_SUFFIXES
from .annotated import NO_CLASS_NAME, Annotated, Form, Item, Reading, class_name, names_of, number, whole_sides
from .finder import finder_for
from .layout import Format, Layout, Part
from .single_files import recognise_files
from .tables import ROW_TOO_SHORT, checked_rows, rows_of

COLUMNS = 8  # two names and six numbers: the box in columns 1 to 4, width and height of the image in 6 and 7
SKU = Form.CORNERS  # file, x0, y0, x1, y1, class, width, height
MAKE_SENSE = Form.SIDES  # class, x, y, width, height, file, width, height


def recognise(path: Path) -> Layout | None:
    """A table of this kind, or a folder with one, or with one for each split; otherwise None."""
    return recognise_files(path, EIGHT_COLUMNS, ".csv", lambda file: form_of(file) is not None)


def form_of(file: Path) -> Form | None:
    """How the boxes of a table are written, by its first row; None if it is not such a table."""
    try:
        row = next(rows_of(file), [])
        if len(row) != COLUMNS:
            return None
        for cell in (*row[1:5], *row[6:]):
            number(cell)
    except (OSError, ValueError, csv.Error):
        return None
    first, other = (Path(cell.strip()).suffix.lower() in IMAGE_SUFFIXES for cell in (row[0], row[5]))
    return None if first == other else SKU if first else MAKE_SENSE


def read(part: Part, findings: Findings) -> Reading:
    """The images that a table names, each with the boxes of its rows."""
    file = part.annotations
    form = form_of(file)
    if form is None:
        raise ValueError(f"{file} is not a table of {COLUMNS} columns with a file name, a class and six numbers")
    image_column, class_column = (0, 5) if form is SKU else (5, 0)
    images: dict[str, Annotated] = {}
    for i, row in enumerate(checked_rows(file), start=1):
        if len(row) < COLUMNS:
            if any(row):
                findings.leave_out(ROW_TOO_SHORT, f"row {i}")
            continue
        name = row[image_column].strip()
        image = images.setdefault(name, Annotated(name, size=whole_sides(row[6], row[7]), form=form))
        image.items.append(_item(row[class_column], row[1:5]))
    return Reading([*images.values()], names_of(images.values()), finder_for(file, part.images))


def _item(name: str, numbers: list[str]) -> Item:
    name = class_name(name)
    return Item(name, numbers, problem="" if name else NO_CLASS_NAME)


EIGHT_COLUMNS = Format("CSV of eight columns", read)
