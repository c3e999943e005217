"""Which annotation of a VOC folder belongs to which image, if their names differ."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from xml.etree.ElementTree import Element

from ..names import folded
from .pairing import can_be_meant, of_another_split


def image_names(images: Collection[str], trees: Mapping[str, Element | None]) -> dict[str, str]:
    """For annotations without an image of their own name: the name of the image that is theirs, if it is clear.

    The name of an image in the folder of the same name may differ in case. An image in a different folder has the same
    file name, and either the annotation names that folder, or it is the only one and the folders can belong together.

    Args:
        images: names of images: paths in their folder, without suffix.
        trees: the annotations, by names of the same kind; None for one that cannot be read.
    """
    by_file: dict[str, list[str]] = defaultdict(list)  # images without an annotation of their name
    for image in sorted({*images} - trees.keys()):
        by_file[_file(image)].append(image)
    ours, theirs = {*map(_folder, images)}, {*map(_folder, trees)}
    claims: dict[str, list[str]] = defaultdict(list)
    for name in sorted(trees.keys() - {*images}):
        candidates = [
            image for image in by_file.get(_file(name), []) if not of_another_split(_folder(name), _folder(image))
        ]
        spelt = [image for image in candidates if folded(image) == folded(name)]
        said = [image for image in candidates if _says(trees[name], image)]
        only = [image for image in candidates if can_be_meant(_folder(name), _folder(image), theirs, ours)]
        meant = spelt or said or (only if len(candidates) == 1 else [])
        if len(meant) == 1:
            claims[meant[0]].append(name)
    return {names[0]: image for image, names in claims.items() if len(names) == 1}


def _file(name: str) -> str:
    return folded(name.rpartition("/")[2])


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _says(tree: Element | None, image: str) -> bool:
    """Whether an annotation names the folder of an image, in <path> or in <folder>."""
    folder = folded(_folder(image))
    if tree is None or not folder:
        return False
    path, named = (folded(tree.findtext(tag, "").strip().replace("\\", "/")) for tag in ("path", "folder"))
    return f"/{path.rpartition('/')[0]}".endswith(f"/{folder}") or f"/{named}".endswith(f"/{folder}")
