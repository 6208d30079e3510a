"""Candidates for a value that the text itself does not lead to: options, entries, fields and lines of the same name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from seatrial.rules.expressions import destinations
from seatrial.rules.resolved import Trail, Value
from seatrial.rules.syntax import File, Path, tail

if TYPE_CHECKING:
    from seatrial.rules.resolve import Resolver


def options(files: Sequence[File], path: Path, trail: Trail) -> Iterator[Value]:
    """The command-line options of these files that fill an attribute: `add_argument("--lr", default=0.1)`, `click.option`."""
    wanted = str(path[0]) if path else ""
    for file in files:
        for call in file.calls:
            if tail(call.func) not in ("add_argument", "option", "argument") or wanted not in destinations(call):
                continue
            default = next((each.value for each in call.keywords if each.arg == "default"), None)
            yield Value(file, default if default is not None else call, (*trail, (file, call)))


def anywhere(resolver: Resolver, path: Path, trail: Trail) -> Iterator[Value]:
    """Options, entries of dictionaries and fields of records with the wanted name."""
    key = str(path[-1])
    yield from options(resolver.files, (key,), trail)
    for file in resolver.files:
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Dict):
                yield from resolver.entry(file, node, (key,), trail)
        for owner in file.classes.values():
            for binding in file.names[owner].get(key, []):
                yield from resolver.binding(file, binding, (), trail)


def lines_of_text(resolver: Resolver, file: File, node: ast.AST, key: str, trail: Trail) -> Iterator[Value]:
    """A line `key: value` or `key = value` in a text that a call reads (JSON, YAML, INI)."""
    pattern = re.compile(rf"^[\s{{,\"']*{re.escape(key)}[\"']?\s*[:=]")
    for part in ast.walk(node):
        for value in resolver.values(file, part, (), trail) if isinstance(part, ast.Name) else ():
            yield from _text_lines(value, pattern)
        if isinstance(part, ast.Constant):
            yield from _text_lines(Value(file, part, trail), pattern)


def _text_lines(value: Value, pattern: re.Pattern[str]) -> Iterator[Value]:
    text = value.node.value if isinstance(value.node, ast.Constant) else None
    for offset, line in enumerate(text.splitlines() if isinstance(text, str) else ()):
        if pattern.search(line) and isinstance(value.node, ast.Constant):
            marked = ast.Constant(line, lineno=value.node.lineno + offset, col_offset=0)
            yield Value(value.file, marked, value.trail)
