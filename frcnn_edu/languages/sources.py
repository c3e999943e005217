"""Which files of the project are translated, and where their translations are."""

import posixpath
from pathlib import Path, PurePosixPath

#: Folders with notebooks, to which links may lead as a whole.
FOLDERS = ("notebooks", "notebooks/deeper", "notebooks/solutions")
LOCALE = "locale"  # the folder of all catalogues, with a folder for each language


def sources(root: Path) -> list[str]:
    """All files that are translated, as paths in the project, in reading order."""
    notebooks = [path for folder in FOLDERS for path in sorted((root / folder).glob("*.ipynb"))]
    documents = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    return [path.relative_to(root).as_posix() for path in (*notebooks, *documents)]


def languages(root: Path) -> list[str]:
    """The languages into which the project is translated: "zh_CN"."""
    return sorted(path.name for path in (root / LOCALE).glob("*") if path.is_dir())


def short(language: str) -> str:
    """What the folders of a language are called: "zh" for "zh_CN"."""
    return language.partition("_")[0]


def catalogue_file(language: str, source: str) -> str:
    """The catalogue of a file: "locale/zh_CN/docs/glossary.po"."""
    return f"{LOCALE}/{language}/{PurePosixPath(source).with_suffix('.po')}"


def twin(source: str, language: str) -> str:
    """Where the translation of a file, or of a folder of notebooks, is.

    "notebooks/deeper/03_fpn.ipynb" becomes "notebooks/zh/deeper/03_fpn.ipynb", and "README.md" becomes "README.zh.md".
    """
    top, _, rest = source.partition("/")
    if not rest and top != "notebooks":
        path = PurePosixPath(source)
        return f"{path.stem}.{short(language)}{path.suffix}"
    return posixpath.join(top, short(language), rest).rstrip("/")
