"""YOLO: a text file for each image, with lines of a class number and numbers between 0 and 1."""

from pathlib import Path

from ..findings import Findings
from ..names import clean_name
from ..splits import by_split
from .annotated import Annotated, Form, Reading
from .finder import ImageFinder, home_of
from .folders import all_images, folders_in
from .layout import Format, Part
from .texts import text_of
from .yolo_files import Config, entries, is_yaml, read_config, read_names, resolve
from .yolo_labels import Labels
from .yolo_lines import Line, item_of, key_points_in, line_of


def read(part: Part, findings: Findings) -> Reading:
    """The images of a part with their labels; an image without a file of labels has no objects."""
    config = read_config(part.annotations) if is_yaml(part.annotations) else Config(read_names(part.annotations))
    if config.count not in (None, len(config.names)):
        differ = f"nc {config.count}, {len(config.names)} names"
        findings.note("nc ignored, since it is not the number of names", f"{part.annotations.name}: {differ}")
    labels = Labels(home_of(part.annotations), part.images, part.subset or "")
    names = _clean(part.annotations, config.names)
    images: list[Annotated] = []
    lines: list[list[Line | None]] = []  # of each image
    without, used, others = 0, set[Path](), 0
    sources = _sources(part, config)
    together = part.subset is not None and sources == [part.images]  # images of all splits: their labels tell which
    for name, path in _images(part, sources):
        file = labels.of(path) if path is not None else None
        if together and file is None:
            others += 1
            continue
        lines.append([])
        if path is None:
            images.append(Annotated(name, problem="images left out, no file"))
            continue
        without += file is None
        images.append(image := Annotated(name, path=path, form=Form.SHARES))
        if file is not None:
            used.add(file)
            try:
                lines[-1] = [line_of(text) for text in read_lines(file)]
            except ValueError:
                image.problem, image.where = "images left out, labels are not text", file.name
    key_points = config.key_points or _key_points(part, lines, findings)
    for image, found in zip(images, lines, strict=True):
        image.items = [item_of(line, names, key_points) for line in found]
    if others:
        findings.note("images without labels in this split, not taken for it", part.annotations.name, others)
    if without:
        findings.note(
            "images without a file of labels, taken as images without objects", part.annotations.name, without
        )
    if all(source.is_dir() for source in sources):  # else another list may name their images
        for file in labels.without_image(used):
            findings.leave_out("labels without an image", file.name)
    return Reading(images, [name for name in names if name != "background"])


def _key_points(part: Part, lines: list[list[Line | None]], findings: Findings) -> int:
    """How many numbers follow each box where the data set does not say so."""
    every = [line for found in lines for line in found]
    count = key_points_in(every)
    longer = sum(line is not None and len(line.numbers) > 4 for line in every)
    if count is None:
        what = (
            "lines that may be outlines or boxes with key points, read as outlines: kpt_shape in data.yaml would tell"
        )
        findings.note(what, part.annotations.name, longer)
    elif count:
        findings.note("numbers after the box taken for key points", part.annotations.name, longer)
    return count or 0


def _sources(part: Part, config: Config) -> list[Path]:
    """The folders of images, or the text files that name them, of a part."""
    home = home_of(part.annotations)
    if part.subset is None:
        return [path for path in (part.listed, part.images) if path is not None][:1] or [home]
    places = [path for text in entries(config.paths[part.subset]) if (path := resolve(text, home, config.base))]
    if part.images is None:
        return places
    folders = by_split(folders_in(part.images)).values()
    own = [found[part.subset] for found in folders if part.subset in found]
    return [place for place in places if place.is_file()] or own or [part.images]


def _images(part: Part, sources: list[Path]) -> list[tuple[str, Path | None]]:
    """The images of some sources, by name, with their files where they have one."""
    root = part.images or home_of(part.annotations)
    found: list[tuple[str, Path | None]] = []
    for source in sources:
        if source.is_dir():
            found += [(path.relative_to(source).as_posix(), path) for path in all_images(source)]
        else:
            finder = ImageFinder(root, (source.parent, root), hint=source.name)
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
    return [line.strip() for line in text_of(file).splitlines() if line.strip()]


def _clean(file: Path, names: list[str]) -> list[str]:
    try:
        return [clean_name(name) for name in names]
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


YOLO = Format("YOLO", read)
