"""YOLO: a text file for each image, with lines of a class number and numbers between 0 and 1."""

from pathlib import Path

from ..findings import Findings
from ..names import clean_name
from .annotated import Annotated, Form, Reading
from .layout import Format, Part
from .texts import read_lines
from .yolo_files import Config, is_yaml, read_config, read_names
from .yolo_lines import Line, item_of, key_points_in, line_of
from .yolo_pairs import pairs_by_images, pairs_by_labels


def read(part: Part, findings: Findings) -> Reading:
    """The images of a part with their labels; an image without a label file has no objects."""
    config = read_config(part.annotations) if is_yaml(part.annotations) else Config(read_names(part.annotations))
    if config.count not in (None, len(config.names)):
        differ = f"nc {config.count}, {len(config.names)} names"
        findings.note("nc ignored, because it is not the number of names", f"{part.annotations.name}: {differ}")
    names = _clean(part.annotations, config.names)
    pairs = pairs_by_labels(part, findings) if part.labels else pairs_by_images(part, config, findings)
    images = [_annotated(name, path) for name, path, _ in pairs]
    lines = [_lines(image, file) for image, (_, _, file) in zip(images, pairs, strict=True)]
    key_points = config.key_points or _key_points(part, lines, findings)
    for image, found in zip(images, lines, strict=True):
        image.items = [item_of(line, names, key_points) for line in found]
    return Reading(images, [name for name in names if name != "background"])


def _annotated(name: str, path: Path | None) -> Annotated:
    if path is None:
        return Annotated(name, problem="images left out, no file")
    return Annotated(name, path=path, form=Form.SHARES)


def _lines(image: Annotated, file: Path | None) -> list[Line | None]:
    """The lines of a label file; if it cannot be read, that becomes the image's problem."""
    if file is None or image.path is None:
        return []
    try:
        return [line_of(text) for text in read_lines(file)]
    except ValueError:
        image.problem, image.where = "images left out, labels are not text", file.name
        return []


def _key_points(part: Part, lines: list[list[Line | None]], findings: Findings) -> int:
    """How many numbers follow each box, if the data set does not declare it."""
    every = [line for found in lines for line in found]
    count = key_points_in(every)
    longer = sum(line is not None and len(line.numbers) > 4 for line in every)
    if count is None:
        what = "lines that may be outlines or boxes with key points, read as outlines: set kpt_shape in data.yaml to decide"
        findings.note(what, part.annotations.name, longer)
    elif count:
        findings.note("numbers after the box taken as key points", part.annotations.name, longer)
    return count or 0


def _clean(file: Path, names: list[str]) -> list[str]:
    try:
        return [clean_name(name) for name in names]
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


YOLO = Format("YOLO", read)
