"""Pascal VOC: an XML file of boxes for each image."""

import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

from ..findings import Findings
from ..names import IMAGE_SUFFIXES, leaves_folder, without_heic
from ..splits import by_split, split_of
from .annotated import Annotated, Reading, names_of, whole_sides
from .folders import ANNOTATION_FOLDERS, IMAGE_FOLDERS, all_files, all_images, child, files_in, folders_in, images_in
from .layout import Format, Layout, Part, arranged, divided, listing
from .texts import text_of
from .voc_matching import image_names
from .voc_objects import items_of

LOOKED_AT = 10  # files that tell what the others are
_ROOT = re.compile(rb"<annotation[\s/>]")


def recognise(path: Path) -> Layout | None:
    """A folder with images and XML files in it, together or in two folders; None if it is no such folder."""
    if not path.is_dir():
        return None
    if images_in(path) and has_annotations(path, below=False):
        return divided(path, VOC, "images and xml side by side", Part(path, path))
    annotations, images = child(path, ANNOTATION_FOLDERS), child(path, IMAGE_FOLDERS)
    if annotations is None or images is None:
        return None
    empty = images.name.lower() == "jpegimages" and not all_files(annotations)
    if not (empty or has_annotations(annotations)):
        return None
    how = f"{images.name}/ and {annotations.name}/"
    sets = image_sets(path)
    if named := {split: Part(annotations, images, file) for split, file in splits_of(sets).items()}:
        by = listing(named[split].listed.stem for split in named)  # type: ignore[union-attr]  # each has its list
        return arranged(path, VOC, how, named, f"the image sets {by}")
    if folders := _mirrored(images, annotations):
        return arranged(path, VOC, how, folders, f"folders in {images.name}/ and {annotations.name}/")
    return divided(path, VOC, how, Part(annotations, images, sets.get("default")))


def has_annotations(folder: Path, below: bool = True) -> bool:
    """Whether one of the first XML files in a folder is VOC's; of those in the folders in it, if there are none."""
    files = files_in(folder, ".xml") or (all_files(folder, ".xml") if below else [])
    return any(is_annotation(file) for file in files[:LOOKED_AT])


def is_annotation(file: Path) -> bool:
    """Whether an XML file begins as VOC's do; also one that is damaged, in whose place one was expected."""
    try:
        with open(file, "rb") as content:
            head = content.read(4000).replace(b"\0", b"")  # UTF-16
    except OSError:
        return False
    return bool(_ROOT.search(head)) or not re.search(rb"<[a-zA-Z]", head)


def _mirrored(images: Path, annotations: Path) -> dict[str, Part]:
    """Splits as folders in both: images/train and annotations/train."""
    ours, theirs = ({path.name: path for path in folders_in(folder)} for folder in (images, annotations))
    groups = by_split([ours[name] for name in ours if name in theirs])
    return {split: Part(theirs[path.name], path) for found in groups.values() for split, path in found.items()}


def image_sets(root: Path) -> dict[str, Path]:
    """The image sets of a VOC folder by their names; empty where it has none."""
    for folder in (root / "ImageSets" / "Main", root / "ImageSets"):
        if files := files_in(folder, ".txt"):
            return {file.stem: file for file in files}
    return {}


def splits_of(sets: dict[str, Path]) -> dict[str, Path]:
    """Those of the image sets that are splits: "valid", but not "dog_val", which is for one class."""
    whole = [file for name, file in sets.items() if (found := split_of(name)) and found[1] == "*"]
    return by_split(whole, name=lambda file: file.stem).get("*", {})


def part_of(root: Path, image_set: str) -> Part:
    """The part that an image set of a VOC folder is; without image sets, "train" or "val" of a divided one.

    Raises:
        ValueError: it is no VOC folder, or has no such image set.
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
    trees = {theirs.get(name, name): tree for name, tree in trees.items()}
    broken = {theirs.get(name, name): reason for name, reason in broken.items()}
    names = sorted({*images, *trees, *broken})
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
        return Annotated(name, path=paths[0], problem=f"images left out, {broken or 'no annotation'}", where=where)
    path = choose_file(paths, tree)
    size = whole_sides(tree.findtext("size/width"), tree.findtext("size/height"))
    problem = "" if path else "images left out, several files of one name"
    return Annotated(name, items_of(tree), path, size, from_one=True, problem=problem, where=Path(name).name)


def images_by_name(folder: Path) -> dict[str, list[Path]]:
    """The image files of a folder by the names they go by; there are several where only the suffixes differ."""
    images: dict[str, list[Path]] = {}
    for path in all_images(folder):
        images.setdefault(_key(path, folder), []).append(path)
    return {name: without_heic(paths) for name, paths in images.items()}


def annotations_by_name(folder: Path) -> dict[str, Path]:
    """The annotation files of a folder by the names they go by."""
    return {_key(path, folder): path for path in all_files(folder, ".xml")}


def _key(path: Path, folder: Path) -> str:
    """The path in the folder without the suffix; file systems differ in how they write an accent."""
    return unicodedata.normalize("NFC", path.relative_to(folder).with_suffix("").as_posix())


def read_image_set(file: Path, existing: set[str], findings: Findings) -> list[str]:
    """The names in an image set."""
    lines = [unicodedata.normalize("NFC", line.strip()) for line in text_of(file).splitlines()]
    spelt: dict[str, str | None] = {}  # by the name in lower case; None for two that differ in nothing else
    for name in existing:
        spelt[name.casefold()] = None if name.casefold() in spelt else name
    return list(dict.fromkeys(_listed_name(line, existing, spelt, findings) for line in lines if line))


def _listed_name(line: str, existing: set[str], spelt: dict[str, str | None], findings: Findings) -> str:
    """The name that a line of an image set means: VOC has it without suffix and folders."""
    # VOC's sets for one class have a second column of -1, 0 or 1; a name may itself hold spaces.
    name = line if line in existing else re.sub(r"\s+-?[01]$", "", line)
    if name in existing or leaves_folder(name):
        return name
    path = Path(name.replace("\\", "/"))
    bare = path.name.removesuffix(path.suffix) if path.suffix.lower() in (*IMAGE_SUFFIXES, ".xml") else path.name
    if bare in existing:
        findings.repair("names in image sets, without their suffix or folder", name)
        return bare
    return spelt.get(bare.casefold()) or name


class _RefuseDoctype(ElementTree.TreeBuilder):
    def doctype(self, *declaration: str | None) -> None:
        raise ValueError("it has a document type declaration (DOCTYPE), which an annotation does not need")


def parse_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file that is well-formed and declares no entities; anything else is a ValueError naming it.

    The text is decoded as the file declares it, also with encodings that Python's XML parser does not know, such as
    gb2312 and Shift_JIS.
    """
    try:
        content = path.read_bytes()
        parser = ElementTree.XMLParser(target=_RefuseDoctype())
        parser.feed(_decoded(content))
        return parser.close()
    except (ElementTree.ParseError, ValueError, LookupError, OSError) as error:
        raise ValueError(f"cannot use the annotation {path}: {error}") from error


_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_EXPAT_KNOWS = ("utf-8", "utf-16", "iso-8859-1", "us-ascii")


def _decoded(content: bytes) -> str | bytes:
    declared = _DECLARED.match(content)
    encoding = declared[1].decode("ascii") if declared else ""
    # Chinese Windows calls GBK by the name of the standard that GBK extends.
    encoding = "gb18030" if encoding.lower() in ("gb2312", "gbk") else encoding
    return content.decode(encoding) if encoding and encoding.lower() not in _EXPAT_KNOWS else content


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


VOC = Format("Pascal VOC", read)
