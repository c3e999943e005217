"""Seven mistakes that are common in folders of photographs, made on purpose in a folder that `coins.write_photographs` wrote."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

ORIENTATION = 0x0112  # the EXIF tag that says which way up to show a photograph
A_QUARTER_TURN = 6


def spoil(folder: str | Path) -> dict[str, str]:
    """Damage seven of the training images or their annotations, and return for each changed file what was done to it."""
    photographs = Path(folder)
    return dict(make(photographs, number) for number, make in MISTAKES.items())


def swap_corners(folder: Path, number: int) -> tuple[str, str]:
    """Let the first box begin at its lower right corner."""
    path, tree, boxes = _annotation(folder, number)
    for first, last in (("xmin", "xmax"), ("ymin", "ymax")):
        boxes[0][first].text, boxes[0][last].text = boxes[0][last].text, boxes[0][first].text
    tree.write(path)
    return path.name, "swapped corners of a box"


def overhang(folder: Path, number: int) -> tuple[str, str]:
    """Let the rightmost box end 9 pixels beyond the image's right edge."""
    path, tree, boxes = _annotation(folder, number)
    rightmost = max(boxes, key=lambda box: float(box["xmax"].text or 0))
    rightmost["xmax"].text = str(int(tree.findtext("size/width") or 0) + 9)
    tree.write(path)
    return path.name, "a box that overhangs the image"


def flatten(folder: Path, number: int) -> tuple[str, str]:
    """Let the first box go from 0 to 0. VOC's first pixel is 1, so the box contains nothing."""
    path, tree, boxes = _annotation(folder, number)
    boxes[0]["xmin"].text = boxes[0]["xmax"].text = "0"
    tree.write(path)
    return path.name, "a box without area"


def truncate(folder: Path, number: int) -> tuple[str, str]:
    """Keep only half of an image's bytes."""
    path = folder / "JPEGImages" / f"{number:06d}.jpg"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path.name, "a photograph of which only half was copied"


def declare_entity(folder: Path, number: int) -> tuple[str, str]:
    """Declare an entity, which lets XML files grow while they are read."""
    path = _xml(folder, number)
    path.write_text("<!DOCTYPE a [<!ENTITY b 'b'>]>" + path.read_text(encoding="utf-8"), encoding="utf-8")
    return path.name, "an annotation that declares an entity"


def remove_annotation(folder: Path, number: int) -> tuple[str, str]:
    """Leave an image without its XML file."""
    path = _xml(folder, number)
    path.unlink()
    return path.name, "a missing annotation"


def hold_sideways(folder: Path, number: int) -> tuple[str, str]:
    """Store an image as a turned camera does, with the tag that says so."""
    path = folder / "JPEGImages" / f"{number:06d}.jpg"
    exif = Image.Exif()
    exif[ORIENTATION] = A_QUARTER_TURN
    with Image.open(path) as upright:
        turned = upright.rotate(90, expand=True)
    turned.save(path, exif=exif, quality=95)
    return path.name, "a photograph taken with the camera held sideways"


MISTAKES: dict[int, Callable[[Path, int], tuple[str, str]]] = {
    3: swap_corners,
    5: overhang,
    6: flatten,
    8: truncate,
    9: declare_entity,
    10: remove_annotation,
    11: hold_sideways,
}


def _xml(folder: Path, number: int) -> Path:
    return folder / "Annotations" / f"{number:06d}.xml"


def _annotation(
    folder: Path, number: int
) -> "tuple[Path, ElementTree.ElementTree[ElementTree.Element], list[dict[str, ElementTree.Element]]]":
    """An annotation's file, its contents, and the corners of each of its boxes by name."""
    path = _xml(folder, number)
    tree = ElementTree.parse(path)
    return path, tree, [{side.tag: side for side in box} for box in tree.iter("bndbox")]
