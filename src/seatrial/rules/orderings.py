"""Rankings: values that a program puts in order to take the first or the last ones; and what a call compares values by."""

from __future__ import annotations

import ast

from seatrial.rules.expressions import ANY, index, returned
from seatrial.rules.syntax import File, Path, tail

ORDERS = frozenset("sort sorted argsort nlargest nsmallest".split())
_SOME = frozenset(["nlargest", "nsmallest"])


def compared(call: ast.Call) -> ast.expr | None:
    """What a call picks from or puts in order: its first argument (the last one of `nlargest(3, results)`), else its own
    object (`results.sort(...)`)."""
    if call.args:
        return call.args[1] if tail(call.func) in _SOME and len(call.args) > 1 else call.args[0]
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def compared_by(file: File, call: ast.Call) -> list[tuple[ast.expr, Path]]:
    """What the elements among which a call picks are compared by: the results of its `key`, else themselves; each with the
    part of it that counts."""
    key, of = key_of(call), compared(call)
    if of is None or key is None:
        return [] if of is None else [(of, ())]
    match key:
        case ast.Call(args=[part]) if tail(key.func) in ("itemgetter", "attrgetter"):
            return [(of, (ANY, *index(part)))]
        case _:
            return [(result, ()) for result in results_of(file, key) or [key]]


def key_of(call: ast.Call) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg == "key"), None)


def results_of(file: File, function: ast.expr) -> list[ast.expr]:
    """What a function of the file returns that is handed over: a lambda, or one by its name."""
    if isinstance(function, ast.Lambda):
        return [function.body]
    named = file.functions.get(function.id, []) if isinstance(function, ast.Name) else []
    return [result for each in named for result in returned(file, each)]


def takes_an_end(file: File, call: ast.Call) -> bool:
    """Whether of what a call puts in order the first or the last ones are taken, there or by its name later on. Both ends
    tell of a range, and one from the middle is a median."""
    parent, statement = file.parents.get(call), file.statement(call)
    if tail(call.func) in _SOME:
        return _is_kept(statement)
    if isinstance(parent, ast.Subscript) and parent.value is call:
        return _end(parent.slice) != ""
    ordered = _ordered(call, statement)
    if ordered is None:
        return False
    around = file.function_around(call) if isinstance(ordered, ast.Name) else None
    text = ast.unparse(ordered)
    ends = {
        _end(part.slice)
        for part in ast.walk(around or file.tree)
        if isinstance(part, ast.Subscript)
        and part.lineno > call.lineno
        and ast.unparse(part.value) == text
        and _is_kept(file.statement(part))
    }
    return len(ends - {""}) == 1


def _ordered(call: ast.Call, statement: ast.AST) -> ast.expr | None:
    """Where the ordered values are found afterwards."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="sort", value=holder))) if statement.value is call:
            return holder
        case ast.Assign(targets=[target]) if statement.value is call:
            return target
        case _:
            return None


def _is_kept(statement: ast.AST) -> bool:
    return isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Return))


def _end(index: ast.expr) -> str:
    """ "first" or "last" where an index takes from one end: `[0]`, `[-1]`, `[:3]`, `[-3:]`."""
    match index:
        case ast.Constant(value=0):
            return "first"
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)):
            return "last"
        case ast.Slice(lower=None, upper=ast.expr()):
            return "first"
        case ast.Slice(lower=ast.expr(), upper=None):
            return "last"
        case _:
            return ""
