"""Which annotation of a VOC folder belongs to which image, where they do not go by one name."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from xml.etree.ElementTree import Element

from ..splits import split_of


def image_names(images: Collection[str], trees: Mapping[str, Element | None]) -> dict[str, str]:
    """For annotations without an image of their own name: the name of the image that is theirs, where no doubt is left.

    An image in the folder of the same name may differ in upper and lower case. One in another folder has the same file
    name, and either the annotation says so, or it is the only one and the two folders can be meant for each other.

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
        candidates = [image for image in by_file.get(_file(name), []) if not _of_another_split(name, image)]
        spelt = [image for image in candidates if image.casefold() == name.casefold()]
        said = [image for image in candidates if _says(trees[name], image)]
        only = [image for image in candidates if _can_be_meant(_folder(name), _folder(image), ours, theirs)]
        meant = spelt or said or (only if len(candidates) == 1 else [])
        if len(meant) == 1:
            claims[meant[0]].append(name)
    return {names[0]: image for image, names in claims.items() if len(names) == 1}


def _file(name: str) -> str:
    return name.rpartition("/")[2].casefold()


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _says(tree: Element | None, image: str) -> bool:
    """Whether an annotation names the folder of an image, in <path> or in <folder>."""
    folder = _folder(image).casefold()
    if tree is None or not folder:
        return False
    path, named = (tree.findtext(tag, "").strip().replace("\\", "/").casefold() for tag in ("path", "folder"))
    return f"/{path.rpartition('/')[0]}".endswith(f"/{folder}") or f"/{named}".endswith(f"/{folder}")


def _of_another_split(name: str, image: str) -> bool:
    """Whether the folders of an annotation and of an image speak of different splits."""
    folders = (_folder(each).rpartition("/")[2] for each in (name, image))
    return len({found[0] for folder in folders if (found := split_of(folder))}) > 1


def _can_be_meant(annotations: str, images: str, ours: Collection[str], theirs: Collection[str]) -> bool:
    """Whether the images of a folder may have their annotations in another one.

    They may where either all images or all annotations lie side by side, without folders; else where neither folder has one
    of its name on the other side, in which what is missing would be expected.

    Args:
        ours, theirs: the folders of all images, and of all annotations.
    """
    return {*ours} == {""} or {*theirs} == {""} or not (annotations in ours or images in theirs)
