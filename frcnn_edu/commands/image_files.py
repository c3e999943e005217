"""Which images a command line names, and what their drawings are called."""

from collections.abc import Sequence
from pathlib import Path

from ..data.names import IMAGE_SUFFIXES


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The files given, and the images directly in the folders given, in alphabetical order.

    Raises:
        FileNotFoundError: a file or folder does not exist.
        ValueError: a folder holds no image.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"there is no file or folder {path}")
        if path.is_dir():
            inside = sorted(child for child in path.iterdir() if child.suffix.lower() in IMAGE_SUFFIXES)
            if not inside:
                raise ValueError(f"the folder {path} holds no image ({', '.join(IMAGE_SUFFIXES)})")
            files += inside
        else:
            files.append(path)
    return files


def drawing_names(files: Sequence[Path]) -> list[str]:
    """A name for each drawing, all different: a.jpg → a.png, a second one → a-2.png."""
    names: dict[str, None] = {}  # in their order
    for file in files:
        name, number = f"{file.stem}.png", 2
        while name in names:
            name, number = f"{file.stem}-{number}.png", number + 1
        names[name] = None
    return list(names)
