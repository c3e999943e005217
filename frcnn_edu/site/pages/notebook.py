"""A notebook as a page: its text, its code with folds, its outputs, and the solutions of its exercises."""

import base64
import re
from collections.abc import Iterator
from typing import Any

from ...languages.edition import Edition, later
from .code import Part, code_parts
from .links import page_links
from .locally import open_locally
from .markup import boxed, fenced, folded, image
from .page import Page
from .widgets import VIEW, explorer_of, explorer_place, is_style_sheet, is_widget, widget_pictures

PICTURES = "pictures"  # folder of the site
MARKER = re.compile(r"^# (NBVAL_\w+|PICTURE_MAY_DIFFER)\n", re.MULTILINE)  # for the tests of the notebooks
SETUP = "setup"  # the id of a notebook's first code cell: imports and settings
EXERCISE = re.compile(r"exercise-\d+")  # the id of an exercise's cell, in a notebook and in its solutions
UNSOLVED = "Not yet."  # how the answer of a checker begins that has found no solution
SOLUTIONS_LINK = re.compile(r" ?[(（]\[[^\]]+\]\(solutions/[^)]+\)[)）]")
BOARD = (  # what the pictures of the board that watches a training run show, from top to bottom
    later("The board at the end of the run: the sum of the losses, the learning rate, and each of the four losses"),
    later("The board at the end of the run: what the model finds in the course's image, and the annotated boxes"),
)
SUMMARIES = {"imports": later("Imports"), "picture": later("Code of the figure"), "code": later("Code")}


def notebook_page(edition: Edition, name: str, solutions: str | None = None) -> Page:
    """The page of a notebook.

    Args:
        edition: the course in a language.
        name: of the notebook, without suffix: "notebooks/03_fpn".
        solutions: likewise, of the notebook that solves its exercises, if there is one.
    """
    return _Notebook(edition, name, solutions).page()


class _Notebook:
    """A page while it is being written."""

    def __init__(self, edition: Edition, name: str, solutions: str | None) -> None:
        self.edition, self.word = edition, edition.word
        self.name = name
        self.notebook = edition.notebook(f"{name}.ipynb")
        self.solutions = solutions
        self.result = Page(edition.prefix + name, "", kind="lesson")

    def page(self) -> Page:
        solved = _solutions(self.edition, self.solutions) if self.solutions else {}
        blocks: list[str] = []
        for i, cell in enumerate(self.notebook.cells):
            blocks += self._blocks(cell)
            if i == 0:
                blocks.append(open_locally(self.edition, self.name, self.solutions is not None))
            if cell.id in solved:
                content = "\n\n".join(block for one in solved.pop(cell.id) for block in self._blocks(one))
                number = cell.id.removeprefix("exercise-")
                blocks.append(folded(self.word("Solution to exercise {1}", number), content, "solution"))
        if solved:
            raise ValueError(f"{self.solutions} solves {', '.join(solved)}, which {self.name} does not have")
        self.result.text = "\n\n".join(blocks)
        return self.result

    def _blocks(self, cell: Any) -> Iterator[str]:
        if cell.cell_type == "markdown":
            yield self._markdown(cell.source)
            return
        yield '<div class="cell">'
        if cell.source.strip():
            yield boxed(self._code(cell), "cell-code")
        for output in cell.outputs:
            if not is_style_sheet(output):
                yield from self._output(output, cell)
        yield "</div>"

    def _markdown(self, text: str) -> str:
        text, files = page_links(SOLUTIONS_LINK.sub("", text), self.name, self.edition.root, self.edition.prefix)
        self.result.files |= files
        return text

    def _output(self, output: Any, cell: Any) -> Iterator[str]:
        data = output.get("data", {})
        if output.output_type == "stream":
            yield fenced(output.text.rstrip("\n"), "text", "output")
        elif "image/png" in data:
            png = base64.b64decode(data["image/png"])
            yield self._figure(png, output.metadata["image/png"]["alt"], _explorer(cell))
        elif "text/markdown" in data:
            yield boxed(self._markdown(data["text/markdown"]), "output-text")
        elif VIEW not in data:
            answer = data["text/plain"].rstrip("\n")
            if answer.startswith(UNSOLVED):
                answer = self.word("In the notebook, this cell checks your solution and gives hints.")
            yield fenced(answer, "text", "output", "answer")
        elif _explorer(cell) is None:
            for png, alt in zip(widget_pictures(self.notebook, data[VIEW]), BOARD, strict=True):
                yield self._figure(png, self.word(alt))

    def _figure(self, png: bytes, alt: str, explorer: str | None = None) -> str:
        """A picture, which leads to its file; an explorer's picture has its name instead, by which scripts find its place."""
        pictures = self.result.pictures
        language = (
            self.edition.prefix if self.edition.executed else ""
        )  # otherwise its pictures are those of the English page
        name = f"{language}{self.name.removeprefix('notebooks/')}".replace("/", "_")
        file = f"{name}_{len(pictures) + 1:02d}.png"
        address = f"{'../' * self.result.name.count('/')}{PICTURES}/{file}"
        picture = image(address, png, alt, first=not pictures)
        pictures[file] = png
        if explorer is None:
            return f'<figure class="picture"><a href="{address}">{picture}</a></figure>'
        self.result.explorers = True
        return explorer_place(explorer, picture)

    def _code(self, cell: Any) -> str:
        """The code of a cell. Imports, calls that draw and the opening of an explorer are folded at first."""
        parts = _parts(cell)
        kinds = [part.kind for part in parts]
        summary = SUMMARIES[kinds[0]] if len(parts) == 1 else SUMMARIES["code"]
        shown = "code" in kinds
        if _explorer(cell):
            summary, shown = later("Code of the explorer"), False
        blocks = [fenced(part.source, "python") for part in parts]
        if len(parts) > 1:
            folds = zip(kinds, blocks)
            blocks = [
                block if kind == "code" else folded(self.word(SUMMARIES[kind]), block, "part") for kind, block in folds
            ]
        return folded(self.word(summary), "\n\n".join(blocks), "code", shown)


def _parts(cell: Any) -> list[Part]:
    source = MARKER.sub("", cell.source.strip("\n"))
    if cell.id == SETUP:
        return [Part("imports", source)]
    if EXERCISE.fullmatch(cell.id):  # is shown as it is written
        return [Part("code", source)]
    return code_parts(source)


def _explorer(cell: Any) -> str | None:
    """The name of the explorer that a cell shows; None if it shows none."""
    name = explorer_of(cell)
    if name is None and "explore." in cell.source and any(map(is_widget, cell.outputs)):
        raise ValueError(f"the cell {cell.id} does not show an explorer of the course in its first view")
    return name


def _solutions(edition: Edition, name: str) -> dict[str, list[Any]]:
    """For each exercise of a notebook of solutions, by the id of its cell: the words above the code, and the code."""
    cells = edition.notebook(f"{name}.ipynb").cells
    return {cells[i].id: cells[i - 1 : i + 1] for i in range(len(cells)) if EXERCISE.fullmatch(cells[i].id)}
