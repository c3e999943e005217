"""VGG Image Annotator's CSV: a row for each region, whose shape and attributes are json in its cells."""

import csv
import json
from pathlib import Path
from typing import Any

from ..findings import Findings
from .annotated import Annotated, Item, Reading, names_of
from .finder import finder_for
from .layout import Format, Layout, Part
from .single_files import recognise_files
from .tables import ROW_TOO_SHORT, checked_rows, rows_of
from .via import class_attribute, item_of

COLUMNS = ("filename", "region_shape_attributes", "region_attributes")


def recognise(path: Path) -> Layout | None:
    """Annotations exported as CSV, or a folder with them, or with a file for each split; otherwise None."""
    return recognise_files(path, VIA_CSV, ".csv", lambda file: _columns(file) is not None)


def _columns(file: Path) -> dict[str, int] | None:
    """The place of each column; None if it is a different table. Version 1 writes # in front of the first."""
    try:
        header = [name.strip().lstrip("#") for name in next(rows_of(file), [])]
    except (OSError, ValueError, csv.Error):
        return None
    return {name: header.index(name) for name in COLUMNS} if {*COLUMNS} <= {*header} else None


def read(part: Part, findings: Findings) -> Reading:
    """The images of a table and their regions; an image without regions has a row with empty cells."""
    file = part.annotations
    columns = _columns(file)
    if columns is None:
        raise ValueError(f"{file} is not a VGG Image Annotator table: it needs the columns {', '.join(COLUMNS)}")
    regions: dict[str, list[dict[str, Any]]] = {}
    for i, row in enumerate(checked_rows(file)):
        if i == 0 or not any(row):
            continue
        name, shape, attributes = (row[columns[key]].strip() if columns[key] < len(row) else "" for key in COLUMNS)
        if not name or not shape:
            findings.leave_out(ROW_TOO_SHORT, f"row {i}")
            continue
        found = regions.setdefault(name, [])
        if (outline := _json(shape)) != {}:
            found.append({"shape_attributes": outline, "region_attributes": _json(attributes)})
    attribute = class_attribute([region for found in regions.values() for region in found])
    if attribute is not None:
        findings.note("attribute taken as the class of a region", attribute)
    images = [Annotated(name, [_checked(region, attribute) for region in found]) for name, found in regions.items()]
    return Reading(images, names_of(images), finder_for(file, part.images))


def _checked(region: dict[str, Any], attribute: str | None) -> Item:
    if not isinstance(region["shape_attributes"], dict):
        return Item("", problem="boxes refused, its shape is not json")
    return item_of(region, attribute)


def _json(cell: str) -> Any:
    """The json in a cell; None if it is not json."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return None


VIA_CSV = Format("VGG Image Annotator (CSV)", read)
