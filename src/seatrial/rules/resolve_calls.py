"""Where the result of a call comes from: what known functions pass on, what the user's own functions and classes give."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seatrial.rules.expressions import ANY, names_module, returned
from seatrial.rules.resolve_by_name import lines_of_text, options
from seatrial.rules.resolved import Trail, Value
from seatrial.rules.syntax import File, Function, Path, tail

if TYPE_CHECKING:
    from seatrial.rules.resolve import Resolver

# Calls whose result is (a copy of) their first argument, as far as its origin is concerned.
_PASSING = frozenset(
    "float int str bool abs round copy deepcopy vars asdict list tuple set sorted reversed iter next tqdm trange cycle "
    "islice EasyDict Munch munchify Box DotDict AttrDict edict create DictConfig ConfigDict Namespace "
    "SimpleNamespace dict MappingProxyType OrderedDict defaultdict to_container resolve items values Parameter".split()
)
# Calls that draw batches or parts out of the data set that is their first argument.
_DRAWING = frozenset("DataLoader Subset random_split prepare DistributedSampler ConcatDataset chain map filter".split())


def values_of_call(resolver: Resolver, file: File, node: ast.Call, path: Path, trail: Trail) -> Iterator[Value]:
    """Expressions that the part `path` of a call's result may come from."""
    name, first = tail(node.func), node.args[0] if node.args else None
    named = next((each.value for each in node.keywords if path and each.arg == path[0]), None)
    if name in ("parse_args", "parse_known_args"):
        yield from options(resolver.files, path, trail)
    elif name in ("get", "pop", "getattr", "setdefault", "getfloat", "getint", "getboolean"):
        yield from _get(resolver, file, node, path, trail)
    elif name == "enumerate":
        yield from resolver.values(file, first, (ANY, *path[2:]) if path[1:2] == (1,) else path, trail)
    elif name == "zip" and len(path) > 1 and isinstance(path[1], int) and path[1] < len(node.args):
        yield from resolver.values(file, node.args[path[1]], (ANY, *path[2:]), trail)
    elif name == "TensorDataset" and path:
        yield from _tensors(resolver, file, node, path, trail)
    elif name in ("train_test_split",) and path and isinstance(path[0], int) and node.args:
        yield from resolver.values(file, node.args[min(path[0] // 2, len(node.args) - 1)], path[1:], trail)
    elif name in _DRAWING:
        yield from _drawn(resolver, file, node, path, trail)
    elif named is not None and not resolver.data:
        yield from resolver.values(file, named, path[1:], trail)
    else:
        yield from _called(resolver, file, node, path, trail)


def values_of_function(resolver: Resolver, file: File, function: Function, path: Path, trail: Trail) -> Iterator[Value]:
    """Expressions that the part `path` of what a function returns or yields may come from."""
    for result in returned(file, function):
        item = path[1:] if path[:1] == (ANY,) and not isinstance(file.parents.get(result), ast.Return) else path
        resolver.visited.append((file, result))
        yield from resolver.values(file, result, item, (*trail, (file, result)))


def _tensors(resolver: Resolver, file: File, node: ast.Call, path: Path, trail: Trail) -> Iterator[Value]:
    rest = path[1:] if path[0] == ANY else path
    at = rest[0] if rest else ANY
    for part in [node.args[at]] if isinstance(at, int) and at < len(node.args) else node.args:
        yield from resolver.values(file, part, rest[1:], trail)


def _drawn(resolver: Resolver, file: File, node: ast.Call, path: Path, trail: Trail) -> Iterator[Value]:
    source = next((each.value for each in node.keywords if each.arg in ("dataset", "datasets")), None)
    source = source or (node.args[0] if node.args else None)
    if tail(node.func) == "random_split" and path:
        path = path[1:]
    yield from resolver.values(file, source, path, trail)


def _called(resolver: Resolver, file: File, node: ast.Call, path: Path, trail: Trail) -> Iterator[Value]:
    name, found = tail(node.func), False
    for other in resolver.files:
        for function in other.functions.get(name, []):
            for value in values_of_function(resolver, other, function, path, trail):
                found = True
                yield value
        if name in other.classes:
            for value in _constructed(resolver, other, other.classes[name], file, node, path, trail):
                found = True
                yield value
    if found and not resolver.data:
        return
    if name in _PASSING or resolver.data:
        parts: list[ast.expr] = [*node.args, *(each.value for each in node.keywords)]
        if isinstance(node.func, ast.Attribute) and not names_module(node.func.value):
            parts.insert(0, node.func.value)
        for part in parts if resolver.data else parts[:1]:
            yield from resolver.values(file, part, path, trail)
    elif path and not found:
        yield from lines_of_text(resolver, file, node, str(path[-1]), trail)


def _get(resolver: Resolver, file: File, node: ast.Call, path: Path, trail: Trail) -> Iterator[Value]:
    base = node.args[0] if tail(node.func) == "getattr" and node.args else getattr(node.func, "value", None)
    keys = tuple(a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, (str, int)))
    strings = tuple(key for key in keys if isinstance(key, str))[: 2 if tail(node.func) != "get" else 1]
    yield from resolver.values(file, base, (*strings, *path), trail)
    if not isinstance(base, ast.Name) or base.id not in ("os", "environ"):
        for default in (*node.args[1 + (tail(node.func) == "getattr") :], *(k.value for k in node.keywords)):
            yield from resolver.values(file, default, path, trail)


def _constructed(
    resolver: Resolver, owner_file: File, owner: ast.ClassDef, file: File, node: ast.Call, path: Path, trail: Trail
) -> Iterator[Value]:
    """A part of an object that a call constructs: given as an argument to a record, or a field of its class."""
    if resolver.data:
        for holder, around in resolver.family(owner_file, owner):
            for name in ("__getitem__", "__iter__"):
                for function in holder.functions.get(name, []):
                    if holder.class_around(function) is around:
                        rest = path[1:] if path[:1] == (ANY,) else path
                        for result in returned(holder, function):
                            yield from resolver.values(holder, result, rest, (*trail, (holder, result)))
        return
    if not path or not isinstance(path[0], str):
        return
    fields = [
        part.target.id for part in owner.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    ]
    if path[0] in fields and fields.index(path[0]) < len(node.args):
        yield from resolver.values(file, node.args[fields.index(path[0])], path[1:], trail)
    yield from resolver.field(owner_file, owner, path[0], path[1:], trail)
