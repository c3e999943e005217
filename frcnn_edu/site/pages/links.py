"""Links between notebooks, pages and files become links between the pages of the site."""

import posixpath
import re
from pathlib import Path

# The target of a link or an image in Markdown, which may have an anchor: ](../notebooks/03_fpn.ipynb#Our-cross)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)")
IMAGE = re.compile(r'(?<=<img src=")(?!https?:|data:)[^"]+')  # in HTML
MODULE = re.compile(r"`(frcnn_edu/[\w/]+\.py)`")  # a module of the package, named in a text
PERCENT = re.compile(r"(?<=\d) %")  # no line ends between a number and its sign
CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
#: Pages that stand for a file or a folder of another name.
STANDS_FOR = {"README.md": "start.md", "notebooks/deeper": "contents.md", "notebooks/solutions": "contents.md"}
SOURCE = (".py", ".json")  # files that get a page which shows their text


def page_links(text: str, page: str, root: Path, prefix: str = "") -> tuple[str, set[str]]:
    """Markdown whose links lead to pages of the site. A module that is named in the text becomes a link to its source.

    Args:
        text: Markdown.
        page: where it is in the project, without suffix: "notebooks/03_fpn".
        root: folder of the project.
        prefix: folder of the site with the pages of this language, "zh/"; those of the source code are not in it.

    Returns:
        the new text, and the files of the project to which it links besides notebooks and Markdown files.
    """
    files = set()

    def address(target: str) -> str:
        if target.endswith((*SOURCE, ".png")):
            files.add(target)
        place = page_of(target)
        shared = place.startswith("source/") or place.endswith(".png")
        return posixpath.relpath(place if shared else prefix + place, posixpath.dirname(prefix + page) or ".")

    def moved(image: re.Match[str]) -> str:
        file = posixpath.normpath(posixpath.join(posixpath.dirname(page), image[0]))
        return posixpath.relpath(file, posixpath.dirname(prefix + page) or ".")

    def replaced(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), link[1]))
        return f"]({address(target)}{link[2] or ''})"

    parts = CODE.split(text)
    for i, part in enumerate(parts):
        if i % 2 == 0:
            parts[i] = IMAGE.sub(moved, LINK.sub(replaced, PERCENT.sub("\u00a0%", part)))
        elif (module := MODULE.fullmatch(part)) and (root / module[1]).is_file() and not parts[i - 1].endswith("["):
            parts[i] = f"[{part}]({address(module[1])})"
    return "".join(parts), files


def page_of(target: str) -> str:
    """The Markdown file that a file or folder of the project becomes: "notebooks/03_fpn.ipynb" → "notebooks/03_fpn.md".

    An image stays what it is.

    Raises:
        ValueError: there is no page for it.
    """
    target = target.replace("notebooks/solutions/", "notebooks/")  # solutions are on the page of their lesson
    if target in STANDS_FOR:
        return STANDS_FOR[target]
    if target.endswith(SOURCE):
        return f"source/{target}.md"
    if target.endswith(".ipynb"):
        return target.removesuffix(".ipynb") + ".md"
    if target.endswith((".md", ".png")):
        return target
    raise ValueError(f"the site has no page for {target}, to which a page links")
