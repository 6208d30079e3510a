"""A file of the user's as it would read after a mend: statements moved, put in or taken out, expressions replaced.

Whatever does not have the expected form raises `Refused`: a diff that might be wrong is worse than none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TypeVar

from seatrial.events import Place
from seatrial.history import Run
from seatrial.rules.source import file_of
from seatrial.rules.syntax import FUNCTIONS, LOOPS, File, spans, tail

T = TypeVar("T")
BLOCKS = ("body", "orelse", "finalbody")


class Refused(Exception):
    """The source does not have the form that a mend knows how to change."""


def only(found: Iterable[T]) -> T:
    """The one that was found.

    Raises:
        Refused: there is none, or more than one.
    """
    all_of_them = list(found)
    if len(all_of_them) != 1:
        raise Refused
    return all_of_them[0]


class Sheet:
    """A file, and the changes made to it: bytes from one place to another, and what stands there instead."""

    def __init__(self, file: File) -> None:
        self.file = file
        self._text = file.text.encode()
        self._lines = self._text.split(b"\n")
        self._changes: list[tuple[int, int, bytes]] = []
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    @staticmethod
    def at(run: Run, place: Place) -> Sheet:
        """The file of a place.

        Raises:
            Refused: its source is not known, or cannot be read.
        """
        file = file_of(run, place.file)
        if file is None or "\r" in file.text or "\f" in file.text:
            raise Refused
        return Sheet(file)

    # ---- looking -------------------------------------------------------------------------------------------------

    def source(self, node: ast.AST) -> str:
        """The text of a node."""
        first, last = self._ends(node)
        return self._text[first:last].decode()

    def calls(self, line: int, *names: str) -> list[ast.Call]:
        """Calls of functions or methods of these names that begin on a line."""
        return [
            call
            for call in self.file.calls
            if call.lineno == line and not isinstance(call.func, ast.Call) and tail(call.func) in names
        ]

    def nodes(self, line: int, kind: type[T]) -> list[T]:
        """Nodes of a kind that begin on a line."""
        return [
            node for node in ast.walk(self.file.tree) if isinstance(node, kind) and getattr(node, "lineno", 0) == line
        ]

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that a node stands in (or is)."""
        found = self.file.statement(node)
        if not isinstance(found, ast.stmt):
            raise Refused
        return found

    def statement_at(self, line: int) -> ast.stmt:
        """The innermost statement on a line."""
        around = [node for node in ast.walk(self.file.tree) if isinstance(node, ast.stmt) and spans(node, line)]
        if not around:
            raise Refused
        return min(around, key=lambda node: (node.end_lineno or node.lineno) - node.lineno)

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The statements among which one stands."""
        parent = self.file.parents.get(statement)
        blocks = (getattr(parent, name, []) for name in BLOCKS)
        return only(block for block in blocks if statement in block)

    def in_block(self, node: ast.AST, block: list[ast.stmt]) -> ast.stmt:
        """The statement of a block in which a node stands, however deep."""
        return only(each for each in (node, *self.file.ancestors(node)) if each in block)  # type: ignore[misc]

    def loops(self, node: ast.AST) -> list[ast.stmt]:
        """Loops around a node within its function, innermost first."""
        found: list[ast.stmt] = []
        for around in self.file.ancestors(node):
            if isinstance(around, FUNCTIONS):
                break
            if isinstance(around, LOOPS):
                found.append(around)
        return found

    def imported(self, module: str) -> str:
        """The name that a module, or a name from one ("torch.nn"), has in the file.

        Raises:
            Refused: it is not imported at the top.
        """
        for node in self.file.tree.body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name == module and (alias.asname or "." not in module):
                        return alias.asname or alias.name
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for alias in node.names:
                    if f"{node.module}.{alias.name}" == module:
                        return alias.asname or alias.name
        if "." in module:
            first, _, rest = module.partition(".")
            return f"{self.imported(first)}.{rest}"
        raise Refused

    # ---- changing ------------------------------------------------------------------------------------------------

    def replace(self, node: ast.AST, text: str) -> Sheet:
        """Another expression in the place of one."""
        first, last = self._ends(node)
        self._changes.append((first, last, text.encode()))
        return self

    def append(self, call: ast.Call, argument: str) -> Sheet:
        """One more argument for a call."""
        _, end = self._ends(call)
        given = [*call.args, *(each.value for each in call.keywords)]
        inside = self._ends(max(given, key=lambda each: self._ends(each)[1]))[1] if given else end - 1
        if b"".join(self._text[inside : end - 1].split()) not in (b"", b","):
            raise Refused  # a comment, or brackets around the last argument
        comma = ", " if given else ""
        self._changes.append((inside, inside, f"{comma}{argument}".encode()))
        return self

    def before(self, statement: ast.stmt, text: str) -> Sheet:
        """A line before a statement (and its decorators), as deep as that one."""
        line = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", []))])
        return self._insert(line - 1, statement, text)

    def after(self, statement: ast.stmt, text: str) -> Sheet:
        """A line after a statement, as deep as that one."""
        self._alone(statement)
        return self._insert(statement.end_lineno or statement.lineno, statement, text)

    def remove(self, statement: ast.stmt) -> Sheet:
        """A statement taken out with its lines; its block must not become empty."""
        self._alone(statement)
        if len(self.block(statement)) < 2:
            raise Refused
        first, last = self._starts[statement.lineno - 1], self._starts[statement.end_lineno or statement.lineno]
        self._changes.append((first, min(last, len(self._text)), b""))
        return self

    def import_(self, module: str) -> Sheet:
        """The module imported before the first import, unless the file does so already."""
        try:
            if self.imported(module) == module:
                return self
        except Refused:
            pass
        imports = [
            each
            for each in self.file.tree.body
            if isinstance(each, ast.Import) or (isinstance(each, ast.ImportFrom) and each.module != "__future__")
        ]
        if not imports:
            raise Refused
        return self.before(imports[0], f"import {module}")

    @property
    def text(self) -> str:
        """The file with all changes made.

        Raises:
            Refused: two changes meet.
        """
        made, at = b"", 0
        for first, last, instead in sorted(self._changes, key=lambda each: each[:2]):
            if first < at:
                raise Refused
            made += self._text[at:first] + instead
            at = last
        return (made + self._text[at:]).decode()

    # ---- inner steps ---------------------------------------------------------------------------------------------

    def _ends(self, node: ast.AST) -> tuple[int, int]:
        """The first byte of a node, and the one after its last."""
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
        last, end = getattr(node, "end_lineno", None), getattr(node, "end_col_offset", None)
        if not line or last is None or end is None:
            raise Refused
        return self._starts[line - 1] + column, self._starts[last - 1] + end

    def _alone(self, statement: ast.stmt) -> None:
        """Nothing but a comment may follow a statement on its last line, nothing precede it on its first."""
        rest = self._lines[(statement.end_lineno or statement.lineno) - 1][statement.end_col_offset or 0 :].strip()
        if (rest and not rest.startswith(b"#")) or self._lines[statement.lineno - 1][: statement.col_offset].strip():
            raise Refused

    def _insert(self, line: int, like: ast.stmt, text: str) -> Sheet:
        depth = self._lines[like.lineno - 1][: like.col_offset]
        if depth.strip():
            raise Refused
        start = self._starts[line]
        missing = b"\n" if start > len(self._text) else b""
        start = min(start, len(self._text))
        self._changes.append((start, start, missing + depth + text.encode() + (b"" if missing else b"\n")))
        return self
