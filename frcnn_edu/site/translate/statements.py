"""Python statements as JavaScript."""

import ast
from functools import singledispatch

from .expressions import OPERATORS, defaults, expression, listed, pattern, truth, with_defaults
from .scope import Scope, assigned, bound, local, parameters

#: What `with` only does for the sake of Python: gradients and messages that a page does not have.
WITHOUT_EFFECT = ("torch.no_grad()", "control.hold_sync()", "torch.random.fork_rng(devices=[])")


def function(node: ast.FunctionDef, scope: Scope, method: bool = False, once: bool = False) -> str:
    """A function with the names of its parameters, so that it can be called with keywords. Its decorators are not looked at.

    `once`: its defaults are computed at the first call, when all that they name has been defined.
    """
    names = [argument.arg for argument in parameters(node.args)]
    every = [*names, *(a.arg for a in (node.args.vararg, node.args.kwarg) if a)]
    if method:
        names = names[1:]
    own = assigned(node.body) - set(every)
    inner = scope.inner({*every, *own})
    computed = defaults(node.args)
    given = [listed(names, computed, scope, once)] if names else []
    if node.args.vararg and (node.args.kwarg or node.args.kwonlyargs):
        raise scope.refuse(node)
    if node.args.vararg:
        given.append(f"...{local(node.args.vararg.arg)}")
    if node.args.kwarg:
        given.append(f"{local(node.args.kwarg.arg)} = $.dict([])")
        names.append(f"**{node.args.kwarg.arg}")
    lines = ["const self = this;"] if method else []
    if own:
        lines.append(f"let {', '.join(sorted(map(local, own)))};")
    lines += [statement(part, inner) for part in node.body]
    body = "\n".join(filter(None, lines))
    quoted = ", ".join(f'"{name}"' for name in names)
    made = f"$.function([{quoted}], function ({', '.join(given)}) {{\n{indented(body)}\n}})"
    return with_defaults(made, computed, scope, once)


def indented(text: str) -> str:
    """Two spaces in front of each line."""
    return "\n".join(f"  {line}" for line in text.split("\n"))


def block(body: list[ast.stmt], scope: Scope) -> str:
    """Statements in braces."""
    inside = "\n".join(filter(None, (statement(part, scope) for part in body)))
    return f"{{\n{indented(inside)}\n}}"


@singledispatch
def statement(node: ast.AST, scope: Scope) -> str:
    """The JavaScript of a statement; empty where nothing is to be done.

    Raises:
        UnsupportedError: the translator does not know this kind.
    """
    raise scope.refuse(node)


@statement.register
def _(node: ast.Pass | ast.Import | ast.ImportFrom | ast.Assert, scope: Scope) -> str:
    return ""


@statement.register
def _(node: ast.Expr, scope: Scope) -> str:
    match node.value:
        case ast.Constant():  # a docstring
            return ""
        case ast.Call(func=called) if ast.unparse(called) in scope.program.dropped:
            return ""
    return f"{expression(node.value, scope)};"


@statement.register
def _(node: ast.FunctionDef, scope: Scope) -> str:
    for decorator in node.decorator_list:
        raise scope.refuse(decorator)
    return f"{local(node.name)} = {function(node, scope)};"


@statement.register
def _(node: ast.Return, scope: Scope) -> str:
    return f"return {expression(node.value, scope)};" if node.value else "return null;"


@statement.register
def _(node: ast.Assign, scope: Scope) -> str:
    value = expression(node.value, scope)
    made = [assignment(target, value, scope) for target in node.targets]
    if len(made) > 1:  # a = b = value
        made = [assignment(node.targets[-1], value, scope)]
        made += [assignment(t, expression(node.targets[-1], scope), scope) for t in node.targets[:-1]]
    return "\n".join(made)


@statement.register
def _(node: ast.AnnAssign, scope: Scope) -> str:
    return assignment(node.target, expression(node.value, scope), scope) if node.value else ""


def assignment(target: ast.expr, value: str, scope: Scope, depth: int = 0) -> str:
    """Assign to a name, several names, an attribute or an element; `depth` tells targets inside targets apart."""
    match target:
        case ast.Name():
            return f"{local(target.id)} = {value};"
        case ast.Tuple() | ast.List() if not any(
            isinstance(part, ast.Attribute | ast.Subscript) for part in ast.walk(target)
        ):
            return f"{pattern(target, scope)} = $.iterable({value});"
        case ast.Tuple():
            parts = [assignment(p, f"$.get($parts{depth}, {k})", scope, depth + 1) for k, p in enumerate(target.elts)]
            return f"{{ const $parts{depth} = {value}; {' '.join(parts)} }}"
        case ast.Attribute():
            return f"{expression(target.value, scope)}.{target.attr} = {value};"
        case ast.Subscript():
            return f"$.put({expression(target.value, scope)}, {expression(target.slice, scope)}, {value});"
    raise scope.refuse(target)


@statement.register
def _(node: ast.AugAssign, scope: Scope) -> str:
    operator = OPERATORS[type(node.op)]
    # A list that is added to stays the same list, and a tensor the same tensor.
    name = "extended" if operator == "add" else operator
    target = ast.parse(ast.unparse(node.target), mode="eval").body
    left, right = expression(target, scope), expression(node.value, scope)
    if isinstance(node.target, ast.Subscript):  # which is written to anyway
        return assignment(node.target, f"$.{name}({left}, {right})", scope)
    return assignment(node.target, f'$.inPlace("{name}", {left}, {right})', scope)


@statement.register
def _(node: ast.If, scope: Scope) -> str:
    made = f"if ({truth(node.test, scope)}) {block(node.body, scope)}"
    match node.orelse:
        case []:
            return made
        case [ast.If() as other]:
            return f"{made} else {statement(other, scope)}"
    return f"{made} else {block(node.orelse, scope)}"


@statement.register
def _(node: ast.For, scope: Scope) -> str:
    if node.orelse:
        raise scope.refuse(node)
    source = expression(node.iter, scope)
    if isinstance(node.target, ast.Name):
        return f"for ({local(node.target.id)} of $.iterable({source})) {block(node.body, scope)}"
    # Names stay those of the function, as in Python, where a loop is no scope of its own.
    assert set(bound(node.target)) <= scope.locals
    return f"for ({pattern(node.target, scope)} of $.iterable({source})) {block(node.body, scope)}"


@statement.register
def _(node: ast.While, scope: Scope) -> str:
    if node.orelse:
        raise scope.refuse(node)
    return f"while ({truth(node.test, scope)}) {block(node.body, scope)}"


@statement.register
def _(node: ast.Break | ast.Continue, scope: Scope) -> str:
    return "break;" if isinstance(node, ast.Break) else "continue;"


@statement.register
def _(node: ast.Raise, scope: Scope) -> str:
    match node.exc:
        case ast.Call(func=ast.Name(id=name), args=args):
            return f'throw $.error("{name}", {", ".join(expression(argument, scope) for argument in args) or "null"});'
        case ast.Name(id=name):
            return f'throw $.error("{name}", "");'
    raise scope.refuse(node)


@statement.register
def _(node: ast.Try, scope: Scope) -> str:
    if node.handlers or node.orelse:
        raise scope.refuse(node)
    return f"try {block(node.body, scope)} finally {block(node.finalbody, scope)}"


@statement.register
def _(node: ast.With, scope: Scope) -> str:
    if not all(ast.unparse(item.context_expr) in WITHOUT_EFFECT for item in node.items):
        raise scope.refuse(node)
    return block(node.body, scope)


@statement.register
def _(node: ast.Match, scope: Scope) -> str:
    cases = []
    for case in node.cases:
        test = _matches(case.pattern, scope)
        if case.guard:
            test = f"{test} && {truth(case.guard, scope)}"
        cases.append(f"if ({test}) {block(case.body, scope)}")
    return f"{{\n  const $subject = {expression(node.subject, scope)};\n{indented(' else '.join(cases))}\n}}"


def _matches(node: ast.pattern, scope: Scope) -> str:
    match node:
        case ast.MatchValue():
            return f"$.eq($subject, {expression(node.value, scope)})"
        case ast.MatchSingleton():
            return f"$subject === {expression(ast.Constant(node.value), scope)}"
        case ast.MatchClass(patterns=[], kwd_patterns=[]):
            return f"$.isinstance($subject, {expression(node.cls, scope)})"
        case ast.MatchOr():
            return f"({' || '.join(_matches(part, scope) for part in node.patterns)})"
        case ast.MatchAs(pattern=None, name=None):
            return "true"
    raise scope.refuse(node)
