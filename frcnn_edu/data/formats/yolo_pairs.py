"""The images of a part of a YOLO data set, each with its label file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..findings import Findings
from ..names import without_converted
from ..splits import split_of_path
from .finder import ImageFinder, home_of
from .folders import all_files, all_images
from .layout import Part
from .searching import search
from .texts import read_lines
from .yolo_files import NAMES, Config, entries, resolve
from .yolo_labels import Labels

Pair = tuple[str, Path | None, Path | None]  # name, image, labels


def pairs_by_images(part: Part, config: Config, findings: Findings) -> list[Pair]:
    """Images, each with its label file, if it has one."""
    split = "" if part.listed is None else split_of_path(part.listed) or ""
    labels = Labels(home_of(part.annotations), part.images, split)
    sources = _sources(part, config)
    pairs = [(name, path, None if path is None else labels.of(path, name)) for name, path in _images(part, sources)]
    if without := sum(path is not None and file is None for _, path, file in pairs):
        findings.note("images without a label file, counted as images without objects", part.annotations.name, without)
    shared = Counter(file for _, _, file in pairs if file is not None)
    for file in (file for file, count in shared.items() if count > 1):
        findings.note("label files shared by several images, such as a.jpg and a.png", file.name)
    if all(source.is_dir() for source in sources):  # else another list may name their images
        for file in labels.without_image({file for _, _, file in pairs if file is not None}):
            findings.leave_out("labels without an image", file.name)
    return pairs


def pairs_by_labels(part: Part, findings: Findings) -> list[Pair]:
    """Label files, each with its image, if images of other parts are among those of this one."""
    assert part.images is not None
    pairs: list[Pair] = []
    for folder in part.labels:
        finder = ImageFinder(part.images, split=split_of_path(folder))
        files = {
            file.relative_to(folder).with_suffix("").as_posix(): file
            for file in all_files(folder, ".txt")
            if file.name.lower() not in NAMES
        }
        paths = _found(finder, [*files])
        pairs += [
            (file.name if (path := paths[name]) is None else path.name, path, file) for name, file in files.items()
        ]
    known = {path for _, path, _ in pairs}
    if others := sum(path not in known for path in without_converted(all_images(part.images))):
        findings.note("images without a label file here, left out", part.images.name, others)
    return pairs


def _sources(part: Part, config: Config) -> list[Path]:
    """The folders of images, or the text files that name them, of a part."""
    home = home_of(part.annotations)
    if part.subset is None or part.images is not None:
        return [path for path in (part.listed, part.images) if path is not None][:1] or [home]
    return [path for text in entries(config.paths[part.subset]) if (path := resolve(text, home, config.base))]


def _images(part: Part, sources: list[Path]) -> list[tuple[str, Path | None]]:
    """The images of some sources, by name, with their files if they have one."""
    root = part.images or home_of(part.annotations)
    found: list[tuple[str, Path | None]] = []
    for source in sources:
        if source.is_dir():
            found += [(path.relative_to(source).as_posix(), path) for path in without_converted(all_images(source))]
        else:
            finder = ImageFinder(root, (source.parent, root), split=split_of_path(source))
            lines = read_lines(source)
            paths = _found(finder, lines)
            found += [(line, paths[line]) for line in lines]
    return found


def _found(finder: ImageFinder, names: Sequence[str]) -> dict[str, Path | None]:
    """The image files for the names of a list, or of label files; None for one that is not there."""
    paths = {name: finder.as_written(name) for name in names}
    taken = {path for path in paths.values() if path is not None}
    others = search([name for name, path in paths.items() if path is None], finder, taken)
    return paths | {name: path for name, (path, _) in others.items()}
