"""Python classes and whole programs as JavaScript."""

import ast

from .expressions import expression, is_fixed
from .reach import Program
from .scope import Scope, is_constant
from .statements import function, indented
from .units import Unit
from .values import is_plain, literal

#: Base classes that only serve types.
TYPES_ONLY = ("Generic",)
#: Keywords of `dataclass` that change nothing here, or that `_class` reads.
DATACLASS_KEYWORDS = {"frozen", "eq", "repr", "slots"}
#: Methods that Python calls without naming them, and which the page cannot do without; it knows no others of their kind.
UNNAMED = {"__init__", "__call__"}
#: Methods with such names that only a notebook or a debugger calls.
UNNAMED_UNUSED = {"__repr__", "__str__", "__hash__"}


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
        return f"const {unit.js} = {_decorated(unit.node, scope)};"
    if isinstance(unit.node, ast.ClassDef):
        return _class(unit, program)
    assert is_constant(unit)
    if is_plain(unit.value):
        return f"const {unit.js} = {literal(unit.value)};"
    return f"const {unit.js} = $.once(() => {expression(unit.node, scope)});"


def _decorated(node: ast.FunctionDef, scope: Scope) -> str:
    """A function with its decorators, of which only functools' caches are known."""
    made = function(node, scope, once=True)
    for decorator in reversed(node.decorator_list):
        made = f"$.cache({made}, {_kept(decorator, scope)})"
    return made


def _kept(decorator: ast.expr, scope: Scope) -> str:
    """How many results a cache keeps."""
    match decorator:
        case ast.Name(id="cache") | ast.Attribute(value=ast.Name(id="functools"), attr="cache"):
            return "Infinity"
        case ast.Name(id="lru_cache") | ast.Attribute(value=ast.Name(id="functools"), attr="lru_cache"):
            return "128"
        case (
            ast.Call(
                func=ast.Name(id="lru_cache") | ast.Attribute(value=ast.Name(id="functools"), attr="lru_cache"),
                args=[ast.Constant(value=kept)],
                keywords=[],
            )
            | ast.Call(
                func=ast.Name(id="lru_cache") | ast.Attribute(value=ast.Name(id="functools"), attr="lru_cache"),
                args=[],
                keywords=[ast.keyword(arg="maxsize", value=ast.Constant(value=kept))],
            )
        ) if kept is None or (type(kept) is int and kept > 0):
            return "Infinity" if kept is None else str(kept)
    raise scope.refuse(decorator)


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
    is_data, by_value = _data(unit.node, scope)
    _check_methods(unit, program, scope)
    fields, attributes = [], []
    for part in unit.node.body:
        match part:
            case ast.AnnAssign(target=ast.Name(id=name), value=None) if is_data:
                fields.append(f'["{name}"]')
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if is_data:
                fields.append(f'["{name}", {_default(value, scope)}]')
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in program.attributes or base.endswith(
                "Enum"
            ):
                if not name.startswith("__"):
                    attributes.append(f"{name}: {expression(value, scope)}")
    methods = [f"{node.name}: {function(node, scope, method=True, once=True)}" for node in program.methods(unit)]
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


def _data(node: ast.ClassDef, scope: Scope) -> tuple[bool, bool]:
    """Whether a class is a dataclass, and whether its objects are equal if their fields are."""
    is_data = by_value = False
    for decorator in node.decorator_list:
        match decorator:
            case ast.Name(id="dataclass"):
                is_data = by_value = True
            case ast.Call(func=ast.Name(id="dataclass"), args=[], keywords=given) if {
                keyword.arg for keyword in given
            } <= DATACLASS_KEYWORDS:
                is_data, by_value = (
                    True,
                    not any(keyword.arg == "eq" and ast.unparse(keyword.value) == "False" for keyword in given),
                )
            case _:
                raise scope.refuse(decorator)
    return is_data, by_value


def _check_methods(unit: Unit, program: Program, scope: Scope) -> None:
    """Refuse decorators other than `property`, and methods that Python would call by itself and the page would not."""
    assert isinstance(unit.node, ast.ClassDef)
    for node in program.methods(unit):
        for decorator in node.decorator_list:
            if ast.unparse(decorator) != "property":
                raise scope.refuse(decorator)
    if unit.key in program.shipped - program.constructed:
        return
    for part in unit.node.body:
        if not isinstance(part, ast.FunctionDef) or f"{unit.key}.{part.name}" in program.left_out:
            continue
        if part.name.startswith("__") and part.name.endswith("__") and part.name not in UNNAMED | UNNAMED_UNUSED:
            raise scope.refuse(part)


def _default(value: ast.expr, scope: Scope) -> str:
    """What makes the default of a field: with `field(default_factory=dict)` a new one for each object, else always the same."""
    match value:
        case ast.Call(func=ast.Name(id="field"), args=[], keywords=[ast.keyword(arg="default_factory", value=factory)]):
            return f"() => {expression(factory, scope)}()"
        case ast.Call(func=ast.Name(id="field"), args=[], keywords=[ast.keyword(arg="default", value=given)]):
            return _default(given, scope)
        case ast.Call(func=ast.Name(id="field")):
            raise scope.refuse(value)
    made = f"() => {expression(value, scope)}"
    return made if is_fixed(value) else f"$.once({made})"
