"""YOLO: a text file for each image, with lines of a class number and numbers between 0 and 1."""

from pathlib import Path
from typing import Any

from ..findings import Findings
from ..names import clean_name
from ..splits import split_of_path
from .annotated import Annotated, Form, Item, Reading, around, number
from .finder import ImageFinder, home_of
from .folders import all_files, all_images
from .layout import Format, Part
from .yolo_files import NAMES, Config, entries, is_yaml, read_config, read_names, resolve
from .yolo_labels import Labels


def read(part: Part, findings: Findings) -> Reading:
    """The images of a part with their labels; an image without a file of labels has no objects."""
    config = read_config(part.annotations) if is_yaml(part.annotations) else Config(read_names(part.annotations))
    names = [_clean(name) for name in config.names]
    pairs = _by_labels(part, findings) if part.labels else _by_images(part, config, findings)
    images = [_annotated(name, path, file, names, config) for name, path, file in pairs]
    return Reading(images, [name for name in names if name != "background"])


Pair = tuple[str, Path | None, Path | None]  # name, image, labels


def _by_images(part: Part, config: Config, findings: Findings) -> list[Pair]:
    """Images, each with its file of labels, if it has one."""
    labels = Labels(home_of(part.annotations))
    sources = _sources(part, config)
    pairs = [(name, path, None if path is None else labels.of(path, name)) for name, path in _images(part, sources)]
    if without := sum(path is not None and file is None for _, path, file in pairs):
        findings.note(
            "images without a file of labels, taken as images without objects", part.annotations.name, without
        )
    if all(source.is_dir() for source in sources):  # else another list may name their images
        for file in labels.without_image({file for _, _, file in pairs if file is not None}):
            findings.leave_out("labels without an image", file.name)
    return pairs


def _by_labels(part: Part, findings: Findings) -> list[Pair]:
    """Files of labels, each with its image, where images of other parts lie among those of this one."""
    assert part.images is not None
    pairs: list[Pair] = []
    for folder in part.labels:
        finder = ImageFinder(part.images, split=split_of_path(folder))
        for file in all_files(folder, ".txt"):
            if file.name.lower() not in NAMES:
                path = _find(finder, file.relative_to(folder).with_suffix("").as_posix())
                pairs.append((file.name if path is None else path.name, path, file))
    known = {path for _, path, _ in pairs}
    if others := sum(path not in known for path in all_images(part.images)):
        findings.note("images without a file of labels here, left out", part.images.name, others)
    return pairs


def _annotated(name: str, path: Path | None, file: Path | None, names: list[str], config: Config) -> Annotated:
    if path is None:
        return Annotated(name, problem="images left out, no file")
    image = Annotated(name, path=path, form=Form.SHARES)
    if file is not None:
        try:
            image.items = [_item(line, names, config) for line in read_lines(file)]
        except ValueError:
            image.problem, image.where = "images left out, labels are not text", file.name
    return image


def _sources(part: Part, config: Config) -> list[Path]:
    """The folders of images, or the text files that name them, of a part."""
    home = home_of(part.annotations)
    if part.subset is None or part.images is not None:
        return [path for path in (part.listed, part.images) if path is not None][:1] or [home]
    return [path for text in entries(config.paths[part.subset]) if (path := resolve(text, home, config.base))]


def _images(part: Part, sources: list[Path]) -> list[tuple[str, Path | None]]:
    """The images of some sources, by name, with their files where they have one."""
    root = part.images or home_of(part.annotations)
    found: list[tuple[str, Path | None]] = []
    for source in sources:
        if source.is_dir():
            found += [(path.relative_to(source).as_posix(), path) for path in all_images(source)]
        else:
            finder = ImageFinder(root, (source.parent, root), split=split_of_path(source))
            found += [(line, _find(finder, line)) for line in read_lines(source)]
    return found


def _find(finder: ImageFinder, name: str) -> Path | None:
    candidates = [path] if (path := finder.as_written(name)) else finder.by_name(name)
    return candidates[0] if len(candidates) == 1 else None


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
