"""Where the source freezes and thaws parameters, and where it says so in a way that does nothing."""

from __future__ import annotations

import ast
import difflib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import ModelSeen, Place
from seatrial.history import Run
from seatrial.rules.expressions import ANY, MOST
from seatrial.rules.lines import last_name, named, nodes, without_effect
from seatrial.rules.resolve import Resolver
from seatrial.rules.source import files_of, place_of
from seatrial.rules.syntax import File

GRADIENT = "requires_grad"
# Attributes that resemble `requires_grad` this much (difflib's ratio) are taken for it.
LIKENESS = 0.8
# What loops over named_parameters() call a name.
_NAMES = frozenset({"name", "n", "k", "key"})


@dataclass(frozen=True, slots=True)
class Slip:
    """A statement that looks as if it froze or thawed something. `freezes` is None where it may do either.

    kind: "mistyped" (another attribute), "module" (set on a module, which has no such switch), "compared" (== instead
    of =), "unnamed" (`text` is the name of no parameter)."""

    kind: str
    place: Place
    text: str
    freezes: bool | None


def slips(run: Run) -> list[Slip]:
    """All such statements in the user's files."""
    found = [Slip("compared", place, ast.unparse(value), _compared(value)) for place, value in _comparisons(run)]
    for file in run.sources:
        for node in nodes(run, file):
            if isinstance(node, ast.Assign):
                found += _assigned(run, file, node)
    return found + list(_unnamed(run))


def _comparisons(run: Run) -> Iterator[tuple[Place, ast.Compare]]:
    for place, value in without_effect(run):
        if isinstance(value, ast.Compare) and last_name(value.left) == GRADIENT:
            yield place, value


def _compared(value: ast.Compare) -> bool | None:
    right = value.comparators[0]
    return not right.value if isinstance(right, ast.Constant) else None


def _assigned(run: Run, file: str, node: ast.Assign) -> Iterator[Slip]:
    freezes = not node.value.value if isinstance(node.value, ast.Constant) else None
    for target in node.targets:
        if not isinstance(target, ast.Attribute):
            continue
        place = named(run, Place(file, node.lineno))
        if _mistyped(target.attr):
            yield Slip("mistyped", place, target.attr, freezes)
        elif target.attr == GRADIENT and _is_module(run, file, target.value):
            yield Slip("module", place, ast.unparse(target), freezes)


def _mistyped(attribute: str) -> bool:
    name = attribute.lower().replace("_", "")
    plain = GRADIENT.replace("_", "")
    alike = difflib.SequenceMatcher(None, name, plain).ratio() >= LIKENESS
    return alike and attribute not in (GRADIENT, "requires_grad_")


def _is_module(run: Run, file: str, target: ast.expr) -> bool:
    """Whether what an attribute is set on is a module: it runs over modules, or bears the name of one."""
    name = last_name(target)
    if isinstance(target, ast.Name):
        for node in nodes(run, file):
            if isinstance(node, ast.For) and name in {last_name(part) for part in ast.walk(node.target)}:
                over = {last_name(part) for part in ast.walk(node.iter)}
                if over & {"parameters", "named_parameters"}:
                    return False
                if over & {"children", "modules", "named_children", "named_modules"}:
                    return True
    models = run.every(ModelSeen)
    modules = {m.path.rpartition(".")[2] for seen in models for m in seen.modules} | {seen.name for seen in models}
    tensors = {p.path.rpartition(".")[2] for seen in models for p in seen.parameters}
    return bool(name) and name in modules and name not in tensors


def _unnamed(run: Run) -> Iterator[Slip]:
    """Parameters are picked by a name that none has, and then frozen or thawed."""
    paths = {info.path for seen in run.every(ModelSeen) for info in seen.parameters}
    if not paths:
        return
    files = files_of(run)
    resolver = Resolver(files)
    for file in files:
        for node in ast.walk(file.tree):
            for test, freezes in _selections(node):
                words = list(_words(resolver, file, test))
                unknown = [(place, text) for place, text in words if not any(text in path for path in paths)]
                for place, text in unknown:
                    yield Slip("unnamed", place, text, freezes)
                if unknown:
                    yield Slip("unnamed", place_of(file, test), unknown[0][1], freezes)


def _selections(node: ast.AST) -> Iterator[tuple[ast.expr, bool | None]]:
    """Tests by name under which requires_grad is set: `if "head" in name:` and `p.requires_grad = name.startswith(...)`."""
    if isinstance(node, ast.If) and _by_name(node.test):
        negative = any(isinstance(part, ast.Not | ast.NotIn) for part in ast.walk(node.test))
        for inner in node.body:
            value = _sets_gradient(inner)
            if value is not None and not negative:
                yield node.test, not value
    elif isinstance(node, ast.Assign) and _on_gradient(node) and _by_name(node.value):
        negative = any(isinstance(part, ast.Not | ast.NotIn) for part in ast.walk(node.value))
        yield node.value, negative


def _on_gradient(statement: ast.Assign) -> bool:
    return any(isinstance(target, ast.Attribute) and target.attr == GRADIENT for target in statement.targets)


def _sets_gradient(statement: ast.stmt) -> bool | None:
    """What `p.requires_grad = X` or `p.requires_grad_(X)` sets; None for any other statement."""
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant) and _on_gradient(statement):
        return bool(statement.value.value)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if last_name(call.func) == "requires_grad_":
            return bool(call.args[0].value) if call.args and isinstance(call.args[0], ast.Constant) else not call.args
    return None


def _by_name(test: ast.expr) -> bool:
    """Whether a test looks at a name: `startswith`, `endswith` or `in`, with a variable called like one."""
    looks = any(
        (isinstance(part, ast.Call) and last_name(part.func) in ("startswith", "endswith"))
        or (isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.In | ast.NotIn))
        for part in ast.walk(test)
    )
    return looks and bool(_NAMES & {last_name(part) for part in ast.walk(test)})


def _words(resolver: Resolver, file: File, test: ast.expr) -> Iterator[tuple[Place, str]]:
    """The texts that a test compares names with, each with the line that gives it."""
    for part in ast.walk(test):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) > 1:
            yield place_of(file, part), part.value
        elif isinstance(part, ast.Name | ast.Attribute) and last_name(part) not in _NAMES:
            given = itertools.chain(resolver.values(file, part), resolver.values(file, part, (ANY,)))
            for value in itertools.islice(given, 2 * MOST):
                for inner in ast.walk(value.node):
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and len(inner.value) > 1:
                        yield place_of(value.file, inner), inner.value
