"""The typography of Chinese text: full-width punctuation, and one rule for the spaces between Chinese and everything else."""

import re
from collections.abc import Iterator

from .blocks import tokens

INSERTED = "\ue000"  # stands for code or a formula in a line
HAN = r"[\u3400-\u4dbf\u4e00-\u9fff]"
FULL_WIDTH = r"[，。、；：！？（）“”‘’《》]"
LATIN = rf"[A-Za-z0-9%{INSERTED}]"
LARGE = {"million": (100, "万"), "billion": (10, "亿")}
RULES = (
    (
        rf"(?:{HAN}|[）”])[,.;:!?]|{HAN}[()]|[,;:!?()]{HAN}",
        "half-width punctuation beside Chinese; it is full-width there",
    ),
    (rf"{HAN}[\"']|[\"']{HAN}", "a straight quotation mark beside Chinese; use “ and ”"),
    (rf"{HAN}{LATIN}|{LATIN}{HAN}", "no space between Chinese and a letter, a digit, code or a formula"),
    (rf" {FULL_WIDTH}|{FULL_WIDTH} ", "a space beside full-width punctuation"),
    (rf"{HAN} +{HAN}", "a space inside Chinese"),
    (r"\n", "a line break inside a paragraph, which would be shown as a space"),
    (r"\ufffd|Ã.|â€", "characters that come from a wrong encoding"),
)


def in_ten_thousands(english: str) -> str:
    """English text with its large numbers as Chinese counts them: "2.1 million" as "210 万", "1.5 billion" as "15 亿"."""

    def counted(found: re.Match[str]) -> str:
        factor, unit = LARGE[found[2]]
        return f"{round(factor * float(found[1]), 4):g} {unit}"

    return re.sub(r"(\d+(?:\.\d+)?) (million|billion)", counted, english)


def typography_problems(text: str) -> Iterator[str]:
    """One sentence for each place that breaks a rule.

    Args:
        text: a block of Markdown in Chinese.
    """
    for line in _lines(text):
        for pattern, problem in RULES:
            for found in re.finditer(pattern, line):
                around = line[max(0, found.start() - 6) : found.end() + 6].replace(INSERTED, "▢")
                yield f"{problem}: …{around}…"


def _lines(text: str) -> Iterator[str]:
    """The texts of a block, one for each paragraph, item or table cell, without Markdown's marks."""
    for token in tokens(text):
        if token.type != "inline":
            continue
        parts = []
        for child in token.children or []:
            if child.type in ("text", "softbreak", "hardbreak"):
                parts.append(child.content if child.type == "text" else "\n")
            elif child.type in ("code_inline", "math_inline", "math_inline_double"):
                parts.append(INSERTED)
        yield "".join(parts)
