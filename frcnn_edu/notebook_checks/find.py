"""Which notebooks there are."""

from pathlib import Path


def find_notebooks(folder: Path, names: list[str] | None = None) -> list[Path]:
    """The notebooks in `folder`, its `deeper` and its `solutions`, in reading order; with names, those whose file begins like one.

    Raises:
        ValueError: there is none, or a name fits none.
    """
    found = [path for part in (".", "deeper", "solutions") for path in sorted((folder / part).glob("*.ipynb"))]
    if not found:
        raise ValueError(f"there are no notebooks in {folder.absolute()}; --folder DIR says where they are")
    for name in names or []:
        if not any(path.name.startswith(name) for path in found):
            names_found = ", ".join(dict.fromkeys(path.stem for path in found))
            raise ValueError(f"no notebook's name begins with {name!r}; there are {names_found}")
    return [path for path in found if not names or any(path.name.startswith(name) for name in names)]
