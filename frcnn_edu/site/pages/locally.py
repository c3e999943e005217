"""How a page's notebook is opened on the reader's own computer."""

from .markup import fenced, folded

WORDS = "Once the course is set up on your computer, this command opens the notebook there, and every cell runs:"


def open_locally(name: str, solutions: bool) -> str:
    """The fold below the title of a page: the command that opens its notebook, and links for downloading it.

    Args:
        name: the page, "notebooks/03_fpn".
        solutions: whether there is a notebook with the solutions of its exercises.
    """
    file = name.rpartition("/")[2] + ".ipynb"
    links = [f'<a href="{file}" download>Download the notebook</a>']
    if solutions:
        links.append(f'<a href="solutions/{file}" download>Download its solutions</a>')
    links.append(f'<a href="{"../" * name.count("/")}start.html">Set up the course</a>')
    items = "\n".join(f"<li>{link}</li>" for link in links)
    command = fenced(f".venv/bin/jupyter lab {name}.ipynb", "bash")
    return folded("Run this notebook yourself", f"{WORDS}\n\n{command}\n\n<ul>\n{items}\n</ul>", "locally")
