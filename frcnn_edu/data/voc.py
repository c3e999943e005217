"""Data sets in Pascal VOC's layout: one XML file of boxes for each image."""

import re
from collections.abc import Sequence, Set
from pathlib import Path
from xml.etree import ElementTree

from .images import IMAGE_SUFFIXES
from .records import (
    Findings,
    Record,
    RecordDataset,
    Transforms,
    choose_classes,
    clip_box,
    every_fifth,
    find_frame,
    order_corners,
)


class VOCDetection(RecordDataset):
    """A Pascal VOC folder: JPEGImages/, Annotations/ and ImageSets/Main/<image_set>.txt.

    Everything is read and checked here, once, so that no epoch ends in the middle; `summary` tells what was repaired
    or left out. `image_id` is the position in the set. Objects marked `difficult` get `iscrowd` 1: VOC does not count
    them, neither when found nor when missed.

    In the files, pixels are counted from 1 and xmax is the last pixel inside, so a box is xmax - xmin + 1 pixels wide.
    Here coordinates run along the edges of pixels, from 0: xmin - 1 is the left edge, and xmax as it stands the right.

    Args:
        root: the folder that holds the three.
        image_set: a file's name in ImageSets/Main without its .txt. Where there is no such folder, "train" and "val"
            are made: every fifth image, in the order of names, is for validation.
        classes: the names of the labels from 1 on, with or without a leading "background"; boxes of other classes are
            left out. By default all names in Annotations, sorted, so that every set of a folder has the same.
        transforms: called with (image, target), returns both, changed.

    Raises:
        ValueError: a folder, the image set or its images do not exist; an annotation is not well-formed XML or has a
            document type declaration, which could make it expand without end.
    """

    def __init__(
        self,
        root: str | Path,
        image_set: str = "train",
        classes: Sequence[str] | None = None,
        transforms: Transforms | None = None,
    ) -> None:
        root = Path(root)
        for name in ("JPEGImages", "Annotations"):
            if not (root / name).is_dir():
                raise ValueError(f"{root} is not a Pascal VOC folder: it has no folder {name}")
        files = sorted((root / "JPEGImages").iterdir())
        images = {path.stem: path for path in files if path.suffix.lower() in IMAGE_SUFFIXES}
        annotations = {path.stem: path for path in sorted((root / "Annotations").glob("*.xml"))}
        findings = Findings()
        names = read_image_set(root, image_set, annotations.keys() & images.keys(), findings)
        trees = {name: parse_xml(annotations[name]) for name in annotations}
        found = {item.findtext("name", "") for tree in trees.values() for item in tree.findall("object")}
        all_classes = choose_classes(root, sorted(found - {"", "background"}), classes)

        records: list[Record] = []
        for name in names:
            if name not in images or name not in trees:
                findings.note(f"images left out, no {'annotation' if name in images else 'file'}", name)
            elif frame := find_frame(images[name], annotated_size(trees[name]), findings):
                size, upright = frame
                records.append(Record(images[name], len(records), upright))
                add_objects(records[-1], trees[name], size, all_classes, findings)
        super().__init__(all_classes, records, findings, transforms)


class _RefuseDoctype(ElementTree.TreeBuilder):
    def doctype(self, *declaration: str | None) -> None:
        raise ValueError("it has a document type declaration (DOCTYPE), which an annotation does not need")


def parse_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file that is well-formed and declares no entities; anything else is a ValueError naming it."""
    try:
        return ElementTree.parse(path, ElementTree.XMLParser(target=_RefuseDoctype())).getroot()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ValueError(f"cannot use the annotation {path}: {error}") from error


def read_image_set(root: Path, image_set: str, usable: Set[str], findings: Findings) -> list[str]:
    """The names in ImageSets/Main/<image_set>.txt; without that folder, a share of the `usable` ones."""
    folder = root / "ImageSets" / "Main"
    if not folder.is_dir():
        findings.note("images divided into train and val here, 80:20", f"no {folder}", len(usable))
        return every_fifth(sorted(usable), image_set, root)
    existing = sorted(path.stem for path in folder.glob("*.txt"))
    if image_set not in existing:
        raise ValueError(f"{root} has no image set {image_set!r}; it has {', '.join(existing) or 'none'}")
    lines = [line.strip() for line in (folder / f"{image_set}.txt").read_text(encoding="utf-8-sig").splitlines()]
    # VOC's sets for one class have a second column of -1, 0 or 1; a name may itself hold spaces.
    names = [line if line in usable else re.sub(r"\s+-?[01]$", "", line) for line in lines if line]
    return list(dict.fromkeys(names))


def annotated_size(tree: ElementTree.Element) -> tuple[int, int] | None:
    """The (width, height) an annotation gives for its image, where it gives one."""
    try:
        size = int(tree.findtext("size/width", "")), int(tree.findtext("size/height", ""))
    except ValueError:
        return None
    return size if min(size) > 0 else None


def add_objects(
    record: Record, tree: ElementTree.Element, size: tuple[int, int], classes: tuple[str, ...], findings: Findings
) -> None:
    """Append an annotation's usable objects to the record of its image, which has the given (width, height)."""
    where = record.path.stem
    for item in tree.findall("object"):
        name = item.findtext("name", "")
        if name not in classes[1:]:
            findings.note("boxes of other classes left out", name or "without a name")
            continue
        try:
            corners = [float(item.findtext(f"bndbox/{key}", "")) for key in ("xmin", "ymin", "xmax", "ymax")]
        except ValueError:
            findings.note("boxes refused, not four numbers", where)
            continue
        if ordered := order_corners(corners, findings, where):
            x0, y0, x1, y1 = ordered
            if box := clip_box((x0 - 1, y0 - 1, x1, y1), size, findings, where):
                record.add(box, classes.index(name), ignore=item.findtext("difficult", "0").strip() == "1")
