"""One step of the way back from a value to what it is computed from: through names, containers, returns, parameters.

A function that was entered through a call is left through the same call, so that `accuracy(val_scores)` and
`accuracy(test_scores)` stay apart.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from seatrial.events import EvaluationPass
from seatrial.rules.calls import Calls, callers_of, is_on_stack
from seatrial.rules.expressions import ANY, argument_of, bindings, counts, index, returned, unpacked
from seatrial.rules.gathering import class_of, gatherings, rest_of, scope_of
from seatrial.rules.orderings import compared
from seatrial.rules.spots import Frame, Spot
from seatrial.rules.syntax import LOOPS, Binding, File, Function, Path, default_of, tail

_MODULES = frozenset("torch np numpy nn F math random os sys pd plt sklearn scipy optim self cls time json".split())
# Calls whose result has the parts of their first argument.
_KEEPING = frozenset("list tuple dict sorted reversed copy deepcopy array asarray tensor stack iter next items".split())
# So many names are followed to learn what a key is.
_MOST_NAMES = 30
_CURVES = frozenset(["roc_curve", "precision_recall_curve", "det_curve"])


class Backwards:
    """Steps in the files of a run."""

    def __init__(self, files: list[File]) -> None:
        self.files = files
        self.calls = Calls(files)

    def before(self, spot: Spot, data_of: EvaluationPass | None) -> Iterator[Spot]:
        """What an expression takes its value from, in one step; through the callers of one pass alone, if that is given."""
        node, path = spot.node, spot.path
        match node:
            case ast.Name():
                if node.id not in _MODULES:
                    yield from self._name(spot, node, data_of)
            case ast.Attribute():
                yield from self._attribute(spot, node, data_of)
            case ast.Subscript():
                yield spot.to(node.value, (*self.key(spot, node.slice, data_of), *path))
            case ast.Call():
                yield from self._call(spot, node)
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    other = isinstance(key, ast.Constant) and path[:1] not in ((), (ANY,), (key.value,))
                    if not other:
                        yield spot.to(value, path[1:])
            case ast.List() | ast.Tuple() | ast.Set():
                at = path[0] if path else ANY
                exact = isinstance(at, int) and -len(node.elts) <= at < len(node.elts)
                for part in [node.elts[at]] if exact and isinstance(at, int) else node.elts:
                    yield spot.to(part, path[1:])
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp() | ast.DictComp():
                inside = replace(spot, gathered=(*spot.gathered, (spot.file, node)))
                yield inside.to(node.value if isinstance(node, ast.DictComp) else node.elt, path[1:])
            case ast.IfExp():
                yield spot.to(node.body, path)
                yield spot.to(node.orelse, path)
                yield spot.to(node.test)
            case ast.Starred() | ast.Await() | ast.NamedExpr():
                yield spot.to(node.value, path)
            case _:
                for part in ast.iter_child_nodes(node):
                    if isinstance(part, (ast.expr, ast.FormattedValue)):
                        yield spot.to(part)

    def key(self, spot: Spot, node: ast.AST, data_of: EvaluationPass | None) -> Path:
        """The key or position that an index stands for: one that is written there, or the only constant that its name may
        have; ANY where that is not known."""
        written = index(node)
        if written != (ANY,):
            return written
        todo, seen, keys = [spot.to(node)], set[int](), set[int | str]()
        while todo:
            each = todo.pop()
            seen.add(id(each.node))
            match each.node:
                case ast.Constant(value=str() | int() as key) if not each.path:
                    keys.add(key)
                case ast.Name() | ast.Attribute() | ast.Call() if len(seen) < _MOST_NAMES:
                    if isinstance(each.node, ast.Call) and not self._is_record(each.node):
                        return (ANY,)
                    behind = list(self.before(each, data_of))
                    if not behind:
                        return (ANY,)
                    todo += [one for one in behind if id(one.node) not in seen]
                case _:
                    return (ANY,)
        return tuple(keys) if len(keys) == 1 else (ANY,)

    # ---- names ---------------------------------------------------------------------------------------------------

    def _name(self, spot: Spot, node: ast.Name, data_of: EvaluationPass | None) -> Iterator[Spot]:
        for binding in _reaching(spot.file, node):
            yield from self._binding(spot, binding, data_of)
        scope = scope_of(spot.file, node)
        for each in gatherings(spot.file).get(node.id, ()):
            rest = rest_of(each.path, spot.path)
            if rest is not None and scope_of(spot.file, each.name) is scope:
                inside = replace(spot, gathered=(*spot.gathered, (spot.file, each.statement)))
                yield from (inside.to(value, rest) for value in each.values)

    def _binding(self, spot: Spot, binding: Binding, data_of: EvaluationPass | None = None) -> Iterator[Spot]:
        if binding.kind == "parameter" and isinstance(binding.statement, ast.arg):
            yield from self._parameter(spot, binding.statement, data_of)
        elif binding.kind == "import":
            yield from self._imported(spot, binding)
        elif binding.value is None or (binding.kind == "loop" and counts(binding.value)):
            return
        else:
            part: Path = (ANY,) if binding.kind == "loop" else ()
            yield spot.to(binding.value, (*part, *binding.path, *spot.path))
            if isinstance(binding.value, ast.Constant):  # a flag or a counter: what decides is the condition
                yield from (spot.to(test) for test in _conditions(spot.file, binding.statement))

    def _imported(self, spot: Spot, binding: Binding) -> Iterator[Spot]:
        module, name = str(binding.path[0]), str(binding.path[1])
        for other in self.files:
            if other.name.replace("\\", "/").removesuffix(".py").endswith("/" + module.replace(".", "/")):
                for found in other.names[other.tree].get(name, []):
                    if found.value is not None:
                        yield replace(spot, file=other, node=found.value)

    def _parameter(self, spot: Spot, argument: ast.arg, data_of: EvaluationPass | None) -> Iterator[Spot]:
        file, function = spot.file, spot.file.function_around(argument)
        if function is None:
            return
        if isinstance(function, ast.Lambda) and isinstance(file.parents.get(function), ast.keyword):
            call = file.parents.get(file.parents[function])
            if isinstance(call, ast.Call) and (of := compared(call)) is not None:
                yield spot.to(of, (ANY, *spot.path))  # `max(results, key=lambda each: each.score)`
            return
        for depth, frame in reversed(list(enumerate(spot.stack))):
            if frame.function is function:
                given = _given(frame.call, function, argument.arg, frame.method)
                if given is not None:
                    level = spot.level + (data_of is not None)
                    moved = replace(spot, file=frame.file, stack=spot.stack[:depth], level=level)
                    yield moved.to(given[0], (*given[1], *spot.path))
                return
        calls = callers_of(data_of, file, function, list(self.calls.callers(file, function)))
        handed = [(*call[:2], _given(call[1], function, argument.arg, call[2])) for call in calls]
        default = default_of(function, argument.arg)
        by_default = default is not None and (not handed or any(given is None for *_, given in handed))
        if data_of is not None and not is_on_stack(file, function, data_of):
            different = {ast.dump(given[0]) for *_, given in handed if given is not None}
            if len(different) + by_default > 1:
                return  # objects that were made with different things: which one this is is not known
        if default is not None and by_default:
            yield spot.to(default, spot.path)
        for other, call, given in handed:
            if given is not None:
                inner = spot.inner or spot.label
                via = (*spot.given, (other, call))
                moved = replace(spot, file=other, stack=(), label="", inner=inner, given=via, level=spot.level + 1)
                yield moved.to(given[0], (*given[1], *spot.path))

    # ---- attributes ----------------------------------------------------------------------------------------------

    def _attribute(self, spot: Spot, node: ast.Attribute, data_of: EvaluationPass | None) -> Iterator[Spot]:
        own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        around = class_of(spot.file, node) if own else None
        if not own:
            yield spot.to(node.value, (node.attr, *spot.path))
        if isinstance(node.value, ast.Name) and node.value.id in _MODULES - {"self", "cls"}:
            return
        for other in [spot.file] if own else self.files:
            free = replace(spot, file=other, stack=() if not own else spot.stack)
            for target, binding in other.attributes.get(node.attr, []):
                if target is not node and (not own or class_of(other, target) is around):
                    yield from self._binding(free, binding, data_of)
            for each in gatherings(other).get("self", ()):
                rest = rest_of(each.path, (node.attr, *spot.path))
                if (
                    each.path[:1] == (node.attr,)
                    and rest is not None
                    and (not own or class_of(other, each.name) is around)
                ):
                    inside = replace(free, gathered=(*spot.gathered, (other, each.statement)))
                    yield from (inside.to(value, rest) for value in each.values)
            for function in other.functions.get(node.attr, []):  # a property
                if class_of(other, function) is not None and (not own or class_of(other, function) is around):
                    yield from (free.to(result, spot.path) for result in returned(other, function))

    # ---- calls ---------------------------------------------------------------------------------------------------

    def _call(self, spot: Spot, node: ast.Call) -> Iterator[Spot]:
        name, path = tail(node.func), spot.path
        called = self.calls.called(spot.file, node)
        for other, function, method in called:
            frame = Frame(function, spot.file, node, method)
            if any(each.function is function for each in spot.stack):
                continue
            for result in returned(other, function):
                yield replace(spot, file=other, node=result, stack=(*spot.stack, frame))
        if called:
            return
        named = next((each.value for each in node.keywords if path and each.arg == path[0]), None)
        preset = self._preset(name, path) if not node.args else None
        if named is not None:
            yield spot.to(named, path[1:])
        elif preset is not None:
            yield replace(spot, file=preset[0], node=preset[1], path=path[1:])
        elif name == "enumerate" and node.args:
            yield spot.to(node.args[0], (ANY, *path[2:]) if path[1:2] == (1,) else ())
        elif name == "zip" and len(path) > 1 and isinstance(path[1], int) and path[1] < len(node.args):
            yield spot.to(node.args[path[1]], (ANY, *path[2:]))
        elif name == "items" and isinstance(node.func, ast.Attribute):
            yield spot.to(node.func.value, (ANY, *path[2:]) if path[1:2] == (1,) else ())
        elif name in ("get", "values") and isinstance(node.func, ast.Attribute):
            key = index(node.args[0]) if name == "get" and node.args else ()
            yield spot.to(node.func.value, (*key, *path))
        elif name == "DataFrame" and node.args:
            yield spot.to(node.args[0], (ANY, *path) if path else ())
            yield spot.to(node.args[0], path)
        else:
            yield from self._unknown(replace(spot, curve=spot.curve or name in _CURVES), node, name)

    def _is_record(self, node: ast.Call) -> bool:
        """Whether a call makes an object of a class of the user's that names what it is given: a dataclass."""
        return not node.args and any(tail(node.func) in file.classes for file in self.files)

    def _preset(self, name: str, path: Path) -> tuple[File, ast.expr] | None:
        """The value that a class of the user's gives to an attribute in its body: `split: str = "val"`."""
        for file in self.files:
            if name in file.classes and path:
                for binding in file.names[file.classes[name]].get(str(path[0]), []):
                    if binding.value is not None:
                        return file, binding.value
        return None

    def _unknown(self, spot: Spot, node: ast.Call, name: str) -> Iterator[Spot]:
        """A call of a library's function: its result comes from all that it is given."""
        path = spot.path if name in _KEEPING else ()
        for part in (*node.args, *(each.value for each in node.keywords)):
            yield spot.to(part, path)
        if isinstance(node.func, ast.Attribute) and tail(node.func.value) not in _MODULES - {"self", "cls"}:
            yield spot.to(node.func.value, path)


def _given(call: ast.Call, function: Function, name: str, method: bool) -> tuple[ast.expr, Path] | None:
    """What a call gives to a parameter, and which part of that: `f(model, *pair)` gives `pair[0]` to the second."""
    given = argument_of(call, function, name, method)
    if isinstance(given, ast.expr):
        return given, ()
    if given is not None and given.arg is not None:
        return given.value, ()
    starred = unpacked(call, function, name, method)
    if starred is not None:
        return starred
    return (given.value, (name,)) if given is not None else None


def _reaching(file: File, node: ast.Name) -> list[Binding]:
    """What a name may stand for, also what it was given later in a loop that comes round again."""
    found = bindings(file, node)
    loops = [each for each in file.ancestors(node) if isinstance(each, LOOPS)]
    scope = scope_of(file, node)
    if not loops or scope is None:
        return found
    known = file.names[scope].get(node.id, [])
    for loop in loops:
        fixed = [
            each for each in found if each.statement in set(ast.walk(loop)) and not _conditions(file, each.statement)
        ]
        if fixed:
            return found
        found += [each for each in known if each not in found and each.statement in set(ast.walk(loop))]
    return found


def _conditions(file: File, statement: ast.AST) -> list[ast.expr]:
    """The tests of the `if` statements around a statement, within its function."""
    function = file.function_around(statement)
    return [
        each.test
        for each in file.ancestors(statement)
        if isinstance(each, ast.If) and file.function_around(each) is function
    ]
