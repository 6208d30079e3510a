"""Where a value in the user's program comes from: names, attributes, keys and parameters followed back in the text.

Nothing is evaluated. A value is asked for with a *path*, the part of it that is wanted: `args.lr` is the part ("lr",)
of `args`, the target of `for x, y in loader` is the part (ANY, 0) of `loader`. Where the text does not say, candidates
of the same name are given (the option `--lr`, the entry "lr" of a dictionary).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from seatrial.rules.expressions import (
    ANY,
    MOST,
    argument_of,
    bindings,
    computes,
    counts,
    destinations,
    index,
    operands,
    returned,
)
from seatrial.rules.syntax import Binding, File, Function, Path, default_of, parameters, root, tail

DEPTH = 24  # steps from the use to the origin
EFFORT = 500  # expressions looked at for one question
Step: TypeAlias = "tuple[File, ast.AST]"

# Calls whose result is (a copy of) their first argument, as far as its origin is concerned.
_PASSING = frozenset(
    "float int str bool abs round copy deepcopy vars asdict list tuple set sorted reversed iter next tqdm trange cycle "
    "islice EasyDict Munch munchify Box DotDict AttrDict edict create DictConfig ConfigDict Namespace "
    "SimpleNamespace dict MappingProxyType OrderedDict defaultdict to_container resolve items values Parameter".split()
)
# Calls that draw batches or parts out of the data set that is their first argument.
_DRAWING = frozenset("DataLoader Subset random_split prepare DistributedSampler ConcatDataset chain map filter".split())
# Modules, not data: never followed as the receiver of a call.
_MODULES = frozenset("torch np numpy nn F math random os pd plt sklearn scipy optim self cls".split())


@dataclass(frozen=True, slots=True)
class Value:
    """An expression that a value comes from; `trail` is what was passed on the way to it, nearest to the use first."""

    file: File
    node: ast.AST
    trail: tuple[Step, ...] = ()


class Resolver:
    """Follows values through the files of a run. With `data`, calls that are not known are followed through all of
    their arguments (tensors through preprocessing); without, they end the search (numbers)."""

    def __init__(self, files: Sequence[File], data: bool = False) -> None:
        self.files = files
        self.data = data
        self.visited: list[Step] = []
        self._active: set[tuple[int, Path]] = set()

    def values(
        self, file: File, node: ast.AST | None, path: Path = (), trail: tuple[Step, ...] = ()
    ) -> Iterator[Value]:
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

    def _step(self, file: File, node: ast.AST, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        match node:
            case ast.Name():
                yield from self._name(file, node, path, trail)
            case ast.Attribute():
                yield from self._attribute(file, node, path, trail)
            case ast.Subscript():
                yield from self.values(file, node.value, (*index(node.slice), *path), trail)
                yield from self._key_assignments(node, path, trail)
            case ast.Call():
                yield from self._call(file, node, path, trail)
            case ast.Dict() if path:
                yield from self._entry(file, node, path, trail)
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

    def _name(self, file: File, node: ast.Name, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        for binding in bindings(file, node):
            yield from self._binding(file, binding, path, trail)

    def _binding(self, file: File, binding: Binding, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
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

    def _imported(self, binding: Binding, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        module, name = str(binding.path[0]), str(binding.path[1])
        for other in self.files:
            stem = other.name.replace("\\", "/").removesuffix(".py")
            if stem.endswith("/" + module.replace(".", "/")):
                if path and module == name:
                    name, path = str(path[0]), path[1:]
                for found in other.names[other.tree].get(name, []):
                    yield from self._binding(other, found, path, trail)

    # ---- attributes and keys -------------------------------------------------------------------------------------

    def _attribute(self, file: File, node: ast.Attribute, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        found = False
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            owner = file.class_around(node)
            for value in self._field(file, owner, node.attr, path, trail):
                found = True
                yield value
        else:
            for value in self.values(file, node.value, (node.attr, *path), trail):
                found = True
                yield value
        if not found and root(node) not in _MODULES - {"self", "cls"}:
            for other in self.files:
                for target, binding in other.attributes.get(node.attr, []):
                    if target is not node:
                        yield from self._binding(other, binding, path, trail)
            yield from self._anywhere((node.attr, *path), trail)

    def _field(
        self, file: File, owner: ast.ClassDef | None, name: str, path: Path, trail: tuple[Step, ...]
    ) -> Iterator[Value]:
        """Attribute `name` of an object of a class: assigned to self, in the body, or inherited."""
        for holder, around in self._family(file, owner):
            for target, binding in holder.attributes.get(name, []):
                if root(target) in ("self", "cls") and holder.class_around(target) is around:
                    yield from self._binding(holder, binding, path, trail)
            for binding in holder.names[around].get(name, []):
                yield from self._binding(holder, binding, path, trail)
            for function in holder.functions.get(name, []):
                if holder.class_around(function) is around:
                    yield from self._returns(holder, function, path, trail)

    def _family(self, file: File, owner: ast.ClassDef | None) -> Iterator[tuple[File, ast.ClassDef]]:
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

    def _key_assignments(self, node: ast.Subscript, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        """`config["lr"] = 0.1` elsewhere, and entries of that name where nothing else is known."""
        if not isinstance(node.slice, ast.Constant) or not isinstance(node.slice.value, str):
            return
        key = node.slice.value
        for other in self.files:
            for target, binding in other.keys.get(key, []):
                if target is not node and root(target) == root(node):
                    yield from self._binding(other, binding, path, trail)

    def _entry(self, file: File, node: ast.Dict, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                yield from self.values(file, value, path, trail)
            elif path[0] == ANY or (isinstance(key, ast.Constant) and key.value == path[0]):
                yield from self.values(file, value, path[1:], trail)

    def _element(
        self, file: File, node: ast.List | ast.Tuple | ast.Set, path: Path, trail: tuple[Step, ...]
    ) -> Iterator[Value]:
        at = path[0]
        if isinstance(at, int) and -len(node.elts) <= at < len(node.elts):
            yield from self.values(file, node.elts[at], path[1:], trail)
        else:
            for part in node.elts[:MOST]:
                yield from self.values(file, part, path[1:] if at == ANY else path, trail)

    # ---- calls ---------------------------------------------------------------------------------------------------

    def _call(self, file: File, node: ast.Call, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        name, first = tail(node.func), node.args[0] if node.args else None
        named = next((each.value for each in node.keywords if path and each.arg == path[0]), None)
        if name in ("parse_args", "parse_known_args"):
            yield from self._option(path, trail)
        elif name in ("get", "pop", "getattr", "setdefault", "getfloat", "getint", "getboolean"):
            yield from self._get(file, node, path, trail)
        elif name == "enumerate":
            yield from self.values(file, first, (ANY, *path[2:]) if path[1:2] == (1,) else path, trail)
        elif name == "zip" and len(path) > 1 and isinstance(path[1], int) and path[1] < len(node.args):
            yield from self.values(file, node.args[path[1]], (ANY, *path[2:]), trail)
        elif name == "TensorDataset" and path:
            yield from self._tensors(file, node, path, trail)
        elif name in ("train_test_split",) and path and isinstance(path[0], int) and node.args:
            yield from self.values(file, node.args[min(path[0] // 2, len(node.args) - 1)], path[1:], trail)
        elif name in _DRAWING:
            yield from self._drawn(file, node, path, trail)
        elif named is not None and not self.data:
            yield from self.values(file, named, path[1:], trail)
        else:
            yield from self._called(file, node, path, trail)

    def _tensors(self, file: File, node: ast.Call, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        rest = path[1:] if path[0] == ANY else path
        at = rest[0] if rest else ANY
        for part in [node.args[at]] if isinstance(at, int) and at < len(node.args) else node.args:
            yield from self.values(file, part, rest[1:], trail)

    def _drawn(self, file: File, node: ast.Call, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        source = next((each.value for each in node.keywords if each.arg in ("dataset", "datasets")), None)
        source = source or (node.args[0] if node.args else None)
        if tail(node.func) == "random_split" and path:
            path = path[1:]
        yield from self.values(file, source, path, trail)

    def _called(self, file: File, node: ast.Call, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        name, found = tail(node.func), False
        for other in self.files:
            for function in other.functions.get(name, []):
                for value in self._returns(other, function, path, trail):
                    found = True
                    yield value
            if name in other.classes:
                for value in self._constructed(other, other.classes[name], file, node, path, trail):
                    found = True
                    yield value
        if found and not self.data:
            return
        if name in _PASSING or self.data:
            parts: list[ast.expr] = [*node.args, *(each.value for each in node.keywords)]
            if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
                parts.insert(0, node.func.value)
            for part in parts if self.data else parts[:1]:
                yield from self.values(file, part, path, trail)
        elif path and not found:
            yield from self._text(file, node, str(path[-1]), trail)

    def _get(self, file: File, node: ast.Call, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        base = node.args[0] if tail(node.func) == "getattr" and node.args else getattr(node.func, "value", None)
        keys = tuple(a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, (str, int)))
        strings = tuple(key for key in keys if isinstance(key, str))[: 2 if tail(node.func) != "get" else 1]
        yield from self.values(file, base, (*strings, *path), trail)
        if not isinstance(base, ast.Name) or base.id not in ("os", "environ"):
            for default in (*node.args[1 + (tail(node.func) == "getattr") :], *(k.value for k in node.keywords)):
                yield from self.values(file, default, path, trail)

    def _returns(self, file: File, function: Function, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        for result in returned(file, function):
            item = path[1:] if path[:1] == (ANY,) and not isinstance(file.parents.get(result), ast.Return) else path
            self.visited.append((file, result))
            yield from self.values(file, result, item, (*trail, (file, result)))

    def _constructed(
        self, owner_file: File, owner: ast.ClassDef, file: File, node: ast.Call, path: Path, trail: tuple[Step, ...]
    ) -> Iterator[Value]:
        """A part of an object that a call constructs: given as an argument to a record, or a field of its class."""
        if self.data:
            for holder, around in self._family(owner_file, owner):
                for name in ("__getitem__", "__iter__"):
                    for function in holder.functions.get(name, []):
                        if holder.class_around(function) is around:
                            rest = path[1:] if path[:1] == (ANY,) else path
                            for result in returned(holder, function):
                                yield from self.values(holder, result, rest, (*trail, (holder, result)))
            return
        if not path or not isinstance(path[0], str):
            return
        fields = [
            part.target.id
            for part in owner.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        ]
        if path[0] in fields and fields.index(path[0]) < len(node.args):
            yield from self.values(file, node.args[fields.index(path[0])], path[1:], trail)
        yield from self._field(owner_file, owner, path[0], path[1:], trail)

    # ---- parameters ----------------------------------------------------------------------------------------------

    def _parameter(self, file: File, argument: ast.arg, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        function = file.function_around(argument)
        if function is None:
            return
        owner = file.class_around(function)
        if owner is not None and parameters(function)[:1] == [argument] and argument.arg in ("self", "cls"):
            if path and isinstance(path[0], str):
                yield from self._field(file, owner, path[0], path[1:], trail)
            return
        found = False
        for caller, call in self._callers(file, function, owner):
            given = argument_of(call, function, argument.arg, owner is not None)
            if given is not None:
                found = True
                self.visited.append((caller, call))
                part = (
                    ()
                    if isinstance(given, ast.keyword) and given.arg
                    else (argument.arg,)
                    if isinstance(given, ast.keyword)
                    else ()
                )
                value = given.value if isinstance(given, ast.keyword) else given
                yield from self.values(caller, value, (*part, *path), (*trail, (caller, call)))
        default = default_of(function, argument.arg)
        if not found and default is not None:
            yield from self.values(file, default, path, trail)
        elif not found:
            yield from self._option((argument.arg, *path), trail)

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

    # ---- candidates by name --------------------------------------------------------------------------------------

    def _option(self, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        """The command-line option that fills an attribute: `add_argument("--lr", default=0.1)`, `click.option`."""
        wanted = str(path[0]) if path else ""
        for file in self.files:
            for call in file.calls:
                if tail(call.func) not in ("add_argument", "option", "argument") or wanted not in destinations(call):
                    continue
                default = next((each.value for each in call.keywords if each.arg == "default"), None)
                yield Value(file, default if default is not None else call, (*trail, (file, call)))

    def _anywhere(self, path: Path, trail: tuple[Step, ...]) -> Iterator[Value]:
        """Options, entries of dictionaries and fields of records with the wanted name."""
        key = str(path[-1])
        yield from self._option((key,), trail)
        for file in self.files:
            for node in ast.walk(file.tree):
                if isinstance(node, ast.Dict):
                    yield from self._entry(file, node, (key,), trail)
            for owner in file.classes.values():
                for binding in file.names[owner].get(key, []):
                    yield from self._binding(file, binding, (), trail)

    def _text(self, file: File, node: ast.AST, key: str, trail: tuple[Step, ...]) -> Iterator[Value]:
        """A line `key: value` or `key = value` in a text that a call reads (JSON, YAML, INI)."""
        pattern = re.compile(rf"^[\s{{,\"']*{re.escape(key)}[\"']?\s*[:=]")
        for part in ast.walk(node):
            for value in self.values(file, part, (), trail) if isinstance(part, ast.Name) else ():
                yield from self._text_lines(value, pattern)
            if isinstance(part, ast.Constant):
                yield from self._text_lines(Value(file, part, trail), pattern)

    @staticmethod
    def _text_lines(value: Value, pattern: re.Pattern[str]) -> Iterator[Value]:
        text = value.node.value if isinstance(value.node, ast.Constant) else None
        for offset, line in enumerate(text.splitlines() if isinstance(text, str) else ()):
            if pattern.search(line) and isinstance(value.node, ast.Constant):
                marked = ast.Constant(line, lineno=value.node.lineno + offset, col_offset=0)
                yield Value(value.file, marked, value.trail)


def _is_module(node: ast.expr) -> bool:
    """Whether an expression names a module (or an object itself), not data: `torch`, `np.random`, `self`."""
    while isinstance(node, ast.Attribute) and root(node) not in ("self", "cls"):
        node = node.value
    return isinstance(node, ast.Name) and node.id in _MODULES
