"""Around a line of the user's source: the loops that hold it, who calls its function, what its statement says."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache

from seatrial.events import Place
from seatrial.history import Run

LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)


@lru_cache(maxsize=64)
def _nodes(text: str) -> tuple[ast.AST, ...]:
    try:
        return tuple(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return ()


@lru_cache(maxsize=64)
def _functions(text: str) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    return tuple(node for node in _nodes(text) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@lru_cache(maxsize=64)
def _loops(text: str) -> tuple[ast.AST, ...]:
    return tuple(node for node in _nodes(text) if isinstance(node, LOOPS))


@lru_cache(maxsize=64)
def _calls(text: str) -> tuple[ast.Call, ...]:
    return tuple(node for node in _nodes(text) if isinstance(node, ast.Call))


def nodes(run: Run, file: str) -> tuple[ast.AST, ...]:
    """All nodes of a file, outer ones before inner ones; none where it is no Python."""
    return _nodes(run.sources.get(file, ""))


def span(node: ast.AST) -> tuple[int, int]:
    """First and last line of a node."""
    line = getattr(node, "lineno", 0)
    return line, getattr(node, "end_lineno", None) or line


def inside(node: ast.AST, outer: ast.AST) -> bool:
    """Whether the lines of a node lie within those of another one."""
    return span(outer)[0] <= span(node)[0] and span(node)[1] <= span(outer)[1]


def holds(node: ast.AST, place: Place) -> bool:
    first, last = span(node)
    return first <= place.line <= last


def loops_around(run: Run, place: Place) -> list[ast.AST]:
    """The loops (and comprehensions) of its own function that hold a line, outermost first."""
    function = function_at(run, place)
    found = [loop for loop in _loops(run.sources.get(place.file, "")) if holds(loop, place)]
    if function is not None:
        found = [n for n in found if inside(n, function)]
    return sorted(found, key=lambda n: (span(n)[0], -span(n)[1]))


def function_at(run: Run, place: Place) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The innermost named function that holds a line."""
    found = [function for function in _functions(run.sources.get(place.file, "")) if holds(function, place)]
    return max(found, key=lambda function: span(function)[0], default=None)


def calls_to(run: Run, name: str) -> list[Place]:
    """Lines that call something of this name, in all of the user's files."""
    found: list[Place] = []
    for file in run.sources:
        for node in _calls(run.sources[file]):
            if last_name(node.func) == name:
                found.append(named(run, Place(file, node.lineno)))
    return found


def named(run: Run, place: Place) -> Place:
    """The place with the name of the function around it."""
    function = function_at(run, place)
    return Place(place.file, place.line, function.name if function else "")


def callers(run: Run, place: Place, depth: int = 3) -> list[Place]:
    """Lines that call the function which holds a line, then lines that call those, nearest first."""
    found: list[Place] = []
    todo = [(place, 0)]
    while todo:
        current, level = todo.pop(0)
        function = function_at(run, current)
        if function is None or level == depth:
            continue
        for site in calls_to(run, function.name):
            if site not in found and not (site.file == current.file and holds(function, site)):
                found.append(site)
                todo.append((site, level + 1))
    return found


def last_name(node: ast.AST) -> str:
    """`step` of `self.optimizer.step`, `step` of `step`; empty of anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def names_in(node: ast.AST) -> set[str]:
    """All names and attributes that stand in a piece of syntax."""
    return {last_name(part) for part in ast.walk(node)} - {""}


def loop_words(loop: ast.AST) -> set[str]:
    """The names in a loop's head: its variables and what it runs over."""
    if isinstance(loop, ast.For | ast.AsyncFor):
        return names_in(loop.target) | names_in(loop.iter)
    if isinstance(loop, ast.While):
        return names_in(loop.test)
    heads = getattr(loop, "generators", [])
    return {name for head in heads for name in names_in(head.target) | names_in(head.iter)}


def statement_at(run: Run, place: Place) -> ast.stmt | None:
    """The smallest statement that holds a line."""
    found = [n for n in nodes(run, place.file) if isinstance(n, ast.stmt) and holds(n, place)]
    return min(found, key=lambda n: span(n)[1] - span(n)[0], default=None)


def assigned(run: Run, place: Place | None) -> list[str]:
    """The names that the statement at a line assigns to."""
    statement = statement_at(run, place) if place is not None else None
    if isinstance(statement, ast.Assign):
        return [last_name(part) for target in statement.targets for part in _parts(target) if last_name(part)]
    if isinstance(statement, ast.AnnAssign | ast.AugAssign):
        return [last_name(statement.target)]
    return []


def _parts(target: ast.expr) -> Iterable[ast.expr]:
    return target.elts if isinstance(target, ast.Tuple | ast.List) else (target,)


def without_effect(run: Run) -> Iterator[tuple[Place, ast.expr]]:
    """Statements that only name or compare: `optimizer.step` without parentheses, `p.requires_grad == False`."""
    for file in run.sources:
        for node in nodes(run, file):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Attribute | ast.Compare):
                yield named(run, Place(file, node.lineno)), node.value


def never_called(run: Run, *names: str) -> list[Place]:
    """Lines that name a method (`optimizer.step`) as a statement but do not call it."""
    return [place for place, value in without_effect(run) if isinstance(value, ast.Attribute) and value.attr in names]
