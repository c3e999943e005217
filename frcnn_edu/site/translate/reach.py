"""What a program needs: every unit that is reached from its roots, and of classes only the methods whose names are used."""

import ast
from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from .units import Inside, Unit, imported, read
from .values import is_plain

#: Methods that Python calls without naming them. Objects that are shipped are not constructed again.
SPECIAL = {"__init__", "__call__", "forward"}


@dataclass
class Program:
    """Units in the order in which they were reached, and all attribute names in them.

    Attributes:
        given: functions and classes that a page has in another way, by key. left_out: methods that it does not need, by key.
        dropped: functions whose calls are left out, by name: checks of arguments that were checked in Python.
        shipped: classes whose objects are shipped, by key; constructed: classes that the program itself names.
    """

    given: Set[str]
    left_out: Set[str]
    dropped: Set[str]
    shipped: Set[str]
    constructed: set[str] = field(default_factory=set)
    units: dict[str, Unit] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)

    @property
    def method_names(self) -> set[str]:
        """Names of all methods in the program, without properties."""
        return {
            node.name
            for unit in self.units.values()
            if isinstance(unit.node, ast.ClassDef)
            for node in unit.node.body
            if isinstance(node, ast.FunctionDef) and not any(ast.unparse(d) == "property" for d in node.decorator_list)
        }

    def methods(self, unit: Unit) -> list[ast.FunctionDef]:
        """The methods of a class that are translated."""
        assert isinstance(unit.node, ast.ClassDef)
        used = self.attributes | SPECIAL
        if unit.key in self.shipped - self.constructed:
            used = used - {"__init__"}
        return [
            node
            for node in unit.node.body
            if isinstance(node, ast.FunctionDef)
            and node.name in used
            and f"{unit.key}.{node.name}" not in self.left_out
        ]


def reach(
    roots: Iterable[Unit], given: Set[str], left_out: Set[str], dropped: Set[str], shipped: Iterable[Unit]
) -> Program:
    """The program of some roots, and of objects of the shipped classes."""
    program = Program(given, left_out, dropped, {unit.key for unit in shipped})
    visited: set[int] = set()
    for unit in (*roots, *shipped):
        program.units[unit.key] = unit
    while True:
        before = (len(program.units), len(program.attributes), len(visited))
        for unit in list(program.units.values()):
            for node in _bodies(program, unit):
                if id(node) not in visited:
                    visited.add(id(node))
                    _visit(program, unit, node)
        if before == (len(program.units), len(program.attributes), len(visited)):
            return program


def _bodies(program: Program, unit: Unit) -> list[ast.AST]:
    """The parts of a unit that are translated."""
    if unit.key in program.given or (
        not isinstance(unit.node, ast.ClassDef | ast.FunctionDef) and is_plain(unit.value)
    ):
        return []
    if isinstance(unit.node, ast.ClassDef):
        others = [node for node in unit.node.body if not isinstance(node, ast.FunctionDef)]
        return [*unit.node.bases, *others, *program.methods(unit)]
    return [unit.node]


def _visit(program: Program, unit: Unit, body: ast.AST) -> None:
    module = read(unit.module)
    for node in _translated(body, program.dropped):
        if isinstance(node, ast.Attribute):
            program.attributes.add(node.attr)
            owner = module.meaning(node.value.id) if isinstance(node.value, ast.Name) else None
            found = imported(owner.module, node.attr) if isinstance(owner, Inside) else None
        elif isinstance(node, ast.Name):
            found = module.meaning(node.id)
        else:
            continue
        if isinstance(found, Unit):
            program.units.setdefault(found.key, found)
            program.constructed.add(found.key)


def _translated(node: ast.AST, dropped: Set[str]) -> Iterable[ast.AST]:
    """All nodes below one, except types, which JavaScript does not have, and calls that are left out."""
    match node:
        case ast.Expr(value=ast.Call(func=called)) if ast.unparse(called) in dropped:
            return
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _translated(child, dropped)
