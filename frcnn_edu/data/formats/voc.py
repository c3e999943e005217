"""Pascal VOC: an XML file of boxes for each image."""

import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

from ..findings import Findings
from ..names import IMAGE_SUFFIXES, clean_name, leaves_folder
from ..splits import LISTS, by_split, set_apart, split_of
from .annotated import Annotated, Item, Reading, around, names_of, whole_sides
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

BESIDE = "images and xml side by side"
LOOKED_AT = 10  # files that tell what the others are
_ROOT = re.compile(rb"<annotation[\s/>]")


def recognise(path: Path, images: Path | None = None) -> Layout | None:
    """A folder with images and XML files in it, together or in two folders; None if it is no such folder.

    Args:
        images: the folder of the images, where they are elsewhere.
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


def image_sets(root: Path) -> dict[str, Path]:
    """The image sets of a VOC folder by their names; empty where it has none.

    Where there is no folder for them, lists such as train.txt lie among the annotations, or beside their folder.
    """
    for folder in (root / "ImageSets" / "Main", root / "ImageSets"):
        if files := files_in(folder, ".txt"):
            return {file.stem: file for file in files}
    for folder in filter(None, (root, child(root, ANNOTATION_FOLDERS))):
        if files := [file for file in files_in(folder, ".txt") if file.stem.lower() in LISTS]:
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
    own = {path for folder in part.labels for path in all_files(folder, ".xml")}
    _match_folders(images, annotations)
    names = sorted(name for name in {*images, *annotations} if not own or annotations.get(name) in own)
    if part.listed is not None:
        names = read_image_set(part.listed, {*names}, findings)
    trees, broken = parse_all(annotations)
    whole = {
        name: _annotated(name, images.get(name, []), trees.get(name), broken.get(name)) for name in {*names, *trees}
    }
    return Reading([whole[name] for name in names], names_of(whole.values()))


def _match_folders(images: dict[str, list[Path]], annotations: dict[str, Path]) -> None:
    """Give images and annotations that are in folders of different names one name, that of the image."""
    alone: dict[str, list[str]] = {}
    for name in images.keys() - annotations.keys():
        alone.setdefault(name.rsplit("/", 1)[-1], []).append(name)
    for name in sorted(annotations.keys() - images.keys()):
        if len(found := alone.get(name.rsplit("/", 1)[-1], [])) == 1:
            annotations[found.pop()] = annotations.pop(name)


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
    return images


def annotations_by_name(folder: Path) -> dict[str, Path]:
    """The annotation files of a folder by the names they go by."""
    return {_key(path, folder): path for path in all_files(folder, ".xml")}


def _key(path: Path, folder: Path) -> str:
    """The path in the folder without the suffix; file systems differ in how they write an accent."""
    return unicodedata.normalize("NFC", path.relative_to(folder).with_suffix("").as_posix())


def read_image_set(file: Path, existing: set[str], findings: Findings) -> list[str]:
    """The names in an image set."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {file} as text: {error}") from error
    in_folders: dict[str, list[str]] = {}
    for name in existing:
        in_folders.setdefault(name.rsplit("/", 1)[-1], []).append(name)
    lines = [unicodedata.normalize("NFC", line.strip()) for line in text.splitlines()]
    return list(dict.fromkeys(_listed_name(line, existing, in_folders, findings) for line in lines if line))


def _listed_name(line: str, existing: set[str], in_folders: dict[str, list[str]], findings: Findings) -> str:
    """The name that a line of an image set means: VOC has it without suffix and folders.

    Args:
        in_folders: the existing names by their last part.
    """
    name = line
    # VOC's sets for one class have a second column of -1, 0 or 1, other lists more columns; a name may hold spaces.
    while name:
        if name in existing or leaves_folder(name):
            return name
        bare = _bare(name)
        meant = [bare] if bare in existing else in_folders.get(bare, [])
        if len(meant) == 1:
            findings.repair("names in image sets, without their suffix or in another folder", name)
            return meant[0]
        name, *column = re.split(r"\s+(?=-?\d+$)", name)
        if not column:
            break
    return line


def _bare(name: str) -> str:
    """A name without folders in front, and without the suffix of an image or annotation."""
    path = Path(name.replace("\\", "/"))
    return path.name.removesuffix(path.suffix) if path.suffix.lower() in (*IMAGE_SUFFIXES, ".xml") else path.name


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


def items_of(tree: ElementTree.Element) -> list[Item]:
    """The objects of an annotation, without those that LabelMe's web page marks as deleted."""
    kept = [item for item in tree.findall("object") if item.findtext("deleted", "0").strip() != "1"]
    return [_item(item) for item in kept]


def _item(item: ElementTree.Element) -> Item:
    corners = [item.findtext(f"bndbox/{key}", "") for key in ("xmin", "ymin", "xmax", "ymax")]
    ignore = item.findtext("difficult", "0").strip() == "1"
    try:
        name = clean_name(item.findtext("name", ""))
    except ValueError:
        name = ""
    if not name:
        return Item(name, corners, ignore, problem="boxes refused, no class name")
    if (outline := item.find("polygon")) is not None and item.find("bndbox") is None:
        try:
            return Item(name, _around(outline), ignore, remark="boxes made from outlines")
        except ValueError:
            return Item(name, problem="boxes refused, neither a box nor an outline")
    return Item(name, corners, ignore)


def _around(outline: ElementTree.Element) -> tuple[float, float, float, float]:
    """The box around <x1>, <y1>, <x2>, …, as Roboflow writes outlines, or around <pt><x>, <y> of LabelMe's web page."""
    points = [(pt.findtext("x", ""), pt.findtext("y", "")) for pt in outline.findall("pt")]
    if not points:
        numbers = {child.tag: child.text for child in outline}
        points = [
            (numbers[f"x{i}"] or "", numbers.get(f"y{i}") or "") for i in range(1, len(numbers)) if f"x{i}" in numbers
        ]
    return around(points)


VOC = Format("Pascal VOC", read)
