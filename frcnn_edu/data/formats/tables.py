"""CSV tables with a row for each box: in the style of TensorFlow and RetinaNet, and Open Images'."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..findings import Findings
from .annotated import NO_CLASS_NAME, Annotated, Form, Item, Reading, class_name, names_of, number, whole_sides
from .finder import finder_for
from .folders import files_in
from .layout import Format, Layout, Part
from .single_files import recognise_files
from .texts import encoding_of

# The names of columns, without case, spaces and underscores.
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
SIDES_COLUMNS = {
    "x0": ("x", "xmin", "left", "bboxx", "xtl", "boxx", "x1"),
    "y0": ("y", "ymin", "top", "bboxy", "ytl", "boxy", "y1"),
    "x1": ("w", "width", "bboxwidth", "boxwidth", "bboxw"),
    "y1": ("h", "height", "bboxheight", "boxheight", "bboxh"),
    "width": ("imagewidth", "imgwidth"),
    "height": ("imageheight", "imgheight"),
}  # of x, y, width and height, in a table without right and lower edges
NEEDED = ("file", "x0", "y0", "x1", "y1", "class")
WITHOUT_HEADER = {name: place for place, name in enumerate(NEEDED)}  # RetinaNet's: path,x1,y1,x2,y2,class
ROW_TOO_SHORT = "rows left out, too short"
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


def recognise(path: Path) -> Layout | None:
    """A table of boxes, or a folder with one, or with one for each split; otherwise None."""
    return recognise_files(path, CSV, ".csv", lambda file: columns_of(file) is not None)


def columns_of(file: Path) -> dict[str, int] | None:
    """The place of each column of a table, by our name for it; None if it is not a table of boxes."""
    try:
        header = next(rows_of(file), [])
    except (OSError, ValueError, csv.Error):
        return None
    for columns in (COLUMNS, {**COLUMNS, **SIDES_COLUMNS}):
        places = _places(header, columns)
        if all(name in places for name in NEEDED) and len({places[name] for name in NEEDED}) == len(NEEDED):
            return places
    return WITHOUT_HEADER if len(header) == len(NEEDED) and all(_box_or_nothing(header[1:5])) else None


def rows_of(file: Path) -> Iterator[list[str]]:
    """The rows of a table, whatever separates its columns."""
    with open(file, encoding=encoding_of(file), newline="") as content:
        head = content.readline()
        content.seek(0)
        delimiter = max(",;\t", key=head.count)
        yield from csv.reader(content, delimiter=delimiter)


def checked_rows(file: Path) -> Iterator[list[str]]:
    """The rows of a table.

    Raises:
        ValueError: it cannot be read as a table there; the message names it.
    """
    try:
        yield from rows_of(file)
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(f"cannot read {file} as a table: {error}") from error


def _plain(header: Sequence[str]) -> list[str]:
    return [name.strip().lower().replace("_", "").replace(" ", "") for name in header]


def _places(header: Sequence[str], columns: dict[str, tuple[str, ...]]) -> dict[str, int]:
    plain = _plain(header)
    return {ours: plain.index(name) for ours, names in columns.items() for name in reversed(names) if name in plain}


def _box_or_nothing(numbers: list[str]) -> list[bool]:
    empty = not any(number.strip() for number in numbers)
    plain = [text.strip().lstrip("-").replace(",", ".", 1).replace(".", "", 1) for text in numbers]
    return [empty or text.isdecimal() for text in plain]


def read(part: Part, findings: Findings) -> Reading:
    """The images that a table names, each with the boxes of its rows; a row without a box is an image without objects."""
    file = part.annotations
    columns = columns_of(file)
    if columns is None:
        raise ValueError(
            f"{file} is not a table of boxes: expected a file name, xmin, ymin, xmax, ymax and class in each row"
        )
    header = [] if columns is WITHOUT_HEADER else next(rows_of(file))
    form = _form(header, columns)
    descriptions = class_descriptions(file) if form is Form.SHARES else {}
    sized = "width" in columns and "height" in columns
    if sized and form is Form.CORNERS and _are_sides_of_boxes(_usable(file, columns, Findings()), columns):
        findings.note("width and height taken as those of boxes, not of images", file.name)
        sized = False
    images: dict[str, Annotated] = {}
    for row in _usable(file, columns, findings):
        name = row[columns["file"]].strip()
        image = images.setdefault(name, Annotated(name, form=form))
        if sized:
            image.size = image.size or whole_sides(_cell(row, columns["width"]), _cell(row, columns["height"]))
        if (item := _item(row, columns, descriptions)) is not None:
            image.items.append(item)
    return Reading([*images.values()], names_of(images.values()), finder_for(file, part.images))


def _usable(file: Path, columns: dict[str, int], findings: Findings) -> Iterator[list[str]]:
    """The rows that have all that is needed, without the header; notes on the others."""
    first = 1 if columns is WITHOUT_HEADER else 2
    for i, row in enumerate(checked_rows(file), start=1):
        if i >= first and len(row) > max(columns[name] for name in NEEDED):
            yield row
        elif i >= first and any(row):
            findings.leave_out(ROW_TOO_SHORT, f"row {i}")


def _form(header: Sequence[str], columns: dict[str, int]) -> Form:
    if "XMin" in header:  # Open Images
        return Form.SHARES
    right = _plain(header)[columns["x1"]] if header else ""
    return Form.SIDES if right in SIDES_COLUMNS["x1"] else Form.CORNERS


def _cell(row: list[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _corners(row: list[str], columns: dict[str, int]) -> list[str]:
    """The four numbers of a row; a comma in one is its decimal point, because it separates no columns."""
    numbers = [row[columns[name]].strip() for name in ("x0", "y0", "x1", "y1")]
    return [text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text for text in numbers]


def _are_sides_of_boxes(rows: Iterable[list[str]], columns: dict[str, int]) -> bool:
    """Whether the columns width and height, in nearly all rows, are the box's and not the image's."""
    boxes = equal = 0
    for row in rows:
        try:
            x0, y0, x1, y1 = (number(text) for text in _corners(row, columns))
            width, height = (number(_cell(row, columns[side])) for side in ("width", "height"))
        except ValueError:
            continue
        boxes += 1
        equal += abs(x1 - x0 - width) <= 1 and abs(y1 - y0 - height) <= 1  # the last pixel may be counted, or not
    return boxes > 0 and equal >= 0.95 * boxes


def _item(row: list[str], columns: dict[str, int], descriptions: dict[str, str]) -> Item | None:
    """The object of a row; None if the row is for an image without objects."""
    numbers = _corners(row, columns)
    name = row[columns["class"]]
    if not any(numbers) and not name.strip():
        return None
    name = class_name(descriptions.get(name, name))
    crowd = _cell(row, columns["crowd"]) == "1" if "crowd" in columns else False
    return Item(name, numbers, crowd, problem="" if name else NO_CLASS_NAME)


def class_descriptions(file: Path) -> dict[str, str]:
    """Open Images' names for its classes, /m/01g317 → Person, from a file near the table, if there is one.

    It is class-descriptions….csv beside it, or metadata/classes.csv if the table is in labels/.
    """
    folders = (file.parent, file.parent / "metadata", file.absolute().parent.parent / "metadata")
    for other in (each for folder in folders for each in files_in(folder, ".csv")):
        if "class-descriptions" in other.name or (other.name == "classes.csv" and other.parent.name == "metadata"):
            return {row[0].strip(): row[1].strip() for row in checked_rows(other) if len(row) >= 2}
    return {}


CSV = Format("CSV", read)
