"""The code of a cell in its parts: what a reader should see, and what is folded at first."""

import ast
from dataclasses import dataclass
from typing import Literal

Kind = Literal["imports", "code", "picture"]


@dataclass(frozen=True)
class Part:
    """Consecutive lines of a cell.

    Attributes:
        kind: "imports" and "picture", a call of `show`, are folded at first.
        source: the lines.
    """

    kind: Kind
    source: str


def code_parts(source: str) -> list[Part]:
    """Split a cell: the imports at its beginning, the calls of `show` at its end, and what is between them."""
    statements = ast.parse(source).body
    lines = source.rstrip().splitlines()
    kinds = [_kind(statement) for statement in statements]
    first = next((i for i, kind in enumerate(kinds) if kind != "imports"), len(kinds))
    last = next((i for i in range(len(kinds), first, -1) if kinds[i - 1] != "picture"), first)
    # A part ends with its last statement, so the comments above a statement go with it.
    ends = [statement.end_lineno or 0 for statement in statements]
    cuts = [0, ends[first - 1] if first else 0, ends[last - 1] if last else 0, len(lines)]
    kinds_of_parts: tuple[Kind, ...] = ("imports", "code", "picture")
    parts = [
        Part(kind, "\n".join(lines[start:end]).strip("\n")) for kind, start, end in zip(kinds_of_parts, cuts, cuts[1:])
    ]
    return [part for part in parts if part.source.strip()]


def _kind(statement: ast.stmt) -> Kind:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return "imports"
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
        if name == "show":
            return "picture"
    return "code"
