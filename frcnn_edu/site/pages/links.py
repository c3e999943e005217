"""Links between notebooks, pages and files become links between the pages of the site."""

import posixpath
import re

# The target of a link or an image in Markdown, which may have an anchor: ](../notebooks/03_fpn.ipynb#Our-cross)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)")
CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
#: Pages that stand for a file or a folder of another name.
STANDS_FOR = {"README.md": "start.md", "notebooks/deeper": "contents.md", "notebooks/solutions": "contents.md"}
SOURCE = (".py", ".json")  # files that get a page which shows their text


def page_links(text: str, page: str) -> tuple[str, set[str]]:
    """Markdown whose links lead to pages of the site.

    Args:
        text: Markdown.
        page: where it is in the project, without suffix: "notebooks/03_fpn".

    Returns:
        the new text, and the files of the project to which it links besides notebooks and Markdown files.
    """
    files = set()

    def replaced(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), link[1]))
        if target.endswith((*SOURCE, ".png")):
            files.add(target)
        there = posixpath.relpath(page_of(target), posixpath.dirname(page) or ".")
        return f"]({there}{link[2] or ''})"

    parts = CODE.split(text)
    return "".join(part if i % 2 else LINK.sub(replaced, part) for i, part in enumerate(parts)), files


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
