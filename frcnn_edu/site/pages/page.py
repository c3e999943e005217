"""What a page consists of before Sphinx sees it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass
class Page:
    """A page in Markdown.

    Attributes:
        name: path in the site without suffix: "notebooks/03_fpn".
        text: MyST Markdown.
        pictures: the pictures of the page by file name, as PNG.
        files: files of the project to which the page links, besides notebooks and Markdown files.
        explorers: whether it contains an interactive explorer.
        kind: "lesson", "document" or "source"; only the first two are listed.
        orphan: whether no other page lists it.
    """

    name: str
    text: str
    pictures: dict[str, bytes] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    explorers: bool = False
    kind: str = "document"
    orphan: bool = False

    @property
    def title(self) -> str:
        """The first heading, without Markdown's backticks."""
        heading = next(line for line in self.text.splitlines() if line.startswith("# "))
        return heading.removeprefix("# ").replace("`", "")

    def write(self, folder: Path) -> None:
        """Write the Markdown file; what the theme has to know about the page is in its front matter."""
        facts: dict[str, Any] = {"kind": self.kind}
        if self.orphan:
            facts["orphan"] = True
        if self.explorers:
            facts["explorers"] = "yes"
        place = folder / f"{self.name}.md"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"---\n{yaml.safe_dump(facts)}---\n\n{self.text}\n", encoding="utf-8")
