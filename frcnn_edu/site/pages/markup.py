"""Pieces of Markdown and HTML of which pages are put together. Between two pieces there is always a blank line."""

import html
import re
import struct


def fenced(text: str, language: str, *classes: str) -> str:
    """A code block: a fence of MyST that is longer than any in the text."""
    longest = max((len(fence) for fence in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    options = f":class: {' '.join(classes)}\n" if classes else ""
    return f"{fence}{{code-block}} {language}\n{options}\n{text}\n{fence}"


def folded(summary: str, content: str, name: str, open_: bool = False) -> str:
    """A fold with a line that is always visible.

    Args:
        summary: the line, as text.
        content: Markdown.
        name: class of the HTML element.
        open_: whether it is unfolded at first.
    """
    state = " open" if open_ else ""
    opening = f'<details class="{name}"{state}>\n<summary>{html.escape(summary)}</summary>'
    return f"{opening}\n\n{content}\n\n</details>"


def boxed(content: str, name: str) -> str:
    """Markdown in an HTML element of a class."""
    return f'<div class="{name}">\n\n{content}\n\n</div>'


def image(source: str, png: bytes, alt: str, first: bool = False) -> str:
    """An image element. Its size is stated, so that the text below does not jump when the image arrives.

    Args:
        source: address of the file, relative to the page.
        png: the file's content.
        alt: what the image shows.
        first: whether it is the first of its page; the others are loaded when they are nearly in sight.
    """
    width, height = png_size(png)
    when = 'fetchpriority="high"' if first else 'loading="lazy"'
    words = html.escape(" ".join(alt.split()))
    return f'<img src="{html.escape(source)}" width="{width}" height="{height}" {when} alt="{words}">'


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG in pixels.

    Raises:
        ValueError: it is no PNG.
    """
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("a picture in a notebook is not a PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height
