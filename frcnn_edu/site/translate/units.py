"""What the modules of a package define, and what a name in them means.

A unit is a function, a class or a constant at the top level of a module. Imports are followed to the module that defines
the name, so that only what is reached has to be translated.
"""

import ast
import importlib
import inspect
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

PACKAGE = "frcnn_edu"


@dataclass(frozen=True)
class Unit:
    """A top-level definition.

    Attributes:
        module: its module's dotted name; name: its own.
        node: a function, a class, or the expression of a constant.
    """

    module: str
    name: str
    node: ast.AST

    @property
    def key(self) -> str:
        """Module and name."""
        return f"{self.module}.{self.name}"

    @property
    def value(self) -> Any:
        """What the name stands for in Python."""
        return getattr(importlib.import_module(self.module), self.name)

    @property
    def js(self) -> str:
        """Its name in JavaScript, where all units share one scope."""
        return f"{self.module.removeprefix(PACKAGE + '.').replace('.', '_')}${self.name}"


@dataclass(frozen=True)
class Outside:
    """Something that another package defines, for example ("torch", "cat"); a whole module has no name."""

    module: str
    name: str = ""


@dataclass(frozen=True)
class Inside:
    """A module of this package, imported as a whole."""

    module: str


Meaning = Unit | Outside | Inside


@dataclass(frozen=True)
class Module:
    """A parsed module: its definitions, and what it imports."""

    name: str
    units: dict[str, Unit]
    imports: dict[str, tuple[str, str]]  # local name → (module, name there; "" for the module itself)

    def meaning(self, name: str) -> Meaning | None:
        """What a name at the top level means; None for a built-in one."""
        if name in self.units:
            return self.units[name]
        if name not in self.imports:
            return None
        return imported(*self.imports[name])


def imported(module: str, name: str) -> Meaning | None:
    """What `from module import name` brings, followed to where it is defined."""
    if module.split(".")[0] != PACKAGE:
        return Outside(module, name)
    if not name:
        return Inside(module)
    found = read(module).meaning(name)
    if found is None and isinstance(getattr(importlib.import_module(module), name, None), ModuleType):
        return Inside(f"{module}.{name}")
    return found


@cache
def read(name: str) -> Module:
    """Parse a module of this package."""
    module = importlib.import_module(name)
    tree = ast.parse(inspect.getsource(module))
    found = Module(name, {}, {})
    package = name if hasattr(module, "__path__") else name.rpartition(".")[0]
    for node in ast.walk(tree):  # also imports inside functions
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.imports[alias.asname or alias.name] = (alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            levels = package.split(".")
            base = ".".join(levels[: len(levels) - node.level + 1]) if node.level else ""
            source = ".".join(filter(None, (base, node.module or "")))
            for alias in node.names:
                found.imports[alias.asname or alias.name] = (source, alias.name)
    for statement in tree.body:
        for name_, node_ in _defined(statement):
            found.units[name_] = Unit(name, name_, node_)
    return found


def _defined(statement: ast.stmt) -> list[tuple[str, ast.AST]]:
    """Names that a top-level statement defines."""
    match statement:
        case ast.FunctionDef() | ast.ClassDef():
            return [(statement.name, statement)]
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return [(name, value)]
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            return [(name, value)]
        case ast.Assign(targets=[ast.Tuple(elts=names)]):
            return [(name.id, statement.value) for name in names if isinstance(name, ast.Name)]
    return []
