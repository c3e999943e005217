"""The output folder: an earlier site is replaced as a whole, anything else is left alone."""

import shutil
import tempfile
from pathlib import Path

MARK = ".frcnn_edu_site"  # a file that says that a folder is a site of ours


def check_replaceable(folder: Path) -> None:
    """Raises `ValueError` if a folder has content that is not an earlier site."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise ValueError(f"{folder} has files that are not an earlier site; give the name of a new or empty folder")


def put_in_place(new: Path, folder: Path) -> None:
    """Move a finished site to its place. An earlier one is removed only after the new one is there, and put back if that fails."""
    check_replaceable(folder)
    (new / MARK).write_text("Written by: python -m frcnn_edu site\n", encoding="utf-8")
    (new / ".nojekyll").touch()  # lets GitHub Pages serve folders whose names begin with an underscore
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))  # a name that no other folder has
    old = beside / folder.name
    try:
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        beside.rmdir()
        raise
    shutil.rmtree(beside, ignore_errors=True)
