"""Single expressions of the user's source: what a name is bound to, what a call gives to a parameter."""

from __future__ import annotations

import ast

from seatrial.rules.syntax import Binding, File, Function, Path, root, tail

ANY = "*"
MOST = 8
# Modules, not data: never followed as the receiver of a call.
MODULES = frozenset("torch np numpy nn F math random os pd plt sklearn scipy optim self cls".split())


def bindings(file: File, node: ast.Name) -> list[Binding]:
    """What a name may stand for where it is used: the nearest binding above it and, as long as those are conditional,
    the ones before; where there is none above (a loop comes round again), those below."""
    around = {node, *file.ancestors(node)}
    for scope in file.scopes(node):
        known = [each for each in file.names[scope].get(node.id, []) if each.value not in around]
        if not known:
            continue
        line = node.lineno if scope is next(file.scopes(node)) else 1 << 30
        above = [each for each in known if getattr(each.statement, "lineno", 0) <= line]
        return _reaching(file, around, above) if above else known[:1]
    return []


def _reaching(file: File, around: set[ast.AST], above: list[Binding]) -> list[Binding]:
    found: list[Binding] = []
    for binding in reversed(above):
        found.append(binding)
        guards = [
            each for each in file.ancestors(binding.statement) if isinstance(each, (ast.If, ast.Try, ast.match_case))
        ]
        if binding.kind != "augment" and all(guard in around for guard in guards):
            break
    return found[:MOST]


def index(node: ast.AST) -> Path:
    match node:
        case ast.Constant(value=str() | int() as key):
            return (key,)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as key)):
            return (-key,)
        case ast.Slice() | ast.Tuple():
            return ()
        case _:
            return (ANY,)


def operands(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.BinOp():
            return [each for each in (node.left, node.right) if not isinstance(each, ast.Constant)]
        case ast.UnaryOp():
            return [] if isinstance(node.operand, ast.Constant) else [node.operand]
        case ast.IfExp():
            return [node.body, node.orelse]
        case ast.BoolOp():
            return list(node.values)
        case _:
            return []


def computes(node: ast.BinOp) -> bool:
    """Whether a formula has numbers of its own, which might be what is wrong with it."""
    return any(isinstance(part, ast.Constant) for part in ast.walk(node))


def counts(node: ast.AST | None) -> bool:
    """Whether a loop merely counts: `range(n)`, `enumerate(...)` and the like."""
    return isinstance(node, ast.Call) and tail(node.func) in ("range", "count", "trange")


def destinations(call: ast.Call) -> set[str]:
    """Names under which an option's value is found."""
    given = next((each.value for each in call.keywords if each.arg == "dest"), None)
    if isinstance(given, ast.Constant):
        return {str(given.value)}
    flags = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return {flag.lstrip("-").replace("-", "_") for flag in flags}


def returned(file: File, function: Function) -> list[ast.expr]:
    """What a function returns or yields."""
    if isinstance(function, ast.Lambda):
        return [function.body]
    return [
        node.value
        for node in ast.walk(function)
        if isinstance(node, (ast.Return, ast.Yield, ast.YieldFrom))
        and node.value is not None
        and file.function_around(node) is function
    ]


def unpacked(call: ast.Call, function: Function, name: str, method: bool) -> tuple[ast.expr, Path] | None:
    """The sequence from which a call gives a parameter its value, `f(*pair)`, and the position in it (ANY: not known)."""
    at = _position(call, function, name, method)
    first = next((place for place, each in enumerate(call.args) if isinstance(each, ast.Starred)), None)
    if first is None or at < first:
        return None
    given = call.args[first]
    exact = first == len(call.args) - 1
    return (given.value, (at - first if exact else ANY,)) if isinstance(given, ast.Starred) else None


def argument_of(call: ast.Call, function: Function, name: str, method: bool) -> ast.expr | ast.keyword | None:
    """What a call gives to a parameter: an expression, or a keyword (without a name: `**settings`)."""
    for each in call.keywords:
        if each.arg == name:
            return each
    position = _position(call, function, name, method)
    if 0 <= position < len(call.args) and not any(isinstance(each, ast.Starred) for each in call.args[: position + 1]):
        return call.args[position]
    return next((each for each in call.keywords if each.arg is None), None)


def _position(call: ast.Call, function: Function, name: str, method: bool) -> int:
    """At which place of a call a parameter gets its value, -1 where at none."""
    order = [parameter.arg for parameter in [*function.args.posonlyargs, *function.args.args]]
    static = any(tail(each) == "staticmethod" for each in getattr(function, "decorator_list", ()))
    shift = 1 if method and not static and order[:1] in (["self"], ["cls"]) else 0
    skipped = 1 if tail(call.func) == "partial" else 0
    return order.index(name) - shift + skipped if name in order else -1


def names_module(node: ast.expr) -> bool:
    """Whether an expression names a module (or an object itself), not data: `torch`, `np.random`, `self`."""
    while isinstance(node, ast.Attribute) and root(node) not in ("self", "cls"):
        node = node.value
    return isinstance(node, ast.Name) and node.id in MODULES
