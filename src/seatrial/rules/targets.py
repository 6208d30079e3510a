"""What a statement assigns to: names, attributes and keys, each with its value."""

from __future__ import annotations

import ast

from seatrial.rules.syntax import tail


def targets(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """Names, attributes and keys that a statement assigns to, with the value."""
    if isinstance(node, ast.Assign):
        pairs = [pair for target in node.targets for pair in _pairs(target, node.value)]
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and node.value is not None:
        pairs = _pairs(node.target, node.value)
    else:
        return []
    return [(name, value) for target, value in pairs if (name := _name(target))]


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    if not isinstance(target, (ast.Tuple, ast.List)):
        return [(target, value)]
    values = value.elts if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts) else None
    return [(part, values[at] if values else value) for at, part in enumerate(target.elts)]


def _name(target: ast.expr) -> str:
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return tail(target.value) if isinstance(target, ast.Subscript) else tail(target)
