"""Google's table for AutoML and Vertex AI, without a header: split, address of the image, label, corners as fractions."""

import csv
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..findings import Findings
from ..names import IMAGE_SUFFIXES
from .annotated import NO_CLASS_NAME, NOT_FOUR_NUMBERS, Annotated, Form, Item, Reading, around, class_name, names_of
from .finder import finder_for
from .layout import Format, Layout, Part, arranged, listing
from .single_files import recognise_files
from .tables import checked_rows, rows_of

COLUMNS = 11  # the last eight are four corners x, y, of which the second and the fourth may be empty
SPLITS = {
    "train": "train", "training": "train", "unassigned": "train", "": "train", "validate": "val", "validation": "val", "test": "test",
}  # fmt: skip
_MACHINE = re.compile(r"^[a-z]+://[^/]*/")


def recognise(path: Path) -> Layout | None:
    """A table of AutoML, or a folder with one, divided by the splits it names; otherwise None."""
    layout = recognise_files(path, AUTOML, ".csv", _is_automl)
    if layout is None or layout.whole is None:
        return layout
    with suppress(OSError, ValueError, csv.Error):  # reported when it is read
        words = {row[0].strip().lower() for row in rows_of(layout.whole.annotations) if row}
        named = {split for word in words if (split := SPLITS.get(word))}
        if named > {"train"}:
            ordered = sorted(named, key=[*SPLITS.values()].index)
            parts = {split: replace(layout.whole, subset=split) for split in ordered}
            return arranged(path, AUTOML, layout.how, parts, f"its first column into {listing(parts)}", layout.whole)
    return layout


def _is_automl(file: Path) -> bool:
    """Whether the first row begins with a word for a split and ends in corners, or in empty cells."""
    try:
        row = next(rows_of(file), [])
        named = (
            len(row) == COLUMNS and row[0].strip().lower() in SPLITS and Path(row[1]).suffix.lower() in IMAGE_SUFFIXES
        )
        return named and (not any(row[3:]) or bool(_corners(row)))
    except (OSError, ValueError, csv.Error):
        return False


def _corners(row: list[str]) -> list[tuple[str, str]]:
    """The corners of a row that are given; ValueError if they make no box."""
    points = [(x, y) for x, y in zip(row[3::2], row[4::2], strict=True) if x.strip() and y.strip()]
    around(points)
    return points


def read(part: Part, findings: Findings) -> Reading:
    """The images that a table names for a split, each with the boxes of its rows; all images count for the classes."""
    images: dict[str, Annotated] = {}
    chosen: dict[str, Annotated] = {}
    for i, row in enumerate(checked_rows(part.annotations), start=1):
        if len(row) != COLUMNS or row[0].strip().lower() not in SPLITS:
            if any(row):
                findings.leave_out("rows left out, not a split, an image and a box", f"row {i}")
            continue
        name = _MACHINE.sub("", row[1].strip())
        image = images.setdefault(name, Annotated(name, form=Form.SHARES))
        if any(cell.strip() for cell in row[2:]):
            image.items.append(_item(row))
        if part.subset in (None, SPLITS[row[0].strip().lower()]):
            chosen[name] = image
    return Reading(
        [*chosen.values()], names_of(images.values()), finder_for(part.annotations, part.images, part.subset)
    )


def _item(row: list[str]) -> Item:
    if not (name := class_name(row[2])):
        return Item("", problem=NO_CLASS_NAME)
    try:
        return Item(name, around(_corners(row)))
    except ValueError:
        return Item("", problem=NOT_FOUR_NUMBERS)


AUTOML = Format("AutoML", read)
