"""Python classes and whole programs as JavaScript."""

import ast

from .expressions import expression
from .reach import Program
from .scope import Scope, is_constant
from .statements import function, indented
from .units import Unit
from .values import is_plain, literal

#: Base classes that only serve types.
TYPES_ONLY = ("Generic",)
CACHES = ("cache", "lru_cache")


def translated(program: Program) -> str:
    """All units of a program; classes come after their base classes."""
    done: list[str] = []
    made: list[str] = []

    def add(unit: Unit) -> None:
        if unit.key in done:
            return
        done.append(unit.key)
        if isinstance(unit.node, ast.ClassDef):
            for base in _bases(unit, program):
                if isinstance(base, Unit):
                    add(base)
        made.append(definition(unit, program))

    for unit in program.units.values():
        add(unit)
    return "\n\n".join(filter(None, made))


def definition(unit: Unit, program: Program) -> str:
    """The JavaScript that defines a unit; nothing for one that the page has in another way."""
    scope = Scope(program, unit)
    if unit.key in program.given:
        return ""
    if isinstance(unit.node, ast.FunctionDef):
        return f"const {unit.js} = {_decorated(unit.node, function(unit.node, scope))};"
    if isinstance(unit.node, ast.ClassDef):
        return _class(unit, program)
    assert is_constant(unit)
    if is_plain(unit.value):
        return f"const {unit.js} = {literal(unit.value)};"
    return f"const {unit.js} = $.once(() => {expression(unit.node, scope)});"


def _decorated(node: ast.FunctionDef, made: str) -> str:
    names = [ast.unparse(decorator).split("(")[0].split(".")[-1] for decorator in node.decorator_list]
    return f"$.cache({made})" if any(name in CACHES for name in names) else made


def _bases(unit: Unit, program: Program) -> list[Unit | str]:
    """The base classes: units, or the JavaScript of classes from elsewhere."""
    assert isinstance(unit.node, ast.ClassDef)
    scope, found = Scope(program, unit), []
    for node in unit.node.bases:
        base = node.value if isinstance(node, ast.Subscript) else node
        if ast.unparse(base) in TYPES_ONLY:
            continue
        name = expression(base, scope)
        found.append(next((other for other in program.units.values() if other.js == name), name))
    return found


def _class(unit: Unit, program: Program) -> str:
    assert isinstance(unit.node, ast.ClassDef)
    scope = Scope(program, unit, unit)
    bases = _bases(unit, program)
    base = "null" if not bases else bases[0].js if isinstance(bases[0], Unit) else bases[0]
    decorators = {
        ast.unparse(decorator).split("(")[0]: ast.unparse(decorator) for decorator in unit.node.decorator_list
    }
    is_data = "dataclass" in decorators
    by_value = is_data and "eq=False" not in decorators["dataclass"]
    fields, attributes = [], []
    for part in unit.node.body:
        match part:
            case ast.AnnAssign(target=ast.Name(id=name), value=None) if is_data:
                fields.append(f'["{name}"]')
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if is_data:
                fields.append(f'["{name}", () => {_default(value, scope)}]')
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in program.attributes or base.endswith(
                "Enum"
            ):
                if not name.startswith("__"):
                    attributes.append(f"{name}: {expression(value, scope)}")
    methods = [f"{node.name}: {function(node, scope, method=True)}" for node in program.methods(unit)]
    properties = [
        f'"{node.name}"'
        for node in program.methods(unit)
        if any(ast.unparse(d) == "property" for d in node.decorator_list)
    ]
    about = [
        f'name: "{unit.name}"', f'key: "{unit.key}"', f"base: {base}", f"isData: {literal(is_data)}",
        f"byValue: {literal(by_value)}", f"fields: [{', '.join(fields)}]",
        f"attributes: {{ {', '.join(attributes)} }}", f"properties: [{', '.join(properties)}]",
    ]  # fmt: skip
    inside = ",\n".join([*about, "methods: {\n" + indented(",\n".join(methods)) + "\n}"])
    return f"const {unit.js} = $.class({{\n{indented(inside)}\n}});"


def _default(value: ast.expr, scope: Scope) -> str:
    """The default of a field: for `field(default_factory=dict)` a new one for each object."""
    match value:
        case ast.Call(
            func=ast.Name(id="field"), keywords=[ast.keyword(arg="default_factory", value=ast.Name() as factory)]
        ):
            return f"{expression(factory, scope)}()"
    return expression(value, scope)
