"""The layout of a data set on disk: its format, its parts, and the split of each part."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..findings import Findings
from ..names import counted
from ..splits import SPLITS, set_apart, split_of_path
from .annotated import Reading
from .finder import home_of, likely_folders
from .folders import all_images, folders_in, holds_images, images_in

ALL = "all"  # instead of a split: everything that was named, undivided


@dataclass(frozen=True)
class Part:
    """Annotations and images that belong together.

    Attributes:
        annotations: a file, or a folder with a file for each image.
        images: the folder of their images; None if they are to be looked for around the annotations.
        listed: a text file with the names of the images that belong to it; None if all do.
        subset: the name of this part in a file that holds several; None for all of the file.
        share: "train" or "val": four fifths or one fifth of the images.
        within: a folder: only the images in it belong to the part.
        labels: folders with a file for each image, if the images are elsewhere, perhaps among those of other parts.
    """

    annotations: Path
    images: Path | None = None
    listed: Path | None = None
    subset: str | None = None
    share: str | None = None
    within: Path | None = None
    labels: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Format:
    """An annotation format.

    Attributes:
        name: its usual name.
        read: a function that returns the annotations of a part, unchecked. What is wrong with a file as a whole goes
            into the findings. Raises ValueError if the part cannot be used.
    """

    name: str
    read: Callable[[Part, Findings], Reading]


@dataclass(frozen=True)
class Layout:
    """A recognised data set.

    Attributes:
        path: the path that the user named.
        format: the format whose `read` reads its parts.
        how: the arrangement in a few words, such as "images and xml side by side".
        splits: the part for each split there is.
        whole: everything that was named, as one part; None if there are several.
        by: what defines the splits, such as "the folders train/ and test/"; empty if nothing does.
        aside: what is beside the splits but is none of them, such as "extra/".
    """

    path: Path
    format: Format
    how: str
    splits: dict[str, Part] = field(default_factory=dict)
    whole: Part | None = None
    by: str = ""
    aside: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Format and arrangement: "Pascal VOC, images and xml side by side"."""
        return f"{self.format.name}, {self.how}"

    def in_words(self, images: int, classes: int, of: Iterable[str] = (), also: Iterable[str] = ()) -> str:
        """One line for people.

        Args:
            images: the number of images.
            classes: the number of classes without the background.
            of: the splits whose images these are, if not all are counted.
            also: what else is there but not read.
        """
        where = f" in {listing(of)}" if of else ""
        counts = [f"{counted(images, 'image')}{where}", counted(classes, "class")]
        divided = f"{'no splits: ' if self.shares else 'split by '}{self.by}"
        line = f"{self.title}: {', '.join(counts)}, {divided if self.by else 'one split'}"
        line += f"; in no split: {listing(self.aside)}" if self.aside else ""
        return line + (f"; also there, not read: {listing(also)}" if also else "")

    @property
    def shares(self) -> bool:
        """Whether the splits are made here, by counting."""
        return any(part.share is not None for part in self.splits.values())

    @property
    def _is_heap(self) -> bool:
        """Whether the annotations define no splits."""
        return self.shares or any(part.within is not None for part in self.splits.values())

    def part(self, split: str) -> Part:
        """The part of a split; for "all", everything that was named.

        Raises:
            ValueError: there is no such split; the message lists the existing ones.
        """
        part = self.whole if split == ALL else self.splits.get(split)
        if part is None:
            raise ValueError(
                f"{self.path} has no split {split!r}; it has {', '.join(self.splits) or 'none'} ({self.title})"
            )
        return part

    def with_images(self, folder: Path) -> "Layout":
        """The same, with its images in a different folder: there in one folder per split, or all together."""
        if self.whole is not None and self._is_heap:
            return divided(self.path, self.format, self.how, replace(self.whole, images=folder))
        folders, _ = _split_folders(folder)
        apart = {*self.splits} <= {*folders} and not any(part.labels or part.listed for part in self.splits.values())
        splits = {name: replace(part, images=folders[name] if apart else folder) for name, part in self.splits.items()}
        return replace(self, splits=splits, whole=self.whole and replace(self.whole, images=folder))


def divided(path: Path, format: Format, how: str, whole: Part) -> Layout:
    """A data set whose annotations define no splits, divided by the names of its image folders.

    If those define none either, four fifths of the images are for "train", one fifth for "val".
    """
    for place in [] if split_of_path(whole.annotations) else _image_places(whole):
        folders, aside = _split_folders(place)
        stray = len(images_in(place))  # such as a preview
        if "train" in folders and len(folders) > 1 and 10 * stray <= sum(map(len, map(all_images, folders.values()))):
            parts = {split: replace(whole, within=folder) for split, folder in folders.items()}
            names = listing(f"{folder.name}/" for folder in folders.values())
            return arranged(path, format, how, parts, f"the folders {names} of the images", whole, aside)
    shares = {share: replace(whole, share=share) for share in ("train", "val")}
    return Layout(path, format, how, shares, whole, "every fifth image is for val")


def _image_places(whole: Part) -> list[Path]:
    """Where folders for the splits may be: the usual places of images, and the only other folder with images."""
    if whole.images is not None:
        return [whole.images]
    annotations = whole.annotations / "any" if whole.annotations.is_dir() else whole.annotations
    places = likely_folders(annotations)
    others = [folder for folder in folders_in(home_of(annotations)) if folder not in places and holds_images(folder)]
    return places + others if len(others) == 1 else places


def _split_folders(place: Path) -> tuple[dict[str, Path], list[Path]]:
    try:
        return set_apart(folder for folder in folders_in(place) if holds_images(folder))
    except ValueError:  # train_1 and train_2: the annotations do not need them
        return {}, []


def arranged(
    path: Path,
    format: Format,
    how: str,
    splits: dict[str, Part],
    by: str,
    whole: Part | None = None,
    aside: Iterable[Path] = (),
) -> Layout:
    """A data set with splits; one that has "train" and nothing else is divided."""
    left = tuple(f"{each.name}/" if each.is_dir() else each.name for each in aside)
    if set(splits) == {"train"}:
        return replace(divided(path, format, how, splits["train"]), aside=left)
    ordered = {split: splits[split] for split in SPLITS if split in splits}
    if whole is None and len(ordered) == 1:
        (whole,) = ordered.values()
    return Layout(path, format, how, ordered, whole, by, left)


def listing(names: Iterable[str]) -> str:
    """ "train/, valid/ and test/" """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
