"""Find the notebooks."""

from pathlib import Path


def find_notebooks(folder: Path, names: list[str] | None = None) -> list[Path]:
    """The notebooks in `folder`, its `deeper` and its `solutions`, in reading order; with names, those whose file name
    begins with one.

    Raises:
        ValueError: there is none, or a name matches none.
    """
    found = [path for part in (".", "deeper", "solutions") for path in sorted((folder / part).glob("*.ipynb"))]
    if not found:
        raise ValueError(f"there are no notebooks in {folder.absolute()}; name their folder with --folder DIR")
    for name in names or []:
        if not any(path.name.startswith(name) for path in found):
            names_found = ", ".join(dict.fromkeys(path.stem for path in found))
            raise ValueError(f"no notebook's name begins with {name!r}; the notebooks are {names_found}")
    return [path for path in found if not names or any(path.name.startswith(name) for name in names)]
