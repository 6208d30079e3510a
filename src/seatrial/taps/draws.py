"""Where the user's own code draws from the global generators of Python and numpy, read from its source.

Libraries draw from Python's while they are imported (rich does, and scikit-learn imports it), so that its state moves
in programs that never ask it for anything."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seatrial.events import Place
from seatrial.places import is_users

# What is called on `random` or `numpy.random` without drawing from the global generator.
_NO_DRAWS = frozenset(["seed", "getstate", "setstate", "get_state", "set_state", "default_rng"])


def draws(module: str) -> list[Place]:
    """Calls that draw from the generator of `module` ("random" or "numpy.random"), in files of the user's, with the name
    of the function that they stand in ("<module>" for none)."""
    return [Place(file, line, function) for file in _files() for line, function in _lines(file, module)]


def comes_before(draw: Place, seeding: Place) -> bool:
    """Whether a draw is made before a generator is seeded, as far as the source tells: lines of one body run in their order,
    but for those under a condition, which may not have held; the body of a function runs where that body calls it by its
    name."""
    if draw.file != seeding.file:
        return False
    tree = _tree(draw.file)
    if draw.function == seeding.function:
        return draw.line < seeding.line and not _is_conditional(tree, draw.line, seeding.line)
    return any(
        isinstance(node, ast.Call)
        and node.lineno < seeding.line
        and _origin(node.func, {draw.function: "it"}) == "it"
        and not _is_conditional(tree, node.lineno, seeding.line)
        for node, function in _with_function(tree, "<module>")
        if function == seeding.function
    )


def _is_conditional(tree: ast.Module, line: int, later: int) -> bool:
    """Whether a line stands under a condition that a later line does not stand under."""
    branches = [branch for node in ast.walk(tree) for branch in _branches(node) if branch]
    within = [(branch[0].lineno, branch[-1].end_lineno or 0) for branch in branches]
    return any(first <= line <= last and not first <= later <= last for first, last in within)


def _branches(node: ast.AST) -> list[list[ast.stmt] | list[ast.expr]]:
    """Parts of a node of which not each is run."""
    match node:
        case ast.If():
            return [node.body, node.orelse]
        case ast.Match():
            return [case.body for case in node.cases]
        case ast.Try():
            return [handler.body for handler in node.handlers]
        case ast.IfExp():
            return [[node.body], [node.orelse]]
        case ast.BoolOp():
            return [node.values[1:]]
        case _:
            return []


def _files() -> list[str]:
    files = {str(getattr(module, "__file__", None) or "") for module in list(sys.modules.values())}
    return sorted(file for file in files if file.endswith(".py") and is_users(file))


def _lines(file: str, module: str) -> Iterator[tuple[int, str]]:
    if "random" not in _text(file):  # both modules are called so wherever they are imported
        return
    tree = _tree(file)
    names = {bound: origin for node in ast.walk(tree) for bound, origin in _imported(node)}
    for node, function in _with_function(tree, "<module>"):
        if isinstance(node, ast.Call):
            owner, _, called = _origin(node.func, names).rpartition(".")
            # Classes make generators of their own.
            if owner == module and called not in _NO_DRAWS and called[:1].islower():
                yield node.lineno, function


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _tree(file: str) -> ast.Module:
    try:
        return ast.parse(_text(file))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _with_function(node: ast.AST, function: str) -> Iterator[tuple[ast.AST, str]]:
    """All nodes below one, each with the name of the innermost function around it."""
    yield node, function
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        function = node.name
    elif isinstance(node, ast.Lambda):
        function = "<lambda>"
    for child in ast.iter_child_nodes(node):
        yield from _with_function(child, function)


def _imported(node: Any) -> Iterator[tuple[str, str]]:
    """Names that an import binds, and what they stand for."""
    if isinstance(node, ast.Import):
        for name in node.names:
            bound = name.asname or name.name.split(".")[0]
            yield bound, name.name if name.asname else bound
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for name in node.names:
            yield name.asname or name.name, f"{node.module}.{name.name}"


def _origin(node: ast.expr, names: dict[str, str]) -> str:
    """The full name of what is called: `npr.rand` is "numpy.random.rand"."""
    if isinstance(node, ast.Attribute):
        return f"{_origin(node.value, names)}.{node.attr}"
    return names.get(node.id, "") if isinstance(node, ast.Name) else ""
