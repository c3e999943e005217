"""What a user can name as `--data`, and which splits it has; no image is read."""

from pathlib import Path

from .formats.layout import ALL, Layout
from .formats.recognise import recognise
from .splits import SPLITS

SHAPES = "shapes"  # the data set that is built in


def layout_of(source: str | Path, images: str | Path | None = None) -> Layout:
    """The layout of the data set at a path.

    Args:
        source: a path, not "shapes".
        images: the folder of its images, if they are not with the annotations.

    Raises:
        ValueError: there is no data set, or no such folder.
    """
    if images is not None and not Path(images).is_dir():
        raise ValueError(f"--images {images} is not a folder")
    return recognise(Path(source), None if images is None else Path(images))


def existing_splits(source: str | Path, images: str | Path | None = None) -> list[str]:
    """Which of "train", "val" and "test" a source has.

    Raises:
        ValueError: there is no data set.
    """
    return list(SPLITS) if str(source) == SHAPES else list(layout_of(source, images).splits)


def evaluation_split(source: str | Path, images: str | Path | None = None) -> str:
    """The split to evaluate a training run on: "val" if there is one, else "test".

    Raises:
        ValueError: there is no data set, or it has neither.
    """
    existing = existing_splits(source, images)
    if not {"val", "test"} & {*existing}:
        raise ValueError(
            f"{source} has neither a split 'val' nor 'test' to evaluate on; it has {', '.join(existing) or 'none'}"
        )
    return "val" if "val" in existing else "test"


def measured_split(source: str | Path, images: str | Path | None = None) -> str:
    """The split to evaluate if none is named: all of a named file, or of a data set without splits."""
    if str(source) != SHAPES:
        layout = layout_of(source, images)
        if layout.whole is not None and (layout.shares or Path(source).is_file()):
            return ALL
    return evaluation_split(source, images)


def check_split(source: str | Path, split: str, images: str | Path | None = None) -> None:
    """Make sure that `open_dataset(source, split)` will find folders and files to read, whatever is in them.

    Raises:
        ValueError: as `open_dataset`.
    """
    if str(source) == SHAPES:
        if images is not None:
            raise ValueError("--images is the folder of a data set's images; shapes, which is built in, has no files")
        if split not in SPLITS:
            raise ValueError(f"shapes has no split {split!r}; it has {', '.join(SPLITS)}")
        return
    part = layout_of(source, images).part(split)
    for path in (part.annotations, part.images, part.listed):
        if path is not None and not path.exists():
            raise ValueError(f"{source}: {path} does not exist")
