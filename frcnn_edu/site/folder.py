"""The output folder: an earlier site is replaced as a whole, anything else is left alone."""

import shutil
from pathlib import Path

MARK = ".frcnn_edu_site"  # a file that says that a folder is a site of ours


def check_replaceable(folder: Path) -> None:
    """Raises `ValueError` if a folder has content that is not an earlier site."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise ValueError(f"{folder} has files that are not an earlier site; give the name of a new or empty folder")


def put_in_place(new: Path, folder: Path) -> None:
    """Move a finished site to its place. An earlier one is removed only after the new one is there."""
    check_replaceable(folder)
    (new / MARK).write_text("Written by: python -m frcnn_edu site\n", encoding="utf-8")
    (new / ".nojekyll").touch()  # lets GitHub Pages serve folders whose names begin with an underscore
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
