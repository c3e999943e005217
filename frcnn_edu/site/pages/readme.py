"""What the site takes from README.md, so that nothing is written twice."""

import re
from dataclasses import dataclass

LESSON = re.compile(r'^\| <img src="([^"]+)"[^>]*> \| \[([^\]]+)\]\(([^)]+)\) \| (.+) \|$', re.MULTILINE)
TABLE = re.compile(r"^\|(?:---\|)+\n((?:^\|.*\n)+)", re.MULTILINE)  # its rows, without the header
WAY = re.compile(r"^\| ((?!<img)[^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Lesson:
    """A row of the table of notebooks: its thumbnail, title and notebook, as paths in the project, and what it shows."""

    thumbnail: str
    title: str
    notebook: str
    shows: str


@dataclass(frozen=True)
class Way:
    """A row of the table of ways through the course, in Markdown: the time, what to read, and what one can do then."""

    time: str
    read: str
    then: str


def section(readme: str, heading: str) -> str:
    """The text below a heading of the second level, without the heading and without what is about the site itself.

    Raises:
        ValueError: there is no such heading.
    """
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"README.md has no section {heading!r}")
    here = re.sub(r"<!-- not on the site -->.*?<!-- on the site -->\n+", "", found[1], flags=re.DOTALL)
    return re.sub(r"<!--.*?-->\n", "", here).strip()


def lessons(readme: str) -> list[Lesson]:
    """The notebooks of the course, in reading order."""
    return [Lesson(*row) for row in LESSON.findall(readme)]


def ways(text: str) -> list[Way]:
    """The ways through the course, the shortest first, from the section about them."""
    return [Way(*row) for table in TABLE.findall(text + "\n") for row in WAY.findall(table)]


def introduction(readme: str) -> tuple[str, str]:
    """The sentence in bold with which the README begins, and the rest of its first paragraph."""
    found = re.search(r"^\*\*(.+?)\*\*\s*(.+?)\n\n", readme, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError("README.md does not begin with a sentence in bold")
    return found[1], " ".join(found[2].split()).lstrip("。")  # Chinese has its full stop after the bold
