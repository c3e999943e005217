"""Python expressions as JavaScript. `$` holds Python's operators and built-in functions (python.js, builtins.js)."""

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
    return _collected(node, scope, lambda inner: expression(node.elt, inner))


@expression.register
def _(node: ast.SetComp, scope: Scope) -> str:
    return f"$.set({_collected(node, scope, lambda inner: expression(node.elt, inner))})"


@expression.register
def _(node: ast.DictComp, scope: Scope) -> str:
    def pair(inner: Scope) -> str:
        return f"[{expression(node.key, inner)}, {expression(node.value, inner)}]"

    return f"$.dict({_collected(node, scope, pair)})"


Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def _collected(node: Comprehension, scope: Scope, element: Callable[[Scope], str]) -> str:
    """The elements that some loops give, as an array. (Generators are run to their end at once, except by `_decided`.)"""
    loops = _loops(node, scope, lambda inner: f"$list.push({element(inner)});")
    return f"(($list) => {{ {loops} return $list; }})([])"


def _loops(node: Comprehension, scope: Scope, inside: Callable[[Scope], str]) -> str:
    """The loops of a comprehension around a statement."""
    names = {name for generator in node.generators for name in bound(generator.target)}
    # A function that is made in the loop sees the last value of its variable, as there is only one.
    shared = any(isinstance(part, ast.Lambda) for part in ast.walk(node))
    loops, first = f"let {', '.join(sorted(map(local, names)))}; " if shared else "", node.generators[0].iter
    if any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(first)):
        raise scope.refuse(first)  # in JavaScript the name would already be the loop's
    for generator in node.generators:
        source = expression(generator.iter, scope)
        scope = scope.inner(set(bound(generator.target)))
        loops += f"for ({'' if shared else 'const '}{pattern(generator.target, scope)} of $.iterable({source})) "
        loops += "".join(f"if ({truth(test, scope)}) " for test in generator.ifs)
    return loops + inside(scope)


#: What `any`, `all` and `next` do with an element of a generator, and what they return behind the last one.
DECIDED = {
    "any": ("if ({truth}) return true;", "return false;"),
    "all": ("if (!{truth}) return false;", "return true;"),
    "next": ("return {value};", "return $.next([], $otherwise);"),
}


def _decided(node: ast.Call, scope: Scope) -> str | None:
    """`any`, `all` and `next` of a generator, whose elements after the deciding one are not computed; None for other calls."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[ast.GeneratorExp() as generator, *others], keywords=[]) if (
            name in DECIDED and scope.name(name) == f"$.{name}"
        ):
            each, end = DECIDED[name]

            def inside(inner: Scope) -> str:
                return each.format(truth=truth(generator.elt, inner), value=expression(generator.elt, inner))

            loops = _loops(generator, scope, inside)
            return f"(({'$otherwise' if others else ''}) => {{ {loops} {end if others else end.replace(', $otherwise', '')} }})({_elements(others, scope)})"
    return None


def pattern(target: ast.expr, scope: Scope) -> str:
    """Local names that are bound, perhaps several at once."""
    match target:
        case ast.Name():
            return local(target.id)
        case ast.Starred():
            return f"...{pattern(target.value, scope)}"
        case ast.Tuple() | ast.List():
            # "_" is for what is not needed, and may occur several times: a hole.
            unused = [isinstance(part, ast.Name) and part.id == "_" for part in target.elts]
            return f"[{', '.join('' if skip else pattern(part, scope) for skip, part in zip(unused, target.elts, strict=True))}]"
    raise scope.refuse(target)


@expression.register
def _(node: ast.Lambda, scope: Scope) -> str:
    if node.args.vararg or node.args.kwarg:
        raise scope.refuse(node)
    names, given = [argument.arg for argument in parameters(node.args)], defaults(node.args)
    made = f"(({listed(names, given, scope)}) => {expression(node.body, scope.inner(set(names)))})"
    return with_defaults(made, given, scope)


def defaults(arguments: ast.arguments) -> dict[str, ast.expr]:
    """The defaults of a function's parameters."""
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    made = dict(zip(reversed(positional), reversed(arguments.defaults), strict=False))
    return made | {a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None}


def is_fixed(node: ast.expr) -> bool:
    """Whether an expression is the same whenever it is computed: numbers, texts, and tuples of them."""
    match node:
        case ast.Tuple():
            return all(map(is_fixed, node.elts))
        case ast.UnaryOp(op=ast.USub()):
            return is_fixed(node.operand)
    return isinstance(node, ast.Constant)


def listed(names: list[str], given: dict[str, ast.expr], scope: Scope, once: bool = False) -> str:
    """Parameters with their defaults."""

    def parameter(name: str) -> str:
        if name not in given:
            return local(name)
        if is_fixed(given[name]):
            return f"{local(name)} = {expression(given[name], scope)}"
        return f"{local(name)} = default_{name}{'()' if once else ''}"

    return ", ".join(map(parameter, names))


def with_defaults(made: str, given: dict[str, ast.expr], scope: Scope, once: bool = False) -> str:
    """A function together with those defaults that have to be computed, once, where it is made: all calls share them, and the
    parameter may have the same name as what is computed. With `once`, this is put off to the first call."""
    computed = {name: expression(value, scope) for name, value in given.items() if not is_fixed(value)}
    if not computed:
        return made
    values = [f"$.once(() => {value})" if once else value for value in computed.values()]
    return f"((({', '.join(f'default_{name}' for name in computed)}) => {made})({', '.join(values)}))"


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
    decided = _decided(node, scope)
    if decided:
        return decided
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
    dtype = _dtype(function, node, scope)
    if dtype:
        named = ", ".join(filter(None, (named, f'dtype: "{dtype}"')))
    if named:
        return f"$.call({function}, [{given}], {{ {named} }})"
    return f"{function}({given})" if _is_function(node.func, scope) else f"$.call({function}, [{given}])"


def _dtype(function: str, node: ast.Call, scope: Scope) -> str | None:
    """The type of a new tensor that only the source tells: JavaScript does not tell 2.0 from 2."""
    if any(keyword.arg == "dtype" for keyword in node.keywords):
        return None
    given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg != "device")]
    if function == "torch.arange":
        constants = [one for value in given for one in ast.walk(value) if isinstance(one, ast.Constant)]
        return "float32" if any(isinstance(one.value, float) for one in constants) else None
    if function == "torch.full":
        value = node.args[1] if len(node.args) > 1 else node
        value = value.operand if isinstance(value, ast.UnaryOp) else value
        if not isinstance(value, ast.Constant):
            raise scope.refuse(node)
        return {bool: "bool", int: "int64"}.get(type(value.value), "float32")
    return None


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
