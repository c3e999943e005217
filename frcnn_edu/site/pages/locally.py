"""How a page's notebook is opened on the reader's own computer."""

from ...languages.edition import Edition
from ...languages.sources import twin
from .markup import fenced, folded


def open_locally(edition: Edition, name: str, solutions: bool) -> str:
    """The fold below the title of a page: the command that opens its notebook, and links for downloading it.

    Args:
        edition: the course in a language.
        name: the page, "notebooks/03_fpn".
        solutions: whether there is a notebook with the solutions of its exercises.
    """
    word, file = edition.word, name.rpartition("/")[2] + ".ipynb"
    links = [f'<a href="{file}" download>{word("Download the notebook")}</a>']
    if solutions:
        links.append(f'<a href="solutions/{file}" download>{word("Download its solutions")}</a>')
    links.append(f'<a href="{"../" * name.count("/")}start.html">{word("Set up the course")}</a>')
    items = "\n".join(f"<li>{link}</li>" for link in links)
    notebook = f"{name}.ipynb" if edition.prefix == "" else twin(f"{name}.ipynb", edition.language)
    words = word(
        "Once the course is set up on your computer, this command opens the notebook there, and every cell runs:"
    )
    command = fenced(f".venv/bin/jupyter lab {notebook}", "bash")
    return folded(word("Run this notebook yourself"), f"{words}\n\n{command}\n\n<ul>\n{items}\n</ul>", "locally")
