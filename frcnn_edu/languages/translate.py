"""From the English files and the catalogues to the translated files."""

import copy
import posixpath
import re
from pathlib import Path

import polib
from nbformat import NotebookNode

from ..notebook_checks.notebooks import read_notebook, write_notebook
from ..training.files import write_text
from .blocks import anchor, heading, replaced
from .catalogue import read_catalogue
from .messages import heading_with_anchor
from .sources import FOLDERS, catalogue_file, sources, twin
from .switch import LINE, switch

# The target of a link or an image, in Markdown or HTML, which may have an anchor.
LINK = re.compile(r'(?P<before>\]\(|src="|href=")(?!https?:|data:)(?P<target>[^)"#\s]*)(?:#(?P<anchor>[^)"]*))?')
SHELL = re.compile(r"^```bash\n.*?^```$", re.MULTILINE | re.DOTALL)  # commands
OPENED = re.compile(r"(?<![\w/])notebooks/[\w/]+\.ipynb")  # a notebook in a command
QUOTED = {"%22": '"'}  # how a link writes a character of an anchor that would end the link


class Translator:
    """Translates the files of a project into one language.

    Args:
        root: folder of the project.
        language: "zh_CN".
    """

    def __init__(self, root: Path, language: str) -> None:
        self.root, self.language = root, language
        self.sources = set(sources(root))
        self._catalogues: dict[str, dict[str, str]] = {}

    def write(self, source: str) -> Path:
        """Write the translation of a file; returns where it is."""
        place = self.root / twin(source, self.language)
        if source.endswith(".ipynb"):
            write_notebook(self.notebook(source), place)
        else:
            write_text(place, self.document(source))
        return place

    def document(self, source: str) -> str:
        """A Markdown file as it is written."""
        text = self._moved(self.text((self.root / source).read_text(encoding="utf-8"), source), source)
        return LINE.sub(switch(self.root, source, self.language), text)

    def notebook(self, source: str) -> NotebookNode:
        """A notebook as it is written: its markdown cells are translated; its code cells and their outputs stay as they are."""
        notebook = copy.deepcopy(read_notebook(self.root / source))
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = self._moved(self.text(cell.source, source), source)
        return notebook

    def text(self, text: str, source: str) -> str:
        """A Markdown text of a file, translated. Its links lead where those of the text lead, to headings by their translated names."""
        catalogue = self.catalogue(source)
        text = replaced(text, lambda block: catalogue.get(block, block))
        text = SHELL.sub(lambda commands: OPENED.sub(self._opened, commands[0]), text)
        return LINK.sub(lambda link: self._named(link, source), text)

    def catalogue(self, source: str) -> dict[str, str]:
        """The translations of the messages of a file; those that are missing or out of date are left out."""
        if source not in self._catalogues:
            entries = read_catalogue(self.root / catalogue_file(self.language, source))
            self._catalogues[source] = {entry.msgid: entry.msgstr for entry in entries if _usable(entry)}
        return self._catalogues[source]

    def _opened(self, notebook: re.Match[str]) -> str:
        """The notebook that a command opens: its translation, if there is one."""
        return twin(notebook[0], self.language) if notebook[0] in self.sources else notebook[0]

    def _named(self, link: re.Match[str], source: str) -> str:
        """A link to a heading, by the name that it has in the translation."""
        target = (
            posixpath.normpath(posixpath.join(posixpath.dirname(source), link["target"])) if link["target"] else source
        )
        fragment = f"#{self._anchor(target, link['anchor'])}" if link["anchor"] else ""
        return f"{link['before']}{link['target']}{fragment}"

    def _moved(self, text: str, source: str) -> str:
        """A translated text whose links lead from the place of the translation, to other translations where there are any."""
        here = posixpath.dirname(twin(source, self.language)) or "."

        def moved(link: re.Match[str]) -> str:
            if not link["target"]:  # a heading of the same file
                return link[0]
            target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link["target"]))
            place = twin(target, self.language) if target in self.sources or target in FOLDERS else target
            return f"{link['before']}{posixpath.relpath(place, here)}{'#' + link['anchor'] if link['anchor'] else ''}"

        return LINK.sub(moved, text)

    def _anchor(self, target: str, fragment: str) -> str:
        """The anchor, in the translation of a file, of the heading that has this anchor in the file itself."""
        wanted = fragment
        for written, character in QUOTED.items():
            wanted = wanted.replace(written, character)
        block = heading_with_anchor(self.root / target, wanted) if target in self.sources else None
        title = heading(self.catalogue(target).get(block, "")) if block else None
        if title is None:
            return fragment
        found = anchor(title)
        for written, character in QUOTED.items():
            found = found.replace(character, written)
        return found


def _usable(entry: polib.POEntry) -> bool:
    return bool(entry.msgstr) and not entry.fuzzy and not entry.obsolete
