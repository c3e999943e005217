"""Pascal VOC: an XML file of boxes for each image."""

import re
from pathlib import Path
from xml.etree import ElementTree

from ..findings import Findings
from ..names import composed, without_heic
from ..splits import set_apart
from .annotated import NO_ANNOTATION, Annotated, Reading, names_of, whole_sides
from .folders import (
    ANNOTATION_FOLDERS,
    IMAGE_FOLDERS,
    all_files,
    all_images,
    child,
    files_in,
    folders_in,
    holds,
    holds_images,
    images_in,
)
from .layout import Format, Layout, Part, arranged, divided, listing
from .voc_matching import image_names
from .voc_objects import items_of
from .voc_sets import image_sets, read_image_set, splits_of
from .xml_files import parse_xml

BESIDE = "images and xml side by side"
LOOKED_AT = 10  # files that are checked, in place of all
_ROOT = re.compile(rb"<annotation[\s/>]")


def recognise(path: Path, images: Path | None = None) -> Layout | None:
    """A folder with images and XML files in it, together or in two folders; None if it is not such a folder.

    Args:
        images: the folder of the images, if they are elsewhere.
    """
    if not path.is_dir():
        return None
    annotations, own = child(path, ANNOTATION_FOLDERS), child(path, IMAGE_FOLDERS)
    if has_annotations(path, below=False):
        if images is None and (images_in(path) or (own is None and holds_images(path))):
            return divided(path, VOC, BESIDE, Part(path, path))
        annotations = annotations if images is None else path
    if annotations is None or (images or own) is None:
        return None
    if images is not None:
        return _without_images(path, annotations, images) if has_annotations(annotations) else None
    assert own is not None
    empty = own.name.lower() == "jpegimages" and not holds(annotations)
    return _in_two_folders(path, annotations, own) if empty or has_annotations(annotations) else None


def _in_two_folders(path: Path, annotations: Path, images: Path) -> Layout:
    names = f"{images.name}/ and {annotations.name}/"
    if sets := _by_image_sets(path, names, annotations, images):
        return sets
    ours = {folder.name.lower(): folder for folder in folders_in(images)}
    theirs = {folder.name.lower(): folder for folder in folders_in(annotations)}
    folders, aside = set_apart(ours[name] for name in ours if name in theirs)
    if folders:  # images/train and annotations/train
        parts = {split: Part(theirs[folder.name.lower()], folder) for split, folder in folders.items()}
        return arranged(path, VOC, names, parts, f"folders in {names}", aside=aside)
    return divided(path, VOC, names, Part(annotations, images, image_sets(path).get("default")))


def _without_images(path: Path, annotations: Path, images: Path) -> Layout:
    how = "xml files, images elsewhere"
    if sets := _by_image_sets(path, how, annotations, images):
        return sets
    folders, aside = set_apart(folders_in(annotations))
    if folders:
        parts = {split: Part(annotations, images, labels=(folder,)) for split, folder in folders.items()}
        return arranged(path, VOC, how, parts, f"folders in {annotations.name}/", aside=aside)
    return divided(path, VOC, how, Part(annotations, images, image_sets(path).get("default")))


def _by_image_sets(path: Path, how: str, annotations: Path, images: Path) -> Layout | None:
    sets = splits_of(image_sets(path))
    parts = {split: Part(annotations, images, file) for split, file in sets.items()}
    by = listing(file.stem for file in sets.values()) if sets else ""
    return arranged(path, VOC, how, parts, f"the image sets {by}") if sets else None


def has_annotations(folder: Path, below: bool = True) -> bool:
    """Whether one of the first XML files in a folder is VOC's; if it has none, of those in the folders in it."""
    files = files_in(folder, ".xml") or (all_files(folder, ".xml") if below else [])
    return any(is_annotation(file) for file in files[:LOOKED_AT])


def is_annotation(file: Path) -> bool:
    """Whether an XML file begins like VOC's; also true for a damaged file in place of one."""
    try:
        with open(file, "rb") as content:
            head = content.read(4000).replace(b"\0", b"")  # UTF-16
    except OSError:
        return False
    return bool(_ROOT.search(head)) or not re.search(rb"<[a-zA-Z]", head)


def part_of(root: Path, image_set: str) -> Part:
    """The part of a VOC folder that an image set lists; without image sets, "train" or "val" of a divided folder.

    Raises:
        ValueError: it is not a VOC folder, or has no such image set.
    """
    annotations, images = child(root, ANNOTATION_FOLDERS), child(root, IMAGE_FOLDERS)
    if annotations is None or images is None:
        layout = recognise(root)
        if layout is None:
            lacking = "Annotations" if annotations is None else "JPEGImages"
            raise ValueError(f"{root} is not a Pascal VOC folder: it has no folder {lacking}")
        return layout.part(image_set)
    sets = image_sets(root)
    if image_set in sets:
        return Part(annotations, images, sets[image_set])
    splits = splits_of(sets)
    if image_set in splits:
        return Part(annotations, images, splits[image_set])
    if sets and set(sets) != {"default"}:
        raise ValueError(f"{root} has no image set {image_set!r}; it has {', '.join(sets)}")
    layout = recognise(root) or divided(root, VOC, "", Part(annotations, images))
    return layout.part(image_set)


def read(part: Part, findings: Findings) -> Reading:
    """The images of a part; its classes are those of all annotations there, whichever image set they are in."""
    assert part.images is not None  # VOC's annotations do not say where images are: `recognise` does
    images, annotations = images_by_name(part.images), annotations_by_name(part.annotations)
    trees, broken = parse_all(annotations)
    theirs = image_names(images, {name: trees.get(name) for name in annotations})
    folders = {name.rpartition("/")[0] for name in annotations}
    for name, image in theirs.items():
        inside, around = name.rpartition("/")[0], image.rpartition("/")[0]
        if inside and inside.casefold() != around.casefold() and (around or around in folders):
            findings.repair("annotations in a different folder than their image", image)
    trees = {theirs.get(name, name): tree for name, tree in trees.items()}
    broken = {theirs.get(name, name): why for name, why in broken.items()}
    own = {path for folder in part.labels for path in all_files(folder, ".xml")}
    names = sorted(
        {theirs.get(name, name) for name, path in annotations.items() if path in own} or {*images, *trees, *broken}
    )
    if part.listed is not None:
        names = read_image_set(part.listed, {*names}, findings)
    whole = {
        name: _annotated(name, images.get(name, []), trees.get(name), broken.get(name)) for name in {*names, *trees}
    }
    return Reading([whole[name] for name in names], names_of(whole.values()))


def _annotated(name: str, paths: list[Path], tree: ElementTree.Element | None, broken: str | None) -> Annotated:
    if not paths:
        return Annotated(name, problem="images left out, no file", items=[] if tree is None else items_of(tree))
    if tree is None:
        where = f"{Path(name).name}.xml" if broken else name
        return Annotated(name, path=paths[0], problem=broken or NO_ANNOTATION, where=where)
    path = choose_file(paths, tree)
    size = whole_sides(tree.findtext("size/width"), tree.findtext("size/height"))
    problem = "" if path else "images left out, several files of one name"
    return Annotated(name, items_of(tree), path, size, from_one=True, problem=problem, where=Path(name).name)


def images_by_name(folder: Path) -> dict[str, list[Path]]:
    """The image files of a folder by their names; there are several if only the suffixes differ."""
    images: dict[str, list[Path]] = {}
    for path in all_images(folder):
        images.setdefault(_key(path, folder), []).append(path)
    return {name: without_heic(paths) for name, paths in images.items()}


def annotations_by_name(folder: Path) -> dict[str, Path]:
    """The annotation files of a folder by their names."""
    return {_key(path, folder): path for path in all_files(folder, ".xml")}


def _key(path: Path, folder: Path) -> str:
    """The path in the folder without the suffix; file systems differ in how they write an accent."""
    return composed(path.relative_to(folder).with_suffix("").as_posix())


def parse_all(annotations: dict[str, Path]) -> tuple[dict[str, ElementTree.Element], dict[str, str]]:
    """The roots of annotations by name, and what is wrong with those that have none."""
    trees: dict[str, ElementTree.Element] = {}
    broken: dict[str, str] = {}
    for name, path in annotations.items():
        try:
            trees[name] = parse_xml(path)
        except ValueError as error:
            broken[name] = (
                "images left out, annotation refused, DOCTYPE"
                if "DOCTYPE" in str(error)
                else "images left out, annotation is not XML"
            )
    return trees, broken


def choose_file(paths: list[Path], tree: ElementTree.Element) -> Path | None:
    """The only file, or of several the one that the annotation names; None if that is not clear."""
    named = [path for path in paths if path.name == tree.findtext("filename", "").strip()]
    return paths[0] if len(paths) == 1 else named[0] if named else None


VOC = Format("Pascal VOC", read)
