"""What a name means at a place in a program."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .reach import Program
from .units import Inside, Outside, Unit, imported, read
from .values import is_plain

RESERVED = frozenset(
    re.findall(
        r"\w+",
        """arguments await case catch class const debugger default delete do enum eval export extends false function implements
        import in instanceof interface let new null package private protected public static super switch this throw true try
        typeof var void while with yield""",
    )
)


class UnsupportedError(Exception):
    """Python that this translator does not know; the message says what and where."""


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: its unit, the class around it, and the local names of all functions around it."""

    program: Program
    unit: Unit
    cls: Unit | None = None
    locals: frozenset[str] = frozenset()

    def inner(self, names: set[str]) -> "Scope":
        """The scope of a function or comprehension in this one."""
        return Scope(self.program, self.unit, self.cls, self.locals | names)

    def name(self, name: str) -> str:
        """The JavaScript of a name that is read."""
        if name in self.locals:
            return local(name)
        meaning = read(self.unit.module).meaning(name)
        if isinstance(meaning, Unit):
            return reference(meaning)
        if isinstance(meaning, Outside):
            return ".".join(filter(None, (root(meaning.module), meaning.name)))
        return f"$.{local(name)}"  # built in

    def member(self, node: ast.Attribute) -> str | None:
        """The JavaScript of `module.name` for a module of this package; None for other attributes."""
        if not isinstance(node.value, ast.Name) or node.value.id in self.locals:
            return None
        owner = read(self.unit.module).meaning(node.value.id)
        found = imported(owner.module, node.attr) if isinstance(owner, Inside) else None
        return reference(found) if isinstance(found, Unit) else None

    def refuse(self, node: ast.AST) -> UnsupportedError:
        """What to raise at a node that cannot be translated."""
        line = getattr(node, "lineno", "?")
        return UnsupportedError(
            f"{self.unit.key}, line {line}: cannot translate {ast.unparse(node)!r} ({type(node).__name__})"
        )


def local(name: str) -> str:
    """A Python name in JavaScript, which has other reserved words."""
    return f"{name}_" if name in RESERVED else name


def root(module: str) -> str:
    """The object that stands for a module of another package in the page, for example `torch` for torch.nn.functional."""
    return {"numpy": "np", "torch.nn.functional": "torch.nn.functional"}.get(module, local(module.replace(".", "_")))


def is_constant(unit: Unit) -> bool:
    """Whether a unit is neither a function nor a class."""
    return not isinstance(unit.node, ast.FunctionDef | ast.ClassDef)


def reference(unit: Unit) -> str:
    """The JavaScript that reads a unit: constants that are not plain are computed when they are first read."""
    return f"{unit.js}()" if is_constant(unit) and not is_plain(unit.value) else unit.js


def bound(target: ast.expr) -> Iterator[str]:
    """Names that an assignment or a loop binds."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def assigned(body: list[ast.stmt]) -> set[str]:
    """Names that the statements of one function bind, without those of functions and comprehensions inside."""
    names: set[str] = set()
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            todo += ast.iter_child_nodes(node)
    return names


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters of a function that have a name of their own, in order."""
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
