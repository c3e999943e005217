"""What formats with a text file for each image and a line for each object have in common: KITTI, DOTA, VisDrone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..findings import Findings
from ..splits import set_apart, split_of_path
from .annotated import Annotated, Item, Reading, names_of, without_annotation
from .finder import ImageFinder
from .folders import IMAGE_FOLDERS, all_images, child, files_in, folders_in, images_in
from .layout import Format, Layout, Part, arranged, divided, listing
from .texts import read_lines

FIRST = 50  # files that are looked at: the first ones may be empty
REGION = Item("")  # which may have objects that are not annotated


@dataclass(frozen=True)
class TextLabels:
    """What distinguishes such formats.

    Attributes:
        folders: names of the folder of the text files, in lower case.
        images: names of the folder of the images, in lower case, besides the usual ones.
        is_object: a function that decides by a line's look whether it is an object.
        item: a function that returns the object of a line; `REGION`, or None for a line such as a heading.
    """

    folders: tuple[str, ...]
    images: tuple[str, ...]
    is_object: Callable[[str], bool]
    item: Callable[[str], Item | None]

    def recognise(self, path: Path, format: Format) -> Layout | None:
        """A folder with text files of this kind beside images or in a folder of their own, or in folders for the
        splits in that; otherwise None."""
        if not path.is_dir():
            return None
        for folder in filter(None, (child(path, self.folders), path)):
            beside = folder == path and path.absolute().name.lower() not in self.folders
            if self._has_objects(folder) and (not beside or images_in(folder)):
                how = "images and text files side by side" if beside else f"text files in {folder.absolute().name}/"
                return divided(path, format, how, Part(folder))
        labels = child(path, self.folders)
        inside = folders_in(labels) if labels is not None else []
        splits, aside = set_apart(folder for folder in inside if self._has_objects(folder))
        if not splits:
            return None
        parts = {split: Part(folder) for split, folder in splits.items()}
        names = listing(f"{folder.name}/" for folder in splits.values())
        how = f"text files in {inside[0].parent.name}/"
        return arranged(path, format, how, parts, f"the folders {names}", aside=aside)

    def _has_objects(self, folder: Path) -> bool:
        """Whether the first line of an object in one of the first text files of a folder looks like this format's."""
        for file in files_in(folder, ".txt")[:FIRST]:
            try:
                if any(self.is_object(line) for line in read_lines(file)[:5]):
                    return True
            except ValueError:
                continue
        return False

    def read(self, part: Part, findings: Findings) -> Reading:
        """One image for each text file of a folder, and the images that have none."""
        home, likely = self._places(part)
        files = files_in(part.annotations, ".txt")
        images = [self._annotated(file, findings) for file in files]
        named = [file.stem for file in files]  # a of a.txt, or a.jpg of a.jpg.txt
        finder = ImageFinder(home, likely, split_of_path(part.annotations))
        paths = all_images(likely[0] if likely else home)
        images += without_annotation((path for path in paths if not finder.may_be_of_another_split(path)), named)
        return Reading(images, names_of(images), finder)

    def _annotated(self, file: Path, findings: Findings) -> Annotated:
        image = Annotated(file.stem, where=file.name)
        try:
            items = [item for line in read_lines(file) if (item := self.item(line)) is not None]
        except ValueError:
            image.problem = "images left out, labels are not text"
            return image
        image.items = [item for item in items if item is not REGION]
        if regions := len(items) - len(image.items):
            findings.note("regions to be ignored, without a class: left out", file.name, regions)
        return image

    def _places(self, part: Part) -> tuple[Path, list[Path]]:
        """The folder to search for the images of a folder of text files, and where they are first looked for."""
        folder = part.annotations.absolute()
        if part.images is not None:
            return part.images, []
        if folder.name.lower() in self.folders:
            home, split = folder.parent, "."
        elif folder.parent.name.lower() in self.folders:
            home, split = folder.parent.parent, folder.name
        else:
            return folder, []
        usual = [found for name in (*self.images, *IMAGE_FOLDERS) if (found := child(home, (name,))) is not None]
        return home, [found / split for found in usual if (found / split).is_dir()]
