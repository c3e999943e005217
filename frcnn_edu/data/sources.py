"""What a user can name as `--data`, and which splits it has; no image or annotation is read for that."""

from contextlib import suppress
from pathlib import Path

from .findings import Findings
from .splits import SPLITS, coco_split, every_fifth
from .voc_files import check_folders, image_sets, read_image_set


def kind_of(source: str | Path) -> str:
    """The kind of data set that a source is: "shapes", "coco", "voc" or "penn_fudan".

    Raises:
        ValueError: it is none of them.
    """
    path = Path(source)
    if source == "shapes":
        return "shapes"
    if path.is_file() and path.suffix.lower() == ".json":
        return "coco"
    if (path / "JPEGImages").is_dir():
        return "voc"
    if (path / "PedMasks").is_dir():
        return "penn_fudan"
    raise ValueError(_nothing_at(path))


def _nothing_at(path: Path) -> str:
    hint = "" if path.exists() else "; nothing of that name exists"
    if path.is_dir() and (inside := [str(folder.parent) for folder in sorted(path.glob("*/JPEGImages"))]):
        hint = f"; did you mean {' or '.join(inside)}?"
    return (
        f'no data set at {str(path)!r}: it is neither "shapes", nor a folder with JPEGImages and Annotations '
        f"(Pascal VOC), nor a .json file (COCO), nor the folder PennFudanPed{hint}"
    )


def existing_splits(source: str | Path) -> list[str]:
    """Which of "train", "val" and "test" a source has.

    Raises:
        ValueError: there is no data set.
    """
    match kind_of(source):
        case "shapes":
            return list(SPLITS)
        case "voc":
            return [split for split in SPLITS if split in image_sets(Path(source))]
        case "penn_fudan":
            return ["train", "val"]
    splits = []
    for split in SPLITS:
        with suppress(ValueError):
            coco_split(Path(source), split)
            splits.append(split)
    return splits


def evaluation_split(source: str | Path) -> str:
    """The split to evaluate on unless another is asked for: "val" if there is one, else "test".

    Raises:
        ValueError: there is no data set.
    """
    existing = existing_splits(source)
    return "test" if "test" in existing and "val" not in existing else "val"


def check_split(source: str | Path, split: str) -> None:
    """Make sure that `open_dataset(source, split)` will find folders and lists to read, whatever is in them.

    Raises:
        ValueError: the message of `open_dataset`.
    """
    match kind_of(source):
        case "coco":
            coco_split(Path(source), split)
        case "voc":
            check_folders(Path(source))
            read_image_set(Path(source), split, set(), Findings())
        case "penn_fudan":
            every_fifth([], split, source)
            if not (Path(source) / "PNGImages").is_dir():
                raise ValueError(f"{source} is not the folder PennFudanPed: it has no folder PNGImages")
