"""Write any data set as a Pascal VOC folder, which other programs can read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from PIL import Image
from torch import Tensor


def write_voc(data: Any, root: str | Path, image_set: str, indices: Iterable[int]) -> list[str]:
    """Write some items of a data set as JPEG files with annotations, and their names as an image set.

    Args:
        data: a data set with items (image (3, H, W) in 0–1, target) and `classes`.
        root: output folder; created if necessary.
        image_set: name of the image set, such as "train".
        indices: indices of the items, which become the file names.

    Returns:
        The names, as in ImageSets/Main.

    Raises:
        FileExistsError: one of the files already exists.
    """
    root, names = Path(root), []
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for index in indices:
        image, target = data[index]
        names.append(f"{index:06d}")
        pixels = (255 * image).round().byte().permute(1, 2, 0).numpy()  # (H, W, 3)
        with open(root / "JPEGImages" / f"{names[-1]}.jpg", "xb") as file:
            Image.fromarray(pixels).save(file, format="jpeg", quality=95)
        with open(root / "Annotations" / f"{names[-1]}.xml", "xb") as file:
            ElementTree.ElementTree(annotation(names[-1], image, target, data.classes)).write(file, encoding="utf-8")
    with open(root / "ImageSets" / "Main" / f"{image_set}.txt", "x", encoding="utf-8") as file:
        file.writelines(f"{name}\n" for name in names)
    return names


def annotation(name: str, image: Tensor, target: dict[str, Any], classes: tuple[str, ...]) -> ElementTree.Element:
    """The XML of one image. VOC counts pixels from 1, and xmax is the last one inside."""
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = f"{name}.jpg"
    size = ElementTree.SubElement(root, "size")
    for key, value in zip(("width", "height", "depth"), (image.shape[2], image.shape[1], 3)):
        ElementTree.SubElement(size, key).text = str(value)
    for box, label, ignore in zip(target["boxes"].tolist(), target["labels"].tolist(), target["iscrowd"].tolist()):
        item = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(item, "name").text = classes[label]
        ElementTree.SubElement(item, "difficult").text = str(ignore)
        corners = ElementTree.SubElement(item, "bndbox")
        for key, value in zip(("xmin", "ymin", "xmax", "ymax"), (box[0] + 1, box[1] + 1, box[2], box[3])):
            ElementTree.SubElement(corners, key).text = f"{value:g}"
    ElementTree.indent(root)
    return root
