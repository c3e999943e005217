"""Markdown in blocks: a block, such as a paragraph, a list or a table, is what is translated as one message."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from .switch import LINE as SWITCH

MARKDOWN = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, allow_space=False, double_inline=True)
#: What these are made of; the names are markdown-it's.
PROSE = {"heading", "paragraph", "bullet_list", "ordered_list", "table", "blockquote"}
TEXT_FENCE = "text"  # a code block in this language holds words


@dataclass(frozen=True)
class Block:
    """A part of a Markdown text.

    Attributes:
        text: its lines.
        kind: markdown-it's name of it, "paragraph" for example; empty between two blocks.
    """

    text: str
    kind: str

    @property
    def has_words(self) -> bool:
        """Whether there is anything to translate in it."""
        if self.kind == "fence":  # what a program prints is in English
            return bool(re.match(rf"`+{TEXT_FENCE}\n(?!\$ )", self.text))
        if self.kind.startswith("math_block"):
            return bool(re.search(r"\\text\{[^}]*[^\W\d_]{2}", self.text))
        if SWITCH.fullmatch(self.text):  # is written anew for each language
            return False
        return self.kind in PROSE and bool(re.search(r"[^\W\d_]", words_only(self.text)))


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a text and what is between them, in their order; together they are the text."""
    lines, done = text.splitlines(keepends=True), 0
    for token in MARKDOWN.parse(text):
        if token.level or token.map is None or token.nesting < 0:
            continue
        start, end = token.map
        while end > start and not lines[end - 1].strip():
            end -= 1
        if start > done:
            yield Block("".join(lines[done:start]), "")
        block = "".join(lines[start:end])
        stripped = block.rstrip("\n")
        yield Block(stripped, token.type.removesuffix("_open"))
        if stripped != block:
            yield Block(block[len(stripped) :], "")
        done = end
    if done < len(lines):
        yield Block("".join(lines[done:]), "")


def replaced(text: str, translate: Callable[[str], str]) -> str:
    """A text whose blocks of words are replaced by what `translate` returns for them."""
    return "".join(translate(block.text) if block.has_words else block.text for block in blocks(text))


def tokens(text: str) -> list[Token]:
    """All of markdown-it's tokens of a text, in the order of the text, those inside of lines among them."""
    found = []
    for token in MARKDOWN.parse(text):
        found.append(token)
        found += token.children or []
    return found


def words_only(text: str) -> str:
    """The words of a block: without code, formulas, tags and the targets of links, each of which leaves a blank."""
    kinds = ("text", "image")  # the content of an image is its alternative text
    parts = [token.content if token.type in kinds else " " for token in tokens(text) if token.type != "inline"]
    return "".join(parts)


def heading(text: str) -> str | None:
    """The words of a block that is a heading, without Markdown's marks; None for another block."""
    first, line, *_ = [*MARKDOWN.parse(text), None, None]
    if first is None or line is None or first.type != "heading_open":
        return None
    return "".join(child.content for child in line.children or [])


def anchor(title: str) -> str:
    """The anchor of a heading, as JupyterLab makes it: links between notebooks use it."""
    return title.replace(" ", "-")
