"""Seven mistakes that folders of photographs really have, made on purpose in a folder of `coins.write_photographs`."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

ORIENTATION = 0x0112  # the EXIF field that says which way up a photograph is to be shown
A_QUARTER_TURN = 6


def spoil(folder: str | Path) -> dict[str, str]:
    """Spoil seven of the training images, or their annotations: the file that was changed → what was done to it."""
    photographs = Path(folder)
    return dict(make(photographs, number) for number, make in MISTAKES.items())


def swap_corners(folder: Path, number: int) -> tuple[str, str]:
    """The first box begins at its lower right corner."""
    path, tree, boxes = _annotation(folder, number)
    for first, last in (("xmin", "xmax"), ("ymin", "ymax")):
        boxes[0][first].text, boxes[0][last].text = boxes[0][last].text, boxes[0][first].text
    tree.write(path)
    return path.name, "the corners of a box in the wrong order"


def overhang(folder: Path, number: int) -> tuple[str, str]:
    """The rightmost box ends 9 pixels beyond the image's right edge."""
    path, tree, boxes = _annotation(folder, number)
    rightmost = max(boxes, key=lambda box: float(box["xmax"].text or 0))
    rightmost["xmax"].text = str(int(tree.findtext("size/width") or 0) + 9)
    tree.write(path)
    return path.name, "a box that overhangs the image"


def flatten(folder: Path, number: int) -> tuple[str, str]:
    """The first box goes from 0 to 0. VOC's first pixel is 1, so there is nothing in it."""
    path, tree, boxes = _annotation(folder, number)
    boxes[0]["xmin"].text = boxes[0]["xmax"].text = "0"
    tree.write(path)
    return path.name, "a box without area"


def truncate(folder: Path, number: int) -> tuple[str, str]:
    """Half of an image's bytes."""
    path = folder / "JPEGImages" / f"{number:06d}.jpg"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path.name, "a photograph that was only half copied"


def declare_entity(folder: Path, number: int) -> tuple[str, str]:
    """A declaration that lets XML files grow while they are read."""
    path = _xml(folder, number)
    path.write_text("<!DOCTYPE a [<!ENTITY b 'b'>]>" + path.read_text(encoding="utf-8"), encoding="utf-8")
    return path.name, "an annotation that declares an entity"


def remove_annotation(folder: Path, number: int) -> tuple[str, str]:
    """An image without its XML file."""
    path = _xml(folder, number)
    path.unlink()
    return path.name, "an annotation that is missing"


def hold_sideways(folder: Path, number: int) -> tuple[str, str]:
    """An image stored as the sensor of a turned camera stores it, with the note that says so."""
    path = folder / "JPEGImages" / f"{number:06d}.jpg"
    exif = Image.Exif()
    exif[ORIENTATION] = A_QUARTER_TURN
    with Image.open(path) as upright:
        turned = upright.rotate(90, expand=True)
    turned.save(path, exif=exif, quality=95)
    return path.name, "a camera that was held sideways"


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
    """An annotation's file, what is in it, and the corners of each of its boxes by name."""
    path = _xml(folder, number)
    tree = ElementTree.parse(path)
    return path, tree, [{side.tag: side for side in box} for box in tree.iter("bndbox")]
