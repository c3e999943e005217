"""`notebooks --copy-to`: the course, copied to a folder."""

import argparse
import shutil
from pathlib import Path

from ..languages.sources import short
from ..notebook_checks.find import find_notebooks


def run_copy_notebooks(options: argparse.Namespace) -> None:
    """Copy notebooks, their solutions and what nbval needs; a file that already exists is kept."""
    source, target = course_folder(), options.copy_to
    if options.language is not None:
        source /= short(options.language)
    files = [path for path in find_notebooks(source, options.names) if path.is_file()]
    files += sorted(source.glob("*.cfg")) or sorted(source.parent.glob("*.cfg"))
    copied = kept = 0
    for file in files:
        place = target / (file.relative_to(source) if file.is_relative_to(source) else file.name)
        if place.exists():
            kept += 1
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
        copied += 1
    note = f"; {kept} that already existed were kept" if kept else ""
    print(f"{copied} files are in {target}{note}")


def course_folder() -> Path:
    """The notebooks: in the installed package, or beside it in a checkout.

    Raises:
        ValueError: they are in neither place.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if any(folder.glob("*.ipynb")):
            return folder
    raise ValueError(f"the notebooks are neither in {package} nor beside it")
