"""The course in one language: the texts of its files, and the words of the web site around them."""

import copy
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode

from ..notebook_checks.notebooks import read_notebook
from .catalogue import read_catalogue
from .language import name_of
from .sources import LOCALE, languages, short
from .translate import Translator

ENGLISH = "en"
SITE_WORDS = "site.po"


class Edition:
    """The course in one language.

    Args:
        root: folder of the project.
        language: "en" or that of a translation, "zh_CN".
        executed: a folder with copies of the notebooks whose outputs are in this language; without it, those in the project are used.

    Attributes:
        prefix: what the names of its pages begin with on the site: "" or "zh/".
    """

    def __init__(self, root: Path, language: str = ENGLISH, executed: Path | None = None) -> None:
        self.root, self.language, self.executed = root, language, executed
        self.prefix = "" if language == ENGLISH else f"{short(language)}/"
        self._translator = None if language == ENGLISH else Translator(root, language)

    @property
    def name(self) -> str:
        """What the language calls itself: "English", "中文"."""
        return name_of(self.root, self.language)

    @property
    def code(self) -> str:
        """The language as HTML writes it: "en", "zh-CN"."""
        return self.language.replace("_", "-")

    def document(self, source: str) -> str:
        """The text of a Markdown file of the project, with links as in the English file."""
        return self.text((self.root / source).read_text(encoding="utf-8"), source)

    def notebook(self, source: str) -> NotebookNode:
        """A notebook of the project, with its alternative texts, and with links as in the English notebook."""
        notebook = copy.deepcopy(read_notebook(self.root / source))
        if self._translator is None:
            return notebook
        if self.executed is not None:
            _take_outputs(notebook, self.executed / Path(source).relative_to("notebooks"))
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = self.text(cell.source, source)
            for output in cell.get("outputs", []):
                described = output.get("metadata", {}).get("image/png", {})
                if "alt" in described:
                    described["alt"] = self._translator.catalogue(source).get(described["alt"], described["alt"])
        return notebook

    def text(self, text: str, source: str) -> str:
        """A part of a file, in this language."""
        return text if self._translator is None else self._translator.text(text, source)

    @cached_property
    def words(self) -> dict[str, str]:
        """The words of the site around the texts, by their English; empty for English itself."""
        if self.language == ENGLISH:
            return {}
        entries = read_catalogue(self.root / LOCALE / self.language / SITE_WORDS)
        return {entry.msgid: entry.msgstr for entry in entries if entry.msgstr and not entry.fuzzy}

    def word(self, english: str, *values: object) -> str:
        """Words of the site in this language, with values in their places {1}, {2} … . (Calls are found when the words are extracted.)"""
        text = self.words.get(english, english)
        return re.sub(r"\{(\d)\}", lambda place: str(values[int(place[1]) - 1]), text) if values else text


def later(words: str) -> str:
    """Marks words of the site that an edition translates where they are shown, as `Edition.word` marks those that it translates at once."""
    return words


def editions(root: Path, executed: Mapping[str, Path] | None = None) -> list[Edition]:
    """The course in English and in every language into which it is translated.

    Args:
        executed: folders with notebooks that were executed in a language, by language.
    """
    folders = executed or {}
    return [Edition(root), *(Edition(root, language, folders.get(language)) for language in languages(root))]


def _take_outputs(notebook: NotebookNode, executed: Path) -> None:
    """Put the outputs of an executed copy into a notebook.

    Raises:
        ValueError: the copy has other code.
    """
    copied = read_notebook(executed)
    for cell, other in zip(notebook.cells, copied.cells, strict=True):
        if cell.id != other.id or (cell.cell_type == "code" and cell.source != other.source):
            raise ValueError(f"{executed} is not a copy of the notebook as it is now: the cell {cell.id} differs")
        if cell.cell_type == "code":
            cell.outputs = other.outputs
    notebook.metadata.widgets = copied.metadata.get("widgets", {})
