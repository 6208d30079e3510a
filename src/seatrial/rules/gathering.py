"""Where a program collects values: `scores.append(x)`, `results[key] = x`, `meter.update(x)`, in what container and which part."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from seatrial.rules.expressions import ANY, index
from seatrial.rules.syntax import SCOPES, File, Path, Scope, tail

# Methods that put their arguments into the object: as one more element, as elements, or somehow.
_ONE_MORE = frozenset(["append", "appendleft", "add", "put", "push"])
_SOMEHOW = frozenset(["update", "extend", "insert", "log", "record", "observe", "write_row", "writerow", "store"])


@dataclass(frozen=True, slots=True)
class Gathering:
    """Values enter a container. `name` is the container's variable, `path` the part of it that they become (an element of
    a list is ANY), `statement` where that is written."""

    name: ast.Name
    path: Path
    values: tuple[ast.expr, ...]
    statement: ast.AST


@lru_cache(maxsize=64)
def gatherings(file: File) -> dict[str, list[Gathering]]:
    """All of a file by the name of the container's variable ("self" for attributes of an object's own)."""
    found: dict[str, list[Gathering]] = {}
    for node in ast.walk(file.tree):
        for each in _of(file, node):
            found.setdefault(each.name.id, []).append(each)
    return found


def _of(file: File, node: ast.AST) -> list[Gathering]:
    match node:
        case ast.Call(func=ast.Attribute(attr=method, value=holder)) if method in _ONE_MORE | _SOMEHOW:
            named = access(holder)
            values = (*node.args, *(each.value for each in node.keywords))
            added: Path = (ANY,) if method in _ONE_MORE else ()
            return [Gathering(named[0], (*named[1], *added), values, file.statement(node))] if named else []
        case ast.Assign():
            places = [access(target) for target in node.targets if isinstance(target, ast.Subscript)]
            return [Gathering(name, path, (node.value,), node) for name, path in filter(None, places)]
        case _:
            return []


def access(node: ast.AST) -> tuple[ast.Name, Path] | None:
    """The variable and the part of it that an expression like `state.history["loss"][k]` names."""
    path: Path = ()
    while not isinstance(node, ast.Name):
        match node:
            case ast.Subscript():
                path, node = (*index(node.slice), *path), node.value
            case ast.Attribute():
                path, node = (node.attr, *path), node.value
            case ast.Call(func=ast.Attribute(value=holder), args=[key, *_]) if tail(node.func) in ("get", "setdefault"):
                path, node = (*index(key), *path), holder
            case _:
                return None
    return node, path


def rest_of(part: Path, wanted: Path) -> Path | None:
    """What of a gathered value is wanted, if the part `wanted` of a container lies in the part that it became."""
    if any(a != b and ANY not in (a, b) for a, b in zip(part, wanted, strict=False)):
        return None
    return wanted[len(part) :]


def scope_of(file: File, name: ast.Name) -> Scope | None:
    """The scope that a name belongs to: the innermost around it that binds it."""
    return next((scope for scope in file.scopes(name) if name.id in file.names[scope]), None)


def class_of(file: File, node: ast.AST) -> ast.AST | None:
    """The class whose methods hold a node, functions within them included."""
    return next(
        (each for each in file.ancestors(node) if isinstance(each, SCOPES) and isinstance(each, ast.ClassDef)), None
    )
