"""Questions of the mends to the source: which call is meant, what stands beside it, whether a name means the same elsewhere."""

from __future__ import annotations

import ast

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.report.diffs.sheet import Refused, Sheet, only
from seatrial.rules.syntax import SCOPES, root, tail

FIRST = "self"  # the usual name of the object that a method belongs to


def optimizer_of(sheet: Sheet, call: ast.Call) -> str:
    """The optimizer of `optimizer.step()` or `scaler.step(optimizer)`."""
    if len(call.args) == 1 and isinstance(call.args[0], (ast.Name, ast.Attribute)):
        return sheet.source(call.args[0])
    if (
        call.args
        or not isinstance(call.func, ast.Attribute)
        or not isinstance(call.func.value, (ast.Name, ast.Attribute))
    ):
        raise Refused
    return sheet.source(call.func.value)


def completed(run: Run, finding: Finding, method: str) -> Sheet | None:
    """Parentheses behind a method that was only named, where the finding points at such a line."""
    place = finding.where[0] if finding.where else None
    if place is None:
        raise Refused
    sheet = Sheet.at(run, place)
    statement = sheet.statement_at(place.line)
    if (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Attribute)
        and statement.value.attr == method
    ):
        return sheet.replace(statement.value, f"{sheet.source(statement.value)}()")
    return None


def call_at(run: Run, finding: Finding, *names: str) -> tuple[Sheet, ast.Call]:
    """The first place of a finding at which one of these is called, once."""
    for place in finding.where:
        sheet = Sheet.at(run, place)
        if found := sheet.calls(place.line, *names):
            return sheet, only(found)
    raise Refused


def call_beside(sheet: Sheet, finding: Finding, *names: str) -> ast.Call:
    """The first call of one of these at the places of a finding in a file."""
    lines = dict.fromkeys(place.line for place in finding.where if place.file == sheet.file.name)
    found = [call for line in lines for call in sheet.calls(line, *names)]
    if not found:
        raise Refused
    return found[0]


def whole(sheet: Sheet, call: ast.Call) -> ast.stmt:
    """The statement that is this call and nothing else."""
    statement = sheet.statement(call)
    if not isinstance(statement, ast.Expr) or statement.value is not call:
        raise Refused
    return statement


def calls_in(node: ast.AST, *names: str) -> bool:
    """Whether one of these is called anywhere in a node."""
    return any(isinstance(each, ast.Call) and tail(each.func) in names for each in ast.walk(node))


def goes_back(statement: ast.stmt) -> bool:
    """Whether a statement calls `backward`."""
    return calls_in(statement, "backward")


def steps_it(statement: ast.stmt, name: str) -> bool:
    """Whether a statement steps an optimizer of this name."""
    calls = [each for each in ast.walk(statement) if isinstance(each, ast.Call) and tail(each.func) == "step"]
    return any(
        name in (ast.unparse(each.func.value), *map(ast.unparse, each.args))
        for each in calls
        if isinstance(each.func, ast.Attribute)
    )


def is_step(statement: ast.stmt) -> bool:
    """Whether a statement is a call of `step` and nothing else."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and tail(statement.value.func) == "step"
    )


def equal(one: ast.stmt, other: ast.stmt) -> bool:
    """Whether two statements are written alike."""
    return ast.dump(one) == ast.dump(other)


def binds(statement: ast.stmt, name: str) -> bool:
    """Whether a statement binds a name."""
    return any(
        isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Store)
        for each in ast.walk(statement)
    )


def visible(sheet: Sheet, made: ast.stmt, used: ast.stmt) -> bool:
    """Whether a name bound by one statement is seen at another: in the same function, or bound at the top."""
    scope = next((each for each in sheet.file.ancestors(made) if isinstance(each, SCOPES)), None)
    around = any(each is scope for each in sheet.file.ancestors(used))
    return around and not isinstance(scope, ast.ClassDef)


def bound_before(sheet: Sheet, statement: ast.stmt) -> set[str]:
    """Names that are assigned before a statement in its block."""
    block = sheet.block(statement)
    return {
        target.id
        for each in block[: block.index(statement)]
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }


def same_name(sheet: Sheet, used: ast.expr, there: ast.stmt) -> None:
    """A name must mean the same at another line: `self` in one class, or a name in one function."""
    file = sheet.file
    same = (
        file.class_around(used) is file.class_around(there) and file.class_around(there) is not None
        if root(used) == FIRST
        else file.function_around(used) is file.function_around(there)
    )
    if not same:
        raise Refused


def serves_training(sheet: Sheet, function: ast.FunctionDef) -> bool:
    """Whether a function trains itself, or is called right beside a backward pass."""
    if calls_in(function, "backward", "step"):
        return True
    around = [sheet.statement(call) for call in sheet.file.calls if tail(call.func) == function.name]
    return any(
        goes_back(each)
        for statement in around
        for each in sheet.block(statement)
        if isinstance(each, (ast.Expr, ast.Assign, ast.AugAssign, ast.Return))
    )


def is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
