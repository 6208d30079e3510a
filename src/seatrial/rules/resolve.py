"""Where a value in the user's program comes from: names, attributes, keys and parameters followed back in the text.

Nothing is evaluated. A value is asked for with a *path*, the part of it that is wanted: `args.lr` is the part ("lr",)
of `args`, the target of `for x, y in loader` is the part (ANY, 0) of `loader`. Where the text does not say, candidates
of the same name are given (the option `--lr`, the entry "lr" of a dictionary).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from seatrial.rules.expressions import (
    ANY,
    MODULES,
    MOST,
    argument_of,
    bindings,
    computes,
    counts,
    index,
    operands,
)
from seatrial.rules.resolve_by_name import anywhere, options
from seatrial.rules.resolve_calls import values_of_call, values_of_function
from seatrial.rules.resolved import Step, Trail, Value
from seatrial.rules.syntax import Binding, File, Function, Path, default_of, parameters, root, tail

DEPTH = 24  # steps from the use to the origin
EFFORT = 500  # expressions looked at for one question


class Resolver:
    """Follows values through the files of a run. With `data`, calls that are not known are followed through all of
    their arguments (tensors through preprocessing); without, they end the search (numbers)."""

    def __init__(self, files: Sequence[File], data: bool = False) -> None:
        self.files = files
        self.data = data
        self.visited: list[Step] = []
        self._active: set[tuple[int, Path]] = set()

    def values(self, file: File, node: ast.AST | None, path: Path = (), trail: Trail = ()) -> Iterator[Value]:
        """Expressions that the part `path` of an expression's value may come from, the likeliest first."""
        if node is None or len(trail) > DEPTH or (id(node), path) in self._active or len(self.visited) > EFFORT:
            return
        self._active.add((id(node), path))
        self.visited.append((file, node))
        found = False
        for value in self._step(file, node, path, (*trail, (file, node))):
            found = True
            yield value
        if not found and not path and isinstance(node, (ast.Constant, ast.BinOp, ast.UnaryOp, ast.Call, ast.IfExp)):
            yield Value(file, node, trail)

    # ---- one expression ------------------------------------------------------------------------------------------

    def _step(self, file: File, node: ast.AST, path: Path, trail: Trail) -> Iterator[Value]:
        match node:
            case ast.Name():
                yield from self._name(file, node, path, trail)
            case ast.Attribute():
                yield from self._attribute(file, node, path, trail)
            case ast.Subscript():
                yield from self.values(file, node.value, (*index(node.slice), *path), trail)
                yield from self._key_assignments(node, path, trail)
            case ast.Call():
                yield from values_of_call(self, file, node, path, trail)
            case ast.Dict() if path:
                yield from self.entry(file, node, path, trail)
            case ast.List() | ast.Tuple() | ast.Set() if path:
                yield from self._element(file, node, path, trail)
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
                yield from self.values(file, node.elt, path[1:], trail)
            case ast.DictComp():
                yield from self.values(file, node.value, path[1:], trail)
            case ast.Constant():
                if not path:
                    yield Value(file, node, trail)
            case ast.Await() | ast.Starred() | ast.NamedExpr():
                yield from self.values(file, node.value, path, trail)
            case _:
                if isinstance(node, ast.BinOp) and computes(node) and not path:
                    yield Value(file, node, trail)
                for part in operands(node):
                    yield from self.values(file, part, path, trail)

    def _name(self, file: File, node: ast.Name, path: Path, trail: Trail) -> Iterator[Value]:
        for binding in bindings(file, node):
            yield from self.binding(file, binding, path, trail)

    def binding(self, file: File, binding: Binding, path: Path, trail: Trail) -> Iterator[Value]:
        """The part `path` of what a binding gives to its name."""
        if len(trail) > DEPTH:
            return
        wanted = (*binding.path, *path)
        trail = (*trail, (file, binding.statement))
        match binding.kind:
            case "parameter" if isinstance(binding.statement, ast.arg):
                yield from self._parameter(file, binding.statement, path, trail)
            case "import":
                yield from self._imported(binding, path, trail)
            case "loop":
                if self.data or not counts(binding.value):
                    self.visited.append((file, binding.statement))
                    yield from self.values(file, binding.value, (ANY, *wanted), trail)
            case _:
                self.visited.append((file, binding.statement))
                yield from self.values(file, binding.value, wanted, trail)

    def _imported(self, binding: Binding, path: Path, trail: Trail) -> Iterator[Value]:
        module, name = str(binding.path[0]), str(binding.path[1])
        for other in self.files:
            stem = other.name.replace("\\", "/").removesuffix(".py")
            if stem.endswith("/" + module.replace(".", "/")):
                if path and module == name:
                    name, path = str(path[0]), path[1:]
                for found in other.names[other.tree].get(name, []):
                    yield from self.binding(other, found, path, trail)

    # ---- attributes and keys -------------------------------------------------------------------------------------

    def _attribute(self, file: File, node: ast.Attribute, path: Path, trail: Trail) -> Iterator[Value]:
        found = False
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            owner = file.class_around(node)
            for value in self.field(file, owner, node.attr, path, trail):
                found = True
                yield value
        else:
            for value in self.values(file, node.value, (node.attr, *path), trail):
                found = True
                yield value
        if not found and root(node) not in MODULES - {"self", "cls"}:
            for other in self.files:
                for target, binding in other.attributes.get(node.attr, []):
                    if target is not node:
                        yield from self.binding(other, binding, path, trail)
            yield from anywhere(self, (node.attr, *path), trail)

    def field(self, file: File, owner: ast.ClassDef | None, name: str, path: Path, trail: Trail) -> Iterator[Value]:
        """Attribute `name` of an object of a class: assigned to self, in the body, or inherited."""
        for holder, around in self.family(file, owner):
            for target, binding in holder.attributes.get(name, []):
                if root(target) in ("self", "cls") and holder.class_around(target) is around:
                    yield from self.binding(holder, binding, path, trail)
            for binding in holder.names[around].get(name, []):
                yield from self.binding(holder, binding, path, trail)
            for function in holder.functions.get(name, []):
                if holder.class_around(function) is around:
                    yield from values_of_function(self, holder, function, path, trail)

    def family(self, file: File, owner: ast.ClassDef | None) -> Iterator[tuple[File, ast.ClassDef]]:
        """A class and those it inherits from, as far as they are the user's."""
        todo: list[tuple[File, ast.ClassDef]] = [(file, owner)] if owner is not None else []
        known: set[str] = set()
        while todo:
            holder, around = todo.pop(0)
            if around.name in known:
                continue
            known.add(around.name)
            yield holder, around
            for other in self.files:
                todo += [(other, other.classes[tail(base)]) for base in around.bases if tail(base) in other.classes]

    def _key_assignments(self, node: ast.Subscript, path: Path, trail: Trail) -> Iterator[Value]:
        """`config["lr"] = 0.1` elsewhere, and entries of that name where nothing else is known."""
        if not isinstance(node.slice, ast.Constant) or not isinstance(node.slice.value, str):
            return
        key = node.slice.value
        for other in self.files:
            for target, binding in other.keys.get(key, []):
                if target is not node and root(target) == root(node):
                    yield from self.binding(other, binding, path, trail)

    def entry(self, file: File, node: ast.Dict, path: Path, trail: Trail) -> Iterator[Value]:
        """The part `path` of a dictionary that is written out."""
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                yield from self.values(file, value, path, trail)
            elif path[0] == ANY or (isinstance(key, ast.Constant) and key.value == path[0]):
                yield from self.values(file, value, path[1:], trail)

    def _element(self, file: File, node: ast.List | ast.Tuple | ast.Set, path: Path, trail: Trail) -> Iterator[Value]:
        at = path[0]
        if isinstance(at, int) and -len(node.elts) <= at < len(node.elts):
            yield from self.values(file, node.elts[at], path[1:], trail)
        else:
            for part in node.elts[:MOST]:
                yield from self.values(file, part, path[1:] if at == ANY else path, trail)

    # ---- parameters ----------------------------------------------------------------------------------------------

    def _parameter(self, file: File, argument: ast.arg, path: Path, trail: Trail) -> Iterator[Value]:
        function = file.function_around(argument)
        if function is None:
            return
        owner = file.class_around(function)
        if owner is not None and parameters(function)[:1] == [argument] and argument.arg in ("self", "cls"):
            if path and isinstance(path[0], str):
                yield from self.field(file, owner, path[0], path[1:], trail)
            return
        found = False
        for caller, call in self._callers(file, function, owner):
            given = argument_of(call, function, argument.arg, owner is not None)
            if given is not None:
                found = True
                self.visited.append((caller, call))
                part = (argument.arg,) if isinstance(given, ast.keyword) and not given.arg else ()
                value = given.value if isinstance(given, ast.keyword) else given
                yield from self.values(caller, value, (*part, *path), (*trail, (caller, call)))
        default = default_of(function, argument.arg)
        if not found and default is not None:
            yield from self.values(file, default, path, trail)
        elif not found:
            yield from options(self.files, (argument.arg, *path), trail)

    def _callers(self, file: File, function: Function, owner: ast.ClassDef | None) -> Iterator[tuple[File, ast.Call]]:
        names = {getattr(function, "name", "")} - {""}
        if owner is not None and names & {"__init__", "__new__"}:
            heirs = (c for other in self.files for c in other.classes.values() if owner.name in map(tail, c.bases))
            names = {owner.name, *(heir.name for heir in heirs)}
        elif names == {"forward"} or names == {"__call__"}:
            return
        elif isinstance(function, ast.Lambda):
            bound = file.parents.get(function)
            names = {target.id for target in getattr(bound, "targets", ()) if isinstance(target, ast.Name)}
        for other in self.files:
            for call in other.calls:
                if tail(call.func) in names or (
                    tail(call.func) == "partial" and call.args and tail(call.args[0]) in names
                ):
                    yield other, call
