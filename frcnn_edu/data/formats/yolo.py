"""YOLO: a text file for each image, with lines of a class number and numbers between 0 and 1."""

from pathlib import Path
from typing import Any

from ..findings import Findings
from ..names import clean_name
from .annotated import Annotated, Form, Item, Reading, around, number
from .finder import ImageFinder
from .folders import all_files, all_images
from .layout import Format, Part
from .yolo_files import NAMES, Config, entries, is_yaml, read_config, read_names, resolve


def read(part: Part, findings: Findings) -> Reading:
    """The images of a part with their labels; an image without a file of labels has no objects."""
    config = read_config(part.annotations) if is_yaml(part.annotations) else Config(read_names(part.annotations))
    home = part.annotations.parent
    labels = {path.stem: path for path in all_files(home, ".txt") if path.name.lower() not in NAMES}
    names = [_clean(name) for name in config.names]
    images = []
    without = 0
    for name, path in _images(part, config, findings):
        if path is None:
            images.append(Annotated(name, problem="images left out, no file"))
            continue
        file = label_file(path, labels)
        without += file is None
        image = Annotated(name, path=path, form=Form.SHARES)
        if file is not None:
            try:
                image.items = [_item(line, names, config) for line in read_lines(file)]
            except ValueError:
                image.problem, image.where = "images left out, labels are not text", file.name
        images.append(image)
    if without:
        findings.note(
            "images without a file of labels, taken as images without objects", part.annotations.name, without
        )
    return Reading(images, [name for name in names if name != "background"])


def _images(part: Part, config: Config, findings: Findings) -> list[tuple[str, Path | None]]:
    """The images of a part, by name: those of its folders, or those that its lists name."""
    home = part.annotations.parent
    if part.subset is None or part.images is not None:
        sources = [path for path in (part.listed, part.images) if path is not None][:1] or [home]
    else:
        sources = [path for text in entries(config.paths[part.subset]) if (path := resolve(text, home, config.base))]
    found: list[tuple[str, Path | None]] = []
    for source in sources:
        if source.is_dir():
            found += [(path.relative_to(source).as_posix(), path) for path in all_images(source)]
        else:
            finder = ImageFinder(part.images or home, (source.parent, part.images or home), hint=source.name)
            found += [(line, _find(finder, line)) for line in read_lines(source)]
    return found


def _find(finder: ImageFinder, name: str) -> Path | None:
    candidates = [path] if (path := finder.as_written(name)) else finder.by_name(name)
    return candidates[0] if len(candidates) == 1 else None


def label_file(image: Path, labels: dict[str, Path]) -> Path | None:
    """The file of labels that belongs to an image: in labels/ where the image is in images/, or beside it.

    Args:
        labels: the text files of the data set by their stems, for other arrangements.
    """
    places = [image]
    folders = [part.lower() for part in image.parts[:-1]]
    if "images" in folders:
        at = len(folders) - 1 - folders[::-1].index("images")
        places.insert(0, Path(*image.parts[:at], "labels", *image.parts[at + 1 :]))
    for place in places:
        if (file := place.with_suffix(".txt")).is_file():
            return file
    return labels.get(image.stem)


def read_lines(file: Path) -> list[str]:
    """The lines of a text file that hold something.

    Raises:
        ValueError: it is not text.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {file} as text: {error}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _item(line: str, names: list[str], config: Config) -> Item:
    """A line: class, then center, width and height; or the points of an outline; or key points after the box."""
    try:
        kind, *numbers = [number(word) for word in line.split()]
    except ValueError:
        return Item("", problem="boxes refused, not numbers")
    if not (kind.is_integer() and 0 <= kind < len(names)):
        return Item("", problem="boxes refused, no class of that number")
    name = names[int(kind)]
    if len(numbers) == 4 or (config.key_points and len(numbers) == 4 + config.key_points):
        x, y, width, height = numbers[:4]
        return Item(name, (x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        return Item(name, around([*zip(numbers[::2], numbers[1::2])]), remark="boxes made from outlines")
    return Item(name, problem="boxes refused, neither four numbers nor an outline")


def _clean(name: Any) -> str:
    return clean_name(str(name))


YOLO = Format("YOLO", read)
