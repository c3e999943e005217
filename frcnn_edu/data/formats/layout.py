"""How a data set lies on the disk: its format, the parts it consists of, and which split each part is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..findings import Findings
from ..splits import SPLITS
from .annotated import Reading

ALL = "all"  # in the place of a split: everything that was named, undivided


@dataclass(frozen=True)
class Part:
    """Annotations and images that belong together.

    Attributes:
        annotations: a file, or the folder of a file for each image.
        images: the folder their images are in; None: to be looked for around the annotations.
        listed: a text file with the names of the images that belong to it; None: all of them do.
        subset: the name under which one file holds this part beside others; None: all of it.
        share: "train" or "val": four fifths or one fifth of the images.
    """

    annotations: Path
    images: Path | None = None
    listed: Path | None = None
    subset: str | None = None
    share: str | None = None


@dataclass(frozen=True)
class Format:
    """An annotation format.

    Attributes:
        name: as people call it.
        read: what the annotations of a part say, before anything about them is checked. What is wrong with a file as a
            whole goes into the findings. Raises ValueError where nothing can be made of the part.
    """

    name: str
    read: Callable[[Part, Findings], Reading]


@dataclass(frozen=True)
class Layout:
    """A recognised data set.

    Attributes:
        path: what the user named.
        format: whose `read` reads its parts.
        how: the arrangement in a few words, such as "images and xml side by side".
        splits: the part for each split there is.
        whole: everything that was named, as one part; None where that is several.
        by: what the splits are made by, such as "the folders train/ and test/"; empty where nothing does.
    """

    path: Path
    format: Format
    how: str
    splits: dict[str, Part] = field(default_factory=dict)
    whole: Part | None = None
    by: str = ""

    @property
    def title(self) -> str:
        """Format and arrangement: "Pascal VOC, images and xml side by side"."""
        return f"{self.format.name}, {self.how}"

    def in_words(self, images: int, classes: int) -> str:
        """One line for people.

        Args:
            images: how many there are in all.
            classes: how many there are without the background.
        """
        counts = [f"{images} image{'s' * (images != 1)}", f"{classes} class{'es' * (classes != 1)}"]
        divided = f"no splits: {self.by}" if self.whole is not None and self._shares else f"split by {self.by}"
        return f"{self.title}: {', '.join(counts)}, {divided if self.by else 'one split'}"

    @property
    def _shares(self) -> bool:
        return any(part.share is not None for part in self.splits.values())

    def part(self, split: str) -> Part:
        """The part that a split is; "all": everything that was named.

        Raises:
            ValueError: there is no such split; names those there are.
        """
        part = self.whole if split == ALL else self.splits.get(split)
        if part is None:
            raise ValueError(
                f"{self.path} has no split {split!r}; it has {', '.join(self.splits) or 'none'} ({self.title})"
            )
        return part

    def with_images(self, folder: Path) -> "Layout":
        """The same, with its images in another folder."""
        splits = {split: replace(part, images=folder) for split, part in self.splits.items()}
        return replace(self, splits=splits, whole=self.whole and replace(self.whole, images=folder))


def divided(path: Path, format: Format, how: str, whole: Part) -> Layout:
    """A data set without splits: four fifths of the images are for "train", one fifth for "val"."""
    shares = {share: replace(whole, share=share) for share in ("train", "val")}
    return Layout(path, format, how, shares, whole, "every fifth image is for val")


def arranged(
    path: Path, format: Format, how: str, splits: dict[str, Part], by: str, whole: Part | None = None
) -> Layout:
    """A data set with splits; one that has "train" and nothing else is divided."""
    if set(splits) == {"train"}:
        return divided(path, format, how, splits["train"])
    ordered = {split: splits[split] for split in SPLITS if split in splits}
    return Layout(path, format, how, ordered, whole, by)


def listing(names: Iterable[str]) -> str:
    """ "train/, valid/ and test/" """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
