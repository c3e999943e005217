"""Python expressions as JavaScript. `$` holds Python's operators and built-in functions (python.js)."""

import ast
from collections.abc import Callable
from functools import singledispatch

from .scope import Scope, bound, local, parameters, reference
from .units import Outside, Unit, read
from .values import literal

OPERATORS = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floordiv", ast.Mod: "mod", ast.Pow: "pow",
    ast.BitOr: "or", ast.BitAnd: "and", ast.BitXor: "xor",
    ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.In: "in", ast.NotIn: "notin",
    ast.Is: "is", ast.IsNot: "isnot", ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "invert",
}  # fmt: skip


@singledispatch
def expression(node: ast.AST, scope: Scope) -> str:
    """The JavaScript of an expression.

    Raises:
        UnsupportedError: the translator does not know this kind.
    """
    raise scope.refuse(node)


@expression.register
def _(node: ast.Constant, scope: Scope) -> str:
    return literal(node.value)


@expression.register
def _(node: ast.Name, scope: Scope) -> str:
    return scope.name(node.id)


@expression.register
def _(node: ast.Attribute, scope: Scope) -> str:
    member = scope.member(node)
    if member is not None:
        return member
    owner = expression(node.value, scope)
    if node.attr in scope.program.method_names or node.attr.startswith("__"):
        return f'$.attribute({owner}, "{node.attr}")'  # a method that is not called here stays bound to its object
    return f"{owner}.{node.attr}"


@expression.register
def _(node: ast.BinOp, scope: Scope) -> str:
    return f"$.{OPERATORS[type(node.op)]}({expression(node.left, scope)}, {expression(node.right, scope)})"


@expression.register
def _(node: ast.UnaryOp, scope: Scope) -> str:
    if isinstance(node.op, ast.Not):
        return f"!{truth(node.operand, scope)}"
    if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        return f"-{expression(node.operand, scope)}"
    return f"$.{OPERATORS[type(node.op)]}({expression(node.operand, scope)})"


@expression.register
def _(node: ast.BoolOp, scope: Scope) -> str:
    name = "andThen" if isinstance(node.op, ast.And) else "orElse"
    made = expression(node.values[-1], scope)
    for value in reversed(node.values[:-1]):
        made = f"$.{name}({expression(value, scope)}, () => {made})"
    return made


@expression.register
def _(node: ast.Compare, scope: Scope) -> str:
    sides = [expression(side, scope) for side in (node.left, *node.comparators)]
    # A chain evaluates the sides between twice, which is right as long as they change nothing.
    parts = [
        f"$.{OPERATORS[type(op)]}({left}, {right})" for op, left, right in zip(node.ops, sides, sides[1:], strict=False)
    ]
    return parts[0] if len(parts) == 1 else f"({' && '.join(parts)})"


def truth(node: ast.expr, scope: Scope) -> str:
    """A condition: in Python, an empty list and an empty dict are false."""
    made = expression(node, scope)
    return f"({made})" if isinstance(node, ast.Compare) and len(node.ops) > 1 else f"$.truth({made})"


@expression.register
def _(node: ast.IfExp, scope: Scope) -> str:
    return f"({truth(node.test, scope)} ? {expression(node.body, scope)} : {expression(node.orelse, scope)})"


@expression.register
def _(node: ast.Tuple, scope: Scope) -> str:
    return f"$.pack({_elements(node.elts, scope)})"


@expression.register
def _(node: ast.List, scope: Scope) -> str:
    return f"[{_elements(node.elts, scope)}]"


@expression.register
def _(node: ast.Set, scope: Scope) -> str:
    return f"$.set([{_elements(node.elts, scope)}])"


def _elements(nodes: list[ast.expr], scope: Scope) -> str:
    return ", ".join(expression(node, scope) for node in nodes)


@expression.register
def _(node: ast.Starred, scope: Scope) -> str:
    return f"...$.iterable({expression(node.value, scope)})"


@expression.register
def _(node: ast.Dict, scope: Scope) -> str:
    entries = [
        f"...{expression(value, scope)}.items()"
        if key is None
        else f"[{expression(key, scope)}, {expression(value, scope)}]"
        for key, value in zip(node.keys, node.values, strict=True)
    ]
    return f"$.dict([{', '.join(entries)}])"


@expression.register
def _(node: ast.Subscript, scope: Scope) -> str:
    return f"$.get({expression(node.value, scope)}, {expression(node.slice, scope)})"


@expression.register
def _(node: ast.Slice, scope: Scope) -> str:
    ends = [expression(end, scope) if end else "null" for end in (node.lower, node.upper, node.step)]
    return f"$.slice({', '.join(ends)})"


# ------------------------------------------------------------------------------------------------- texts, comprehensions


@expression.register
def _(node: ast.JoinedStr, scope: Scope) -> str:
    return f"`{''.join(_piece(value, scope) for value in node.values)}`"


def _piece(node: ast.expr, scope: Scope) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value).replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${").replace("\n", "\\n")
    assert isinstance(node, ast.FormattedValue)
    value = expression(node.value, scope)
    if node.conversion == ord("r"):
        value = f"$.repr({value})"
    elif node.conversion != -1:
        raise scope.refuse(node)
    return f"${{$.format({value}{f', {expression(node.format_spec, scope)}' if node.format_spec else ''})}}"


@expression.register
def _(node: ast.ListComp | ast.GeneratorExp, scope: Scope) -> str:
    return _collected(node.generators, scope, lambda inner: expression(node.elt, inner))


@expression.register
def _(node: ast.SetComp, scope: Scope) -> str:
    return f"$.set({_collected(node.generators, scope, lambda inner: expression(node.elt, inner))})"


@expression.register
def _(node: ast.DictComp, scope: Scope) -> str:
    def pair(inner: Scope) -> str:
        return f"[{expression(node.key, inner)}, {expression(node.value, inner)}]"

    return f"$.dict({_collected(node.generators, scope, pair)})"


def _collected(generators: list[ast.comprehension], scope: Scope, element: Callable[[Scope], str]) -> str:
    """The elements that some loops give, as an array. (Generators are run to their end at once.)"""
    loops = ""
    for generator in generators:
        source = expression(generator.iter, scope)
        scope = scope.inner(set(bound(generator.target)))
        loops += f"for (const {pattern(generator.target)} of $.iterable({source})) "
        loops += "".join(f"if ({truth(test, scope)}) " for test in generator.ifs)
    return f"(($list) => {{ {loops}$list.push({element(scope)}); return $list; }})([])"


def pattern(target: ast.expr) -> str:
    """Local names that are bound, perhaps several at once."""
    match target:
        case ast.Name():
            return local(target.id)
        case ast.Starred():
            return f"...{pattern(target.value)}"
        case ast.Tuple() | ast.List():
            # "_" is for what is not needed, and may occur several times: a hole.
            unused = [isinstance(part, ast.Name) and part.id == "_" for part in target.elts]
            return (
                f"[{', '.join('' if skip else pattern(part) for skip, part in zip(unused, target.elts, strict=True))}]"
            )
    raise TypeError(f"cannot bind {ast.unparse(target)!r} here")


@expression.register
def _(node: ast.Lambda, scope: Scope) -> str:
    names = [argument.arg for argument in parameters(node.args)]
    defaults = dict(zip(reversed(names), reversed([expression(d, scope) for d in node.args.defaults]), strict=False))
    given = ", ".join(f"{local(n)} = default_{n}" if n in defaults else local(n) for n in names)
    made = f"(({given}) => {expression(node.body, scope.inner(set(names)))})"
    if not defaults:
        return made
    # A default is computed where the function is made; its own parameter may have the same name.
    return f"((({', '.join(f'default_{n}' for n in defaults)}) => {made})({', '.join(defaults.values())}))"


# ------------------------------------------------------------------------------------------------------------------ calls


@expression.register
def _(node: ast.Call, scope: Scope) -> str:
    keywords = [
        keyword for keyword in node.keywords if keyword.arg != "strict"
    ]  # `zip(…, strict=True)`: checked in Python
    named = ", ".join(
        f"...$.keywords({expression(k.value, scope)})" if k.arg is None else f"{k.arg}: {expression(k.value, scope)}"
        for k in keywords
    )
    given = _elements(node.args, scope)
    match node.func:
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name):
            assert scope.cls is not None
            assert isinstance(scope.cls.node, ast.ClassDef)
            base = scope.cls.node.bases[0]
            own = expression(base.value if isinstance(base, ast.Subscript) else base, scope)
            function = f"{own}.prototype.{name}"
            return f"$.invoke({function}, self, [{given}], {{ {named} }})"
        case ast.Attribute() if scope.member(node.func) is None and not _is_module(node.func.value, scope):
            owner, name = expression(node.func.value, scope), node.func.attr
            if keywords:
                return f'$.method({owner}, "{name}", [{given}], {{ {named} }})'
            return f'$.method({owner}, "{name}", [{given}])'
        case ast.Name(id="cast"):
            return expression(node.args[1], scope)
    function = expression(node.func, scope)
    if keywords:
        return f"$.call({function}, [{given}], {{ {named} }})"
    return f"{function}({given})" if _is_function(node.func, scope) else f"$.call({function}, [{given}])"


def _is_module(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression is a module of another package, or one inside it: `torch`, `torch.random`."""
    if isinstance(node, ast.Attribute):
        return _is_module(node.value, scope)
    if not isinstance(node, ast.Name) or node.id in scope.locals:
        return False
    meaning = read(scope.unit.module).meaning(node.id)
    return isinstance(meaning, Outside) and (not meaning.name or meaning.name[0].islower())


def _is_function(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression is known to be a function or a class, and not an object that can be called."""
    if isinstance(node, ast.Attribute):
        return _is_module(node.value, scope) or scope.member(node) is not None
    if not isinstance(node, ast.Name) or node.id in scope.locals:
        return False
    meaning = read(scope.unit.module).meaning(node.id)
    return not isinstance(meaning, Unit) or "()" not in reference(meaning)
