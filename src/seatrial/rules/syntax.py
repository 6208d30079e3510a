"""The user's source text as a syntax tree with its scopes: who binds a name, an attribute or a key, and to what."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda"
Scope: TypeAlias = "ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda"
Path: TypeAlias = "tuple[int | str, ...]"

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SCOPES = (ast.Module, ast.ClassDef, *FUNCTIONS)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
LOOPS = (ast.For, ast.AsyncFor, ast.While)


@dataclass(frozen=True, slots=True)
class Binding:
    """A name gets a value: the part at `path` of `value` (in a loop: of an item of `value`).

    kind: assign | augment (`x += value`) | loop | with | parameter | import."""

    kind: str
    statement: ast.AST
    value: ast.expr | None
    path: Path = ()


@dataclass(eq=False)
class File:
    """A parsed source file. `attributes` and `keys` are assignments to `x.name = ...` and `x["key"] = ...`, by name; `globals`
    the names that a function, or one within it, declares as such."""

    name: str
    text: str
    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    globals: dict[Function, set[str]] = field(default_factory=dict)
    calls: list[ast.Call] = field(default_factory=list)
    functions: dict[str, list[Function]] = field(default_factory=lambda: defaultdict(list))
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    names: dict[Scope, dict[str, list[Binding]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    attributes: dict[str, list[tuple[ast.Attribute, Binding]]] = field(default_factory=lambda: defaultdict(list))
    keys: dict[str, list[tuple[ast.Subscript, Binding]]] = field(default_factory=lambda: defaultdict(list))

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def scopes(self, node: ast.AST) -> Iterator[Scope]:
        """Scopes in which a name used at a node is looked up, innermost first (a class's own only from its body)."""
        passed_function = False
        for around in self.ancestors(node):
            if isinstance(around, SCOPES):
                if not (isinstance(around, ast.ClassDef) and passed_function):
                    yield around
                passed_function = passed_function or isinstance(around, FUNCTIONS)

    def function_around(self, node: ast.AST) -> Function | None:
        return next((around for around in self.ancestors(node) if isinstance(around, FUNCTIONS)), None)

    def class_around(self, node: ast.AST) -> ast.ClassDef | None:
        return next((around for around in self.ancestors(node) if isinstance(around, ast.ClassDef)), None)

    def statement(self, node: ast.AST) -> ast.AST:
        """The statement that a node stands in (or is)."""
        while not isinstance(node, ast.stmt) and node in self.parents:
            node = self.parents[node]
        return node


@lru_cache(maxsize=256)
def parsed(name: str, text: str) -> File | None:
    """A file's tree and tables; None where it is not Python (of this version)."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    file = File(name, text, tree)
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            file.parents[child] = node
        if isinstance(node, ast.Global):
            for around in file.ancestors(node):
                if isinstance(around, FUNCTIONS):
                    file.globals.setdefault(around, set()).update(node.names)
    for node in ast.walk(tree):
        _enter(file, node)
    for scope in file.names.values():
        for bindings in scope.values():
            bindings.sort(key=lambda binding: getattr(binding.statement, "lineno", 0))
    return file


def _enter(file: File, node: ast.AST) -> None:
    match node:
        case ast.Call():
            file.calls.append(node)
        case ast.ClassDef():
            file.classes[node.name] = node
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            _enter_function(file, node)
        case ast.Assign():
            for target in node.targets:
                _bind(file, target, Binding("assign", node, node.value))
            if isinstance(node.value, ast.Lambda) and isinstance(node.targets[0], ast.Name):
                file.functions[node.targets[0].id].append(node.value)
        case ast.AnnAssign(value=ast.expr()):
            _bind(file, node.target, Binding("assign", node, node.value))
        case ast.AugAssign():
            _bind(file, node.target, Binding("augment", node, node.value))
        case ast.NamedExpr():
            _bind(file, node.target, Binding("assign", node, node.value))
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            _bind(file, node.target, Binding("loop", node, node.iter))
        case ast.withitem(optional_vars=ast.expr() as target):
            _bind(file, target, Binding("with", node.context_expr, node.context_expr))
        case ast.Import() | ast.ImportFrom():
            _enter_import(file, node)
        case _:
            pass


def _enter_function(file: File, node: Function) -> None:
    if not isinstance(node, ast.Lambda):
        file.functions[node.name].append(node)
    for parameter in parameters(node):
        file.names[node][parameter.arg].append(Binding("parameter", parameter, None))


def _enter_import(file: File, node: ast.Import | ast.ImportFrom) -> None:
    scope = next((around for around in file.ancestors(node) if isinstance(around, SCOPES)), file.tree)
    for alias in node.names:
        name = alias.asname or alias.name.partition(".")[0]
        module = node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
        file.names[scope][name].append(Binding("import", node, None, (module, alias.name)))


def _bind(file: File, target: ast.AST, binding: Binding) -> None:
    match target:
        case ast.Name():
            scope = next((around for around in file.ancestors(target) if isinstance(around, SCOPES)), file.tree)
            if isinstance(scope, FUNCTIONS) and target.id in file.globals.get(scope, ()):
                scope = file.tree
            file.names[scope][target.id].append(binding)
        case ast.Attribute():
            file.attributes[target.attr].append((target, binding))
        case ast.Subscript(slice=ast.Constant(value=str() as key)):
            file.keys[key].append((target, binding))
        case ast.Tuple() | ast.List():
            for position, part in enumerate(target.elts):
                _bind(file, part, _part(binding, position))
        case ast.Starred():
            _bind(file, target.value, binding)
        case _:
            pass


def _part(binding: Binding, position: int) -> Binding:
    value = binding.value
    parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) and not binding.path else []
    if binding.kind == "assign" and position < len(parts) and not any(isinstance(part, ast.Starred) for part in parts):
        return Binding(binding.kind, binding.statement, parts[position])
    return Binding(binding.kind, binding.statement, value, (*binding.path, position))


def parameters(function: Function) -> list[ast.arg]:
    """All named parameters in order."""
    given = function.args
    return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def default_of(function: Function, name: str) -> ast.expr | None:
    """The default value of a parameter, if it has one."""
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    for parameter, default in zip(reversed(positional), reversed(given.defaults), strict=False):
        if parameter.arg == name:
            return default
    for parameter, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        if parameter.arg == name:
            return default
    return None


def tail(node: ast.AST) -> str:
    """The last part of a dotted name: `SGD` of `torch.optim.SGD`; empty where there is no name."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Call():
            return tail(node.func)
        case _:
            return ""


def root(node: ast.AST) -> str:
    """The first part of a dotted or indexed name: `cfg` of `cfg.optim["lr"]`."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def spans(node: ast.AST, line: int) -> bool:
    """Whether a node stands on a line, or begins before and ends after it."""
    first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0) or 0
    return first <= line <= last
