"""Data sets in Pascal VOC's layout: one XML file of boxes for each image."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from .findings import Findings
from .names import choose_classes, clean_name
from .records import Record, RecordDataset, Transforms, clip_box, find_frame, order_corners
from .voc_files import find_annotations, find_images, read_image_set


class VOCDetection(RecordDataset):
    """A Pascal VOC folder: JPEGImages/, Annotations/ and ImageSets/Main/<image_set>.txt.

    Everything is read and checked here, once, so that no epoch ends in the middle; `summary` tells what was repaired
    or left out. Of a JPEG little more than beginning and end is read: that it is damaged in between only shows when
    it is loaded, and the command `check-data` loads them all. `image_id` is the position in the set. Objects marked
    `difficult` get `iscrowd` 1: VOC does not count them, neither when found nor when missed.

    In the files, pixels are counted from 1 and xmax is the last pixel inside, so a box is xmax - xmin + 1 pixels wide.
    Here coordinates run along the edges of pixels, from 0: xmin - 1 is the left edge, and xmax as it stands the right.

    An image is left out if it lacks its annotation or has one that is no well-formed XML or has a document type
    declaration, which could make it expand without end or name other files. Names in an image set are looked up among
    the files of the two folders, so none can lead out of them.

    Args:
        root: the folder that holds the three.
        image_set: a file's name in ImageSets/Main without its .txt. Where there is no such folder, "train" and "val"
            are made: every fifth image, in the order of names, is for validation.
        classes: the names of the labels from 1 on, with or without a leading "background"; boxes of other classes are
            left out. By default all names in Annotations, sorted, so that every set of a folder has the same.
        transforms: called with (image, target), returns both, changed.
        strict: stop at anything that has to be left out. What can be repaired, and classes that were not asked for,
            are no reason to.

    Raises:
        ValueError: a folder, the image set or its images do not exist; with `strict`, something was left out.
    """

    def __init__(
        self,
        root: str | Path,
        image_set: str = "train",
        classes: Sequence[str] | None = None,
        transforms: Transforms | None = None,
        strict: bool = False,
    ) -> None:
        root = Path(root)
        images, annotations = find_images(root), find_annotations(root)
        findings = Findings()
        names = read_image_set(root, image_set, set(annotations) | set(images), findings)
        trees, broken = parse_all(annotations)
        found = {object_name(item) for tree in trees.values() for item in tree.findall("object")}
        all_classes = choose_classes(root, sorted(found - {"", "background"}), classes)

        records: list[Record] = []
        for name in names:
            if name not in images:
                findings.leave_out("images left out, no file", name)
            elif name in broken:
                findings.leave_out(f"images left out, {broken[name]}", annotations[name].name)
            elif name not in trees:
                findings.leave_out("images left out, no annotation", name)
            elif (path := choose_file(images[name], trees[name])) is None:
                findings.leave_out("images left out, several files of one name", name)
            elif frame := find_frame(path, annotated_size(trees[name]), findings):
                size, upright = frame
                records.append(Record(path, len(records), upright))
                add_objects(records[-1], trees[name], size, all_classes, findings)
        super().__init__(root, all_classes, records, findings, transforms, strict)


class _RefuseDoctype(ElementTree.TreeBuilder):
    def doctype(self, *declaration: str | None) -> None:
        raise ValueError("it has a document type declaration (DOCTYPE), which an annotation does not need")


def parse_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file that is well-formed and declares no entities; anything else is a ValueError naming it."""
    try:
        return ElementTree.parse(path, ElementTree.XMLParser(target=_RefuseDoctype())).getroot()
    except (ElementTree.ParseError, ValueError, LookupError, OSError) as error:
        raise ValueError(f"cannot use the annotation {path}: {error}") from error


def parse_all(annotations: dict[str, Path]) -> tuple[dict[str, ElementTree.Element], dict[str, str]]:
    """The roots of annotations by name, and what is wrong with those that have none."""
    trees: dict[str, ElementTree.Element] = {}
    broken: dict[str, str] = {}
    for name, path in annotations.items():
        try:
            trees[name] = parse_xml(path)
        except ValueError as error:
            broken[name] = "annotation refused, DOCTYPE" if "DOCTYPE" in str(error) else "annotation is not XML"
    return trees, broken


def choose_file(paths: list[Path], tree: ElementTree.Element) -> Path | None:
    """The only file, or of several the one that the annotation names; None if that leaves a doubt."""
    named = [path for path in paths if path.name == tree.findtext("filename", "").strip()]
    return paths[0] if len(paths) == 1 else named[0] if named else None


def annotated_size(tree: ElementTree.Element) -> tuple[int, int] | None:
    """The (width, height) an annotation gives for its image, where it gives one."""
    try:
        sides = [float(tree.findtext(f"size/{name}", "")) for name in ("width", "height")]
    except ValueError:
        return None
    # Some tools write 640.0.
    return (int(sides[0]), int(sides[1])) if all(side >= 1 and side.is_integer() for side in sides) else None


def object_name(item: ElementTree.Element) -> str:
    """The class of an annotated object; empty where it has none that could be written down."""
    try:
        return clean_name(item.findtext("name", ""))
    except ValueError:
        return ""


def add_objects(
    record: Record, tree: ElementTree.Element, size: tuple[int, int], classes: tuple[str, ...], findings: Findings
) -> None:
    """Append an annotation's usable objects to the record of its image, which has the given (width, height)."""
    where = record.path.stem
    for item in tree.findall("object"):
        name = object_name(item)
        if name in ("", "background"):
            findings.leave_out(f"boxes refused, {'the class is background' if name else 'no class name'}", where)
            continue
        if name not in classes:
            findings.note("boxes of other classes left out", name)
            continue
        try:
            corners = [float(item.findtext(f"bndbox/{key}", "")) for key in ("xmin", "ymin", "xmax", "ymax")]
        except ValueError:
            findings.leave_out("boxes refused, not four numbers", where)
            continue
        if ordered := order_corners(corners, findings, where):
            x0, y0, x1, y1 = ordered
            if box := clip_box((x0 - 1, y0 - 1, x1, y1), size, findings, where):
                record.add(box, classes.index(name), ignore=item.findtext("difficult", "0").strip() == "1")
