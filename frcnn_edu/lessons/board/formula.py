"""Formulas with live numbers in them, as a page shows them and as plain text."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Term:
    """A part of a formula that is also in the picture: pointing at one lights up the other.

    `mark` is a layer's group, or "group:id"; `color` that of its meaning.
    """

    text: str
    mark: str | None = None
    color: str | None = None


@dataclass(frozen=True)
class Frac:
    """A fraction."""

    top: "Line"
    bottom: "Line"


@dataclass(frozen=True)
class Root:
    """A square root."""

    inside: "Line"


@dataclass(frozen=True)
class Sub:
    """A name with an index below."""

    text: str
    index: str


@dataclass(frozen=True)
class Table:
    """Rows of pieces, in columns; the first row is the header."""

    rows: "Sequence[Sequence[Line]]"


Piece = str | Term | Frac | Root | Sub | Table
Line = Piece | Sequence[Piece]


def _pieces(line: Line) -> Sequence[Piece]:
    return [line] if isinstance(line, Piece) else line


def apart(value: float, other: float, digits: int = 2) -> str:
    """A number with the given number of decimals, or with more, up to seven, until it differs from another number."""
    for more in range(digits, 8):
        if float(f"{value:.{more}f}") != other or value == other:
            return f"{value:.{more}f}"
    return f"{value:.7f}"


def signed(value: float, digits: int = 2) -> str:
    """A number with a true minus sign, and never “−0.00”."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def bracketed(value: float, digits: int = 2) -> str:
    """The same, with a negative number in brackets so that it can follow another sign."""
    written = signed(value, digits)
    return f"({written})" if "−" in written else written


def html(line: Line) -> str:
    """For a page."""
    return "".join(map(_html, _pieces(line)))


def _html(piece: Piece) -> str:
    match piece:
        case str():
            return escape(piece)
        case Term():
            mark = f' data-mark="{escape(piece.mark)}" tabindex="0"' if piece.mark else ""
            # Not a style: a page may have a Content-Security-Policy, which forbids styles in HTML. The board sets it.
            color = f' data-meaning="{escape(piece.color)}"' if piece.color else ""
            return f'<b class="fe-term"{mark}{color}>{escape(piece.text)}</b>'
        case Frac():
            return f'<span class="fe-frac"><span>{html(piece.top)}</span><span>{html(piece.bottom)}</span></span>'
        case Root():
            return f'<span class="fe-root">√<span>{html(piece.inside)}</span></span>'
        case Sub():
            return f"{escape(piece.text)}<sub>{escape(piece.index)}</sub>"
        case Table():
            head, *rows = [[html(cell) for cell in row] for row in piece.rows]
            body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
            return f'<table class="fe-table"><tr>{"".join(f"<th>{cell}</th>" for cell in head)}</tr>{body}</table>'


def text(line: Line) -> str:
    """In one line of characters; a table in several."""
    return "".join(map(_text, _pieces(line)))


def _text(piece: Piece) -> str:
    match piece:
        case str():
            return piece
        case Term():
            return piece.text
        case Frac():
            return f"{_bracketed(piece.top)} / {_bracketed(piece.bottom)}"
        case Root():
            return f"√({text(piece.inside)})"
        case Sub():
            low = piece.index.translate(LOW)
            return piece.text + (low if piece.index.isdigit() else f"_{piece.index}")
        case Table():
            rows = [[text(cell) for cell in row] for row in piece.rows]
            widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
            return "\n".join(
                "  ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)).rstrip()
                for row in rows
            )


def _width(text: str) -> int:
    """How many letters of a typewriter a text is wide: a Chinese character is 5/3 of one."""
    return len(text) + round(sum("\u2e80" < character < "\uffef" for character in text) * 2 / 3)


def _bracketed(line: Line) -> str:
    plain = text(line)
    if len(_pieces(line)) == 1 and isinstance(_pieces(line)[0], Root):
        return plain
    return f"({plain})" if any(sign in plain for sign in " +−·") else plain
